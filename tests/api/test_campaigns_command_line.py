"""Campaigns from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from messaging import expansion
from messaging.runtime import Runtime
from tests.api.test_endpoints_command_line import Run, run, shown

__all__ = ["run"]
REQUEST: dict[str, Any] = {
    "name": "from a file",
    "body": "Hi {{first_name|there}}",
    "category": "NOTIFICATION",
    "recipients": [{"to": f"+1202555010{n}"} for n in range(4)],
}


def test_a_campaign_is_made_started_paused_and_called_off(
    run: Run, rt: Runtime, tmp_path: Path
) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps(REQUEST))
    made = shown(run, "campaigns", "create", str(file))
    assert (made["state"], made["targets"]) == ("draft", 4)
    again = run("campaigns", "create", str(file))
    assert (again.returncode, "of this name" in again.stderr) == (1, True)
    assert run("campaigns", "start", made["id"]).stdout.strip() == "snapshot"
    expansion.run(rt)
    assert run("campaigns", "pause", made["id"]).stdout.strip() == "paused"
    seen = shown(run, "campaigns", "show", made["id"], "--watch")
    assert seen["counts"]["by_status"] == {"queued": 4}
    assert run("campaigns", "resume", made["id"]).stdout.strip() == "running"
    assert run("campaigns", "cancel", made["id"]).stdout.strip() == "canceling"
    assert [c["name"] for c in shown(run, "campaigns", "list")] == ["from a file"]
    file.write_text('{"name": 1}')
    wrong = run("campaigns", "create", str(file))
    assert (wrong.returncode, "body" in wrong.stderr) == (2, True)
