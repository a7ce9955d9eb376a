"""Where could something show that should not? Everything an operator or a stranger could look at."""

from __future__ import annotations

import base64
import binascii
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
import redis
from celery import Celery

from tests.faults.caller import client_of
from tests.faults.rig import FLOWER, Rig

PAGES = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/task/types")
_STOP = "the-search-ends-here"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_EXTRA = ("flower", "exporter")


def watchers(rig: Rig) -> set[str]:
    """The processes that show what goes on, as far as they are installed."""
    return {process.name for process in rig.table(rig.settings)} & set(_EXTRA)


@contextmanager
def events(broker: Celery, found: list[dict[str, Any]]) -> Iterator[None]:
    """Collect every Celery event for as long as the block lasts."""
    with broker.connection_for_read() as connection:
        receiver = broker.events.Receiver(connection, handlers={"*": found.append})

        def listen() -> None:
            while not receiver.should_stop:
                try:
                    receiver.capture(limit=None, timeout=0.5, wakeup=False)
                except TimeoutError:
                    continue

        thread = Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            receiver.should_stop = True
            thread.join(10)


def everything_in(client: redis.Redis) -> str:
    """Every key and every value."""
    reading: dict[Any, Callable[[Any], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    return "\n".join(
        f"{key!r} {reading[kind](key)!r}"
        for key in client.scan_iter(count=1000)
        if (kind := client.type(key)) != b"none"
    )


def flower_pages(rig: Rig, tasks: list[str]) -> dict[str, str]:
    """Every page and answer of Flower that shows tasks or workers."""
    who = (FLOWER.user, FLOWER.password.get_secret_value())
    base = f"http://127.0.0.1:{rig.ports.flower}"
    details = [page for task in tasks for page in (f"/task/{task}", f"/api/task/info/{task}")]
    worker = f"/worker/intake@{socket.gethostname()}"
    with httpx.Client(base_url=base, auth=who, timeout=20, trust_env=False) as flower:
        return {
            page: flower.get(page, follow_redirects=True).raise_for_status().text
            for page in (*PAGES, worker, *details)
        }


@contextmanager
def commands(client: redis.Redis, found: list[str]) -> Iterator[None]:
    """Collect every command that anybody gives to this Redis for as long as the block lasts."""
    with client.monitor() as monitor:  # type: ignore[no-untyped-call]

        def listen() -> None:
            for command in monitor.listen():
                found.append(command["command"])
                if _STOP in command["command"]:
                    return

        thread = Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            client.echo(_STOP)
            thread.join(10)


def metrics(rig: Rig) -> str:
    """The page that Prometheus reads."""
    page = httpx.get(f"http://127.0.0.1:{rig.ports.exporter}/metrics", trust_env=False)
    return page.raise_for_status().text


def logs(rig: Rig) -> dict[str, str]:
    """Everything that every process has written, the servers included."""
    paths = sorted((rig.home / "logs").iterdir())
    return {path.name: path.read_text(errors="replace") for path in paths}


def places(searched: Mapping[str, str], words: Sequence[str]) -> list[tuple[str, str]]:
    """(where, which) of every word that shows, also in what is base64, as the broker writes messages."""
    return [
        (where, word)
        for where, text in searched.items()
        for read in (text, _decoded(text))
        for word in words
        if word in read
    ]


def _decoded(text: str) -> str:
    return "\n".join(map(_base64, _BASE64.findall(text)))


def _base64(run: str) -> str:
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4)).decode(errors="replace")
    except binascii.Error:  # it only looked like it
        return ""


def ended(seen: list[dict[str, Any]]) -> set[str]:
    """The ids of the tasks that have come to an end."""
    return {e["uuid"] for e in list(seen) if e["type"] in {"task-succeeded", "task-failed"}}


def remote(rig: Rig) -> str:
    """What remote control says of the worker that takes messages."""
    app = client_of(rig.redis.url)
    asked = app.control.inspect(timeout=1.0)
    answers = [asked.active(), asked.reserved(), asked.scheduled(), asked.stats()]
    app.close()
    assert all(answers), "nobody answered"
    return repr(answers)
