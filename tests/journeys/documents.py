"""The documents' own commands and bodies, and the shell they are run in: only base URL, key and ids are other."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.journeys.household import Household

LEADSAIL = """{    "leadId": "lead_abc123",    "message": "Hi John, just following up on your inquiry."  }"""
"""What the document's Go program sends; the program itself sends no key, and declares `body` twice."""
LEADPING = """curl --request POST \\
  --url https://api.leadping.ai/sms/send \\
  --header 'Content-Type: application/json' \\
  --data '
{
  "smsEventId": "<string>",
  "scheduledFor": "2023-11-07T05:31:56Z",
  "conversationId": "<string>",
  "fromPhoneNumberId": "<string>",
  "wasManuallyOverridden": true,
  "campaignId": "<string>",
  "sourceId": "<string>",
  "text": "<string>"
}
'"""
LIGUELEAD = """curl -X POST "https://api.liguelead.com.br/v1/sms" \\
  -H "api-token: YOUR_API_TOKEN" \\
  -H "app-id: YOUR_APP_ID" \\
  -H "Content-Type: application/json" \\
  -d '{
    "title": "Welcome Campaign",
    "message": "Welcome to LigueLead! Thank you for joining us.",
    "phones": ["11999999999", "11888888888"],
    "group_id": "optional-group-id"
  }'"""
_KEY = "X-API-Key"


def shell(command: str) -> tuple[int, Any]:
    """What a command with curl is told: the status, and the body."""
    words = [command + " --silent --write-out '\n%{http_code}'"]
    done = subprocess.run(words, shell=True, capture_output=True, text=True, timeout=60, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text) if text else None


def curl(
    posthorn: Household, path: str, body: str, *headers: str, key: str | None = None
) -> tuple[int, Any]:
    """What curl is told when it posts a body as it stands in a document; `key` instead of a good one."""
    mine = posthorn.address.api_key if key is None else key
    said = [f"{_KEY}: {mine}", "Content-Type: application/json", *headers]
    words = ["curl", "--silent", "--request", "POST", "--url", posthorn.address.url + path]
    words += [word for header in said for word in ("--header", header)]
    words += ["--data", body, "--write-out", "\n%{http_code}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def with_key(posthorn: Household, command: str, *headers: str) -> str:
    """A command that names no authentication, with a key of ours and what else is said."""
    said = (f"{_KEY}: {posthorn.address.api_key}", *headers)
    return command + "".join(f" --header '{header}'" for header in said)
