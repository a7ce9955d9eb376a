"""The courier goes where it was allowed to go and nowhere else, and says what it found there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest

from messaging import courier as module
from messaging.courier import Courier, Parcel, Resolve
from messaging.domain.notices import Answer
from tests.receiver import Receiver, Says, receiver

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
NAME = "hooks.example"


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def means(*addresses: str) -> Resolve:
    return lambda _host, _port: addresses


_HERE = means("127.0.0.1")


def post(courier: Courier, *urls: str) -> dict[str, Answer]:
    for url in urls:
        courier.submit(Parcel(url, url, {"x-mark": "1"}, b"{}"))
    found: dict[str, Answer] = {}
    while courier.under_way:
        found.update(courier.poll(5.0))
    return found


@pytest.fixture
def deliver() -> Iterator[Callable[..., Answer]]:
    made: list[Courier] = []

    def deliver(url: str, resolve: Resolve = _HERE, **options: object) -> Answer:
        made.append(Courier(LOOPBACK, resolve=resolve, **options))  # type: ignore[arg-type]
        return post(made[-1], url)[url]

    yield deliver
    for courier in made:
        courier.close()


def named(endpoint: Receiver, host: str = NAME) -> str:
    """The endpoint's URL under another name."""
    return endpoint.url.replace("127.0.0.1", host)


def test_a_name_is_kept_for_the_endpoint_and_the_address_is_the_checked_one(
    endpoint: Receiver, deliver: Callable[..., Answer]
) -> None:
    assert deliver(named(endpoint) + "?a=b") == Answer(204)
    (heard,) = endpoint.heard
    port = endpoint.url.rpartition(":")[2].removesuffix("/hook")
    assert heard.headers["host"] == f"{NAME}:{port}"
    assert heard.path == "/hook?a=b"
    assert heard.headers["x-mark"] == "1"
    assert (heard.body, heard.headers["user-agent"]) == (b"{}", "posthorn")


BAD = [
    "10.0.0.1", "100.64.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "224.0.0.1",
    "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1",
    "fc00::1", "fe80::1", "fec0::1", "2001:db8::1", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD)
def test_a_name_that_also_leads_inside_is_not_posted_to(
    endpoint: Receiver, deliver: Callable[..., Answer], address: str
) -> None:
    for found in ((address,), ("127.0.0.1", address), (address, "127.0.0.1")):
        assert deliver(named(endpoint), means(*found)) == Answer(error="not_public")
    assert endpoint.connections == 0


def test_without_leave_loopback_is_not_posted_to(endpoint: Receiver) -> None:
    courier = Courier()
    assert post(courier, endpoint.url) == {endpoint.url: Answer(error="not_public")}
    assert post(courier, named(endpoint, "localhost"))[named(endpoint, "localhost")].error in {
        "not_public",
        "unknown_host",
    }
    courier.close()
    assert endpoint.connections == 0


def test_a_name_that_changes_its_mind_after_the_check_changes_nothing(
    endpoint: Receiver, deliver: Callable[..., Answer]
) -> None:
    """DNS rebinding: the second answer would lead to another server of this machine."""
    with receiver("127.0.0.2") as inside:
        answers = iter(["127.0.0.1", "127.0.0.2"])
        asked: list[str] = []

        def rebinding(host: str, _port: int) -> list[str]:
            asked.append(host)
            return [next(answers)]

        assert deliver(named(endpoint), rebinding) == Answer(204)
        assert asked == [NAME]
        assert (len(endpoint.heard), inside.connections) == (1, 0)


def test_each_delivery_looks_its_name_up_anew(endpoint: Receiver) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.1", "10.0.0.1"], []])
    courier = Courier(LOOPBACK, resolve=lambda _h, _p: next(answers))
    url = named(endpoint)
    assert [post(courier, url)[url] for _ in range(3)] == [
        Answer(204),
        Answer(error="not_public"),
        Answer(error="unknown_host"),
    ]
    courier.close()
    assert len(endpoint.heard) == 1


def test_a_socket_to_any_other_address_is_never_opened(
    endpoint: Receiver, deliver: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were libcurl led elsewhere, it would get no socket: the second wall, without the first."""
    load = module._Call.load

    def misled(call: module._Call, *of: object) -> None:
        load(call, *of)  # type: ignore[arg-type]
        call._address = "127.0.0.3"

    monkeypatch.setattr(module._Call, "load", misled)
    assert deliver(endpoint.url) == Answer(error="connect")
    assert endpoint.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    endpoint: Receiver, deliver: Callable[..., Answer], status: int
) -> None:
    with receiver("127.0.0.2") as inside:
        endpoint.answers = lambda _: Says(status, {"location": inside.url})
        assert deliver(endpoint.url) == Answer(status)
        assert inside.connections == 0


def test_no_proxy_of_the_environment_is_used(
    endpoint: Receiver, deliver: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert deliver(endpoint.url) == Answer(204)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "90"}, 90),
        ({"Retry-After": "0"}, 0),
        ({"retry-after": "999999999"}, 86_400),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_what_an_endpoint_asks_for_is_heard(
    endpoint: Receiver, deliver: Callable[..., Answer], headers: dict[str, str], wait: int | None
) -> None:
    endpoint.answers = lambda _: Says(429, headers, b"slow down")
    after = None if wait is None else timedelta(seconds=wait)
    assert deliver(endpoint.url) == Answer(429, None, after)


def test_a_long_body_is_hung_up_on_and_the_status_counts(
    endpoint: Receiver, deliver: Callable[..., Answer]
) -> None:
    endpoint.answers = lambda _: Says(200, {}, b"x" * 50_000_000)
    started = time.monotonic()
    assert deliver(endpoint.url) == Answer(200)
    assert time.monotonic() - started < 5


def test_a_short_body_leaves_the_connection_open_for_the_next(endpoint: Receiver) -> None:
    endpoint.answers = lambda _: Says(200, {}, b"x" * 2_000)
    courier = Courier(LOOPBACK)
    for _ in range(3):
        assert post(courier, endpoint.url) == {endpoint.url: Answer(200)}
    courier.close()
    assert endpoint.connections == 1


RAW = [
    (b"", "reset"),
    (b"nonsense\r\n\r\n", "protocol"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "protocol"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", None),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None),
]


@pytest.mark.parametrize(("said", "error"), RAW)
def test_half_an_answer_is_none_until_its_head_is_whole(
    deliver: Callable[..., Answer], said: bytes, error: str | None
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):  # libcurl may try a connection that gave nothing once more
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(said)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    answer = deliver(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    assert answer == (Answer(error=error) if error else Answer(200))


def test_who_does_not_answer_in_time_has_not_answered(deliver: Callable[..., Answer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert deliver(url, timeout=timedelta(seconds=0.3)) == Answer(error="timeout")
    assert deliver(url) == Answer(error="connect")


def test_a_slow_name_and_a_slow_endpoint_hold_up_nobody(endpoint: Receiver) -> None:
    gate = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host == "slow.example":
            gate.wait(20)
        return ["127.0.0.1"]

    with receiver() as slow:

        def answer(_heard: object) -> Says:
            gate.wait(20)
            return Says()

        slow.answers = answer
        courier = Courier(LOOPBACK, resolve=resolve)
        for url in (named(slow, "slow.example"), slow.url, endpoint.url):
            courier.submit(Parcel(url, url, {}, b"{}"))
        found: list[str] = []
        while endpoint.url not in found:
            found += [token for token, _ in courier.poll(5.0)]
        assert found == [endpoint.url]
        assert len(courier.under_way) == 2
        gate.set()
        while courier.under_way:
            found += [token for token, _ in courier.poll(5.0)]
        assert sorted(found[1:]) == sorted([named(slow, "slow.example"), slow.url])
        courier.close()


def test_what_breaks_in_looking_up_is_an_unknown_host(deliver: Callable[..., Answer]) -> None:
    def broken(_host: str, _port: int) -> list[str]:
        raise RuntimeError

    assert deliver("https://hooks.example/", broken) == Answer(error="unknown_host")
    assert deliver("https://hooks.example/", means("nonsense")) == Answer(error="unknown_host")
