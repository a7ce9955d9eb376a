"""The README's examples, run as they are printed against a whole Posthorn."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging import stack
from messaging.client import Posthorn
from messaging.discovery import Address
from messaging.settings import Settings
from messaging.stack import Ports
from messaging.standalone import Standalone, standalone
from tests.architecture.repository import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"<!-- runs -->\n```(sh|python)\n(.*?)```", README, re.DOTALL)
DEADLINE = 60.0


@pytest.fixture(scope="module")
def posthorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """What `make up` starts, at ports nobody has."""
    settings = Settings.read(home=tmp_path_factory.mktemp("up"))
    ports = Ports(*(stack.available(0) for _ in range(4)))
    with standalone(settings, ports) as running:
        yield running


def _run(kind: str, block: str, address: Address, home: Path) -> subprocess.CompletedProcess[str]:
    assert address.api_key is not None
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "POSTHORN_URL": address.url,
        "POSTHORN_API_KEY": address.api_key,
        "POSTHORN_REDIS_URL": address.redis_url,
        "POSTHORN_HOME": str(home),  # a reader's is where they started it
        "TWILIO_AUTH_TOKEN": "fictional",
    }
    argv = ["bash", "-euo", "pipefail", "-c"] if kind == "sh" else [sys.executable, "-c"]
    return subprocess.run(
        [*argv, block], env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def test_there_is_an_example_for_every_door() -> None:
    assert [kind for kind, _ in BLOCKS] == ["sh", "python", "python", "sh", "sh", "sh", "sh"]


def test_every_example_does_what_it_says(posthorn: Standalone) -> None:
    address = posthorn.address
    said = []
    for kind, block in BLOCKS:
        done = _run(kind, block, address, posthorn.settings.home)
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    assert "because the recipient opted out" in said[-3]
    assert said[-1].splitlines()[-1].startswith("ph_")
    with Posthorn(address.url, address.api_key) as ph:
        deadline = time.monotonic() + DEADLINE
        while True:
            found = sorted(m.status for m in ph.messages.list())
            if found == ["canceled", *["delivered"] * 6, "scheduled"]:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
