"""Accounts over HTTP and from a terminal: shown without secrets, changed without a restart."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.api.test_inbound import form, target
from tests.journeys.household import Done, command, environment


class Terminal:
    """The command line as one tenant."""

    def __init__(self, env: dict[str, str], home: Path) -> None:
        self._env = env
        self._home = home

    def asks(self, *words: str, stdin: str = "") -> Done:
        return command("accounts", *words, env=self._env, stdin=stdin)

    def run(self, *words: str, stdin: str = "") -> Done:
        done = self.asks(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done

    def shown(self) -> dict[str, Any]:
        return {a["name"]: a for a in json.loads(self.run("list", "-o", "json").stdout)}

    def file(self, name: str, text: str) -> str:
        path = self._home / name
        path.write_text(text)
        return str(path)


@pytest.fixture
def here(tmp_path: Path, settings: Settings, caller: Caller) -> Terminal:
    env = environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_PUBLIC_URL=settings.public_url,
        POSTHORN_TENANT=caller.tenant.name,
    )
    return Terminal(env, tmp_path)


def heard(anonymous: httpx.Client, rt: Runtime, caller: Caller, token: str, n: int) -> bool:
    """Whether a webhook signed with a token is taken."""
    fields = form("hello", n)
    signature = RequestValidator(token).compute_signature(
        rt.settings.public_url + target(caller), fields
    )
    answer = anonymous.post(
        target(caller), data=fields, headers={"X-Twilio-Signature": str(signature)}
    )
    assert answer.status_code in {204, 403}
    return answer.status_code == 204


def within_two_seconds(
    anonymous: httpx.Client, rt: Runtime, caller: Caller, wanted: dict[str, bool], n: int
) -> bool:
    """Whether these tokens soon are believed or not, as wanted."""
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        if {token: heard(anonymous, rt, caller, token, n) for token in wanted} == wanted:
            return True
        time.sleep(0.1)
    return False


def test_a_secret_is_replaced_while_webhooks_come_in(
    anonymous: httpx.Client, rt: Runtime, caller: Caller, here: Terminal
) -> None:
    old, new = caller.account.secret, "the-next-token-canary"
    assert heard(anonymous, rt, caller, old, 1)
    assert not heard(anonymous, rt, caller, new, 2)
    said = here.run("change", "main", "--secret-file", here.file("new", f"{new}\n")).stderr
    assert "webhooks signed as before count until" in said
    assert within_two_seconds(anonymous, rt, caller, {old: True, new: True}, 3)
    assert rt.senders_of(caller.tenant.id) is not None
    shown = here.shown()["main"]
    assert shown["old_until"] > shown["rotated_at"]
    here.run("forget-old", "main")
    assert within_two_seconds(anonymous, rt, caller, {old: False, new: True}, 4)
    assert here.shown()["main"]["old_until"] is None
    assert "nothing was kept" in here.run("forget-old", "main").stderr


def test_an_account_with_options_and_keys_is_added_changed_and_listed(here: Terminal) -> None:
    pem = here.file("key.pem", "-----BEGIN-----\npem-canary\n-----END-----\n")
    hook = here.file("hook", "hook-canary")
    added = here.run(
        "add", "--provider=vonage", "--name=v", "--username=abcd1234", "--secret-file=-",
        "--option", "application_id=an-application", "--option-file", f"private_key={pem}",
        "--webhook-secret-file", hook, stdin="secret-canary\n",
    )  # fmt: skip
    assert "/webhooks/vonage/" in added.stdout
    here.run("change", "v", "--option=application_id=another", "--max-in-flight=5",
             "--add-webhook-secret-file", here.file("hook2", "hook2-canary"))  # fmt: skip
    shown = here.shown()["v"]
    assert shown["options"] == ["application_id=another", "private_key=set"]
    assert (shown["max_in_flight"], shown["webhook_secrets"]) == (5, 2)
    assert (shown["base_url"], shown["provider"]) == ("https://api.nexmo.com", "vonage")
    assert shown["rotated_at"] is not None
    table, as_json = here.run("list").stdout, here.run("list", "-o", "json").stdout
    assert "application_id=another" in table
    assert "canary" not in table + as_json + added.stdout + added.stderr


def test_a_provider_without_a_user_name_needs_none(here: Terminal) -> None:
    key, hook = here.file("key", "KEY0-canary"), here.file("hook", "a-public-key")
    here.run("add", "--provider=telnyx", "--name=t", "--secret-file", key, "--webhook-secret-file", hook)  # fmt: skip
    here.run("add", "--provider=smtp", "--name=relay", "--no-secret", "--base-url=smtp://127.0.0.1:2525")  # fmt: skip
    assert set(here.shown()) == {"main", "relay", "t"}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("add", "--name=x", "--provider=none", "--secret-file=-"), 2, "smtp, telnyx, twilio"),
        (("add", "--name=x", "--secret-file=-"), 2, "username: twilio needs one: the account SID"),
        (("add", "--name=main", "--username=AC1", "--secret-file=-"), 1, "already"),
        (("add", "--name=x", "--provider=telnyx", "--secret-file=-", "--option=a=b"), 2, "none"),
        (("add", "--name=x", "--provider=smtp", "--secret-file=-", "--option=a=b"), 2, "tls"),
        (("add", "--name=x", "--provider=smtp", "--secret-file=-", "--option=tls"), 2, "name=value"),
        (("add", "--name=x", "--username=AC1", "--secret-file=/nowhere"), 2, "cannot be read"),
        (("add", "--name=x", "--username=AC1", "--secret-file=-", "--option-file=a=/nowhere"), 2,
         "cannot be read"),
        (("change", "none", "--max-in-flight=2"), 1, "no account"),
        (("change", "main"), 2, "at least one"),
        (("change", "main", "--keep-old-for=1h"), 2, "at least one"),
        (("change", "main", "--secret-file=-", "--keep-old-for=soon"), 2, "24h"),
        (("change", "main", "--secret-file=-", "--keep-old-for=31d"), 2, "30 days"),
        (("change", "main", "--base-url=https://a:b@host"), 2, "without a user name"),
        (("forget-old", "none"), 1, "no account"),
    ],
)  # fmt: skip
def test_a_mistake_at_the_terminal_is_a_sentence(
    here: Terminal, words: tuple[str, ...], status: int, said: str
) -> None:
    done = here.asks(*words, stdin="a-canary\n")
    assert done.returncode == status, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr


def test_an_empty_secret_is_refused(here: Terminal) -> None:
    done = here.asks("change", "main", "--secret-file=-", stdin=" \n")
    assert done.returncode == 2
    assert "empty" in done.stderr


def test_accounts_are_shown_over_http_without_credentials(
    anonymous: httpx.Client, http: httpx.Client, caller: Caller, stranger: Caller
) -> None:
    answer = http.get("/v1/accounts")
    assert answer.status_code == 200
    (account,) = answer.json()["data"]
    assert set(account) == {"id", "name", "provider", "channels"}
    assert (account["id"], account["provider"]) == (str(caller.account.id), "twilio")
    assert account["channels"]["mms"] == {
        "max_body": 1600,
        "media": 10,
        "flash": False,
        "validity": True,
    }
    for secret in (caller.account.secret, caller.account.username, str(stranger.account.id)):
        assert secret not in answer.text
    assert anonymous.get("/v1/accounts").status_code == 401
