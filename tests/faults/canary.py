"""One person's life, as a tenant tells it through every door: rightly, wrongly and to the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from celery import Celery

from messaging.queues import Task, WorkQueue
from tests.daylight import MIDDAY, NIGHT, zone_in
from tests.faults.caller import Caller
from tests.faults.rig import Rig, until

PERSON, STRANGER, LANDLINE, GONE = (
    "+13035550142",
    "+13035550143",
    "+442079460142",
    "+13035550199",
)
"""Written to; only named in what is refused; a landline; one the provider knows to have opted out."""
BODY, SAID, PROOF = "canary-of-the-text", "canary-of-the-answer", "canary-of-the-evidence"
NUMBERS = ("3035550142", "3035550143", "2079460142", "3035550199")
NATIONAL = ("(303) 555-0142", "303-555-0142", "(303) 555-0143", "303-555-0143", "020 7946 0142")
WORDS = (*NUMBERS, *NATIONAL, BODY, SAID, PROOF)


@dataclass
class Canary:
    """A tenant that does everything that can be done with a person, and keeps every answer it gets."""

    rig: Rig
    caller: Caller
    sender: str
    account: str
    refusals: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def ask(self, verb: str, path: str, status: int, **request: Any) -> httpx.Response:
        """A request; what a refusal says is kept to be searched."""
        answer = self.caller.http.request(verb, path, **request)
        assert answer.status_code == status, f"{verb} {path}: {answer.text}"
        if status >= 400:
            name = f"refusal {len(self.refusals)}, {verb} {path.partition('?')[0]}"
            self.refusals[name] = f"{answer.text} {answer.headers!r}"
        return answer

    def send(self, **fields: Any) -> str:
        found = self.ask("POST", "/v1/messages", 202, json={"to": PERSON, "body": BODY} | fields)
        return str(found.json()["id"])

    def status(self, message_id: str) -> str:
        return str(self.caller.http.get(f"/v1/messages/{message_id}").json()["status"])

    def reaches(self, message_id: str, *statuses: str) -> None:
        until(lambda: self.status(message_id) in statuses, 20, f"a message is {statuses}")
        found = self.ask("GET", f"/v1/messages/{message_id}/explain", 200)
        self.told[f"explain {len(self.told)}"] = found.text

    def says(self, body: str) -> None:
        url = f"{self.rig.url}/webhooks/twilio/{self.account}/inbound"
        said = {"from": PERSON, "to": self.sender, "body": body, "url": url}
        (sid,) = self.caller.senders
        answer = self.rig.carrier.http.post("/sandbox/inbound", json={**said, "account": sid})
        assert answer.raise_for_status().json()["answered"] == 204


def agree(canary: Canary) -> None:
    """Consent and lists, told one by one and in files, rightly and wrongly."""
    evidence = {"number": PERSON, "said": PROOF}
    grant = {"to": PERSON, "action": "grant", "basis": "express_written", "source": "web"}
    canary.ask("POST", "/v1/consents", 201, json={**grant, "evidence": evidence})
    for wrong in (
        {"to": BODY},
        {"at": STRANGER},
        {"action": STRANGER},
        {"basis": BODY},
        {"evidence": STRANGER},
        {"to": STRANGER, "category": PROOF},
        {"to": {"number": STRANGER}},
        {"to": STRANGER + "5"},
        {"to": STRANGER, "at": "2126-01-01T00:00:00Z"},
    ):
        canary.ask("POST", "/v1/consents", 422, json={**grant, "to": STRANGER} | wrong)
    csv = {"Content-Type": "text/csv"}
    at = "2026-01-05T10:00:00Z"
    lines = {
        "/v1/consents/import": (
            "to,action,source,at,evidence",
            f"{STRANGER},{BODY},web,{at},",
            f"{STRANGER}5,grant,web,{STRANGER},{PROOF}",
            f"{PERSON},grant",
        ),
        "/v1/suppressions/import": (
            "to,channel,scope,at,evidence",
            f"{STRANGER},sms,{STRANGER},,",
            f"{BODY},sms,all,{STRANGER},{PROOF}",
            f"{STRANGER},{BODY},all",
        ),
        "/v1/numbers/import": ("to,line_type", f"{STRANGER},{STRANGER}", f"{BODY},mobile"),
    }
    for path, content in lines.items():
        canary.ask("POST", path, 422, content="\n".join(content), headers=csv)
        canary.ask("POST", path, 422, content=f"{STRANGER},{BODY}\n", headers=csv)
        canary.ask("POST", path, 422, content=f'to\n"{STRANGER},{BODY}\n', headers=csv)
    dnc = "/v1/dnc/US?scrubbed_at=" + at
    canary.ask("PUT", dnc, 422, content=f"{BODY}\n{STRANGER}5\n", headers=csv)
    good = f"to,action,basis,source,at,evidence\n{PERSON},grant,express_written,web,{at},"
    proof = f'"{{""said"": ""{PROOF}""}}"\n'
    canary.ask("POST", "/v1/consents/import", 201, content=good + proof, headers=csv)


def refuse(canary: Canary) -> None:
    """Requests with the person in the wrong place, and messages that may not go."""
    message = {"to": PERSON, "body": BODY}
    for wrong in (
        {"to": BODY},
        {"to": STRANGER + "5"},
        {"to": [STRANGER]},
        {"to": LANDLINE},
        {"category": STRANGER},
        {"priority": BODY},
        {"channel": STRANGER},
        {"scheduled_for": STRANGER},
        {"expires_at": BODY},
        {"from": STRANGER},
        {"pool": STRANGER},
        {"time_zone": STRANGER},
        {"postal_code": STRANGER},
        {"content": BODY},
        {"metadata": STRANGER},
        {"flash": BODY},
        {"conversation_id": STRANGER},
        {"body": {"text": BODY}},
        {"body": f"{BODY} https://bit.ly/x", "category": "MARKETING"},
        {"to": STRANGER, "category": "MARKETING"},
        {"flash": True, "body": f"{BODY} https://example.com"},
        {"surprise": STRANGER},
        {STRANGER: BODY},
    ):
        answer = canary.ask("POST", "/v1/messages", 422, json=message | wrong)
        assert answer.headers["content-type"] == "application/problem+json"
    http = canary.caller.http
    canary.ask("POST", "/v1/messages", 400, content=f'{{"to": "{STRANGER}", "body": {BODY}')
    canary.ask("GET", f"/v1/messages/{STRANGER}", 404)
    canary.ask("GET", f"/v1/messages/{STRANGER}/explain", 404)
    canary.ask("GET", f"/v1/messages?cursor={STRANGER}&status={BODY}", 422)
    canary.ask("GET", f"/v1/inbound?keyword={STRANGER}", 422)
    canary.ask("GET", f"/v1/suppressions?cursor={BODY}", 422)
    canary.ask("GET", f"/v1/nothing/{STRANGER}", 404)
    canary.ask("POST", "/v1/messages/search", 422, json={"to": BODY, "status": STRANGER})
    canary.ask("POST", "/v1/messages/preview", 422, json={"body": BODY, "category": STRANGER})
    canary.ask("POST", "/v1/suppressions", 422, json={"to": STRANGER, "scope": BODY})
    canary.ask("POST", "/v1/suppressions/check", 422, json={"to": BODY})
    canary.ask("POST", "/v1/numbers/check", 422, json={"to": BODY})
    canary.ask("PATCH", "/v1/policy", 422, json={"brand": [BODY], "dnc_registries": {STRANGER: ""}})
    canary.ask("POST", "/v1/erasures", 422, json={"to": BODY, "channel": STRANGER})
    canary.ask(
        "POST", "/v1/messages", 401, json=message, headers={"Authorization": f"Bearer {BODY}"}
    )
    forged = {"From": STRANGER, "To": canary.sender, "Body": SAID, "MessageSid": "SM" + "0" * 32}
    path = f"/webhooks/twilio/{canary.account}/inbound"
    answer = http.post(path, data=forged, headers={"X-Twilio-Signature": SAID})
    assert answer.status_code == 403
    canary.refusals["forged"] = answer.text
    listed = canary.ask("POST", "/v1/messages", 202, json=[message | {"to": LANDLINE}, message])
    blocked, taken = listed.json()["data"]
    assert blocked["status"] == "undeliverable"
    canary.reaches(blocked["id"], "undeliverable")
    canary.reaches(taken["id"], "delivered")


def live(canary: Canary) -> None:
    """A person's life: written to by day and night, opted out, asked about, back again."""
    now = canary.rig.rt.now()
    for to in (PERSON, "(303) 555-0142", "303-555-0142"):
        canary.reaches(canary.send(to=to), "delivered")
    marketing = {"category": "MARKETING", "body": f"{BODY} Reply STOP to opt out"}
    canary.reaches(canary.send(**marketing, time_zone=zone_in(MIDDAY, now)), "delivered")
    waits = canary.send(**marketing, time_zone=zone_in(NIGHT, now))
    canary.reaches(waits, "scheduled")
    canary.reaches(canary.send(to=GONE), "opted_out")
    preview = canary.ask("POST", "/v1/messages/preview", 200, json={"body": BODY})
    assert BODY in preview.text  # the one who asks is shown their text
    canary.says(f"{SAID}?")
    canary.says("HELP")
    canary.says(f"please stop texting me {SAID}")
    canary.reaches(waits, "canceled")
    canary.ask("POST", "/v1/messages", 422, json={"to": PERSON, "body": BODY})
    canary.says("START")
    canary.says("STOP")
    assert canary.ask("POST", "/v1/suppressions/check", 200, json={"to": PERSON}).json()[
        "suppressed"
    ]
    canary.ask("POST", "/v1/suppressions/history", 200, json={"to": PERSON})
    canary.ask("POST", "/v1/consents/check", 200, json={"to": PERSON})
    canary.ask("POST", "/v1/numbers/check", 200, json={"to": PERSON})
    found = canary.ask("POST", "/v1/messages/search", 200, json={"to": PERSON}).json()["data"]
    for message in found:
        canary.reaches(message["id"], message["status"], "delivered")
    canary.told["exported"] = canary.ask("GET", "/v1/suppressions/export", 200).text


def hand_in(canary: Canary, broker: Celery) -> list[str]:
    """The same through the queue, to somebody who may be written to and to one who may not."""
    asked = [
        {"to": PERSON, "body": BODY},
        {"to": LANDLINE, "body": BODY},
        {"to": BODY, "body": BODY},
        {"to": PERSON, "body": BODY, "category": STRANGER},
        {"to": STRANGER, "body": BODY, "category": "MARKETING"},
    ]
    return [
        broker.send_task(
            Task.SEND.value,
            kwargs={"api_key": canary.caller.key, **fields},
            queue=WorkQueue.INTAKE.value,
        ).id
        for fields in asked
    ]


def draft(canary: Canary) -> None:
    """So many at once that they are written another way than a few."""
    drafts = [{"to": PERSON, "body": BODY, "draft": True}] * 150
    assert canary.ask("POST", "/v1/messages", 202, json=drafts).json()["refused"] == 0


def erase(canary: Canary) -> None:
    """Everybody asks to be forgotten."""
    http = canary.caller.http
    for who in (PERSON, LANDLINE, GONE):
        path = canary.ask("POST", "/v1/erasures", 202, json={"to": who}).headers["Location"]

        def erased(path: str = path) -> Any:
            return http.get(path).json()["finished_at"]

        until(erased, 30, "the person is erased")
