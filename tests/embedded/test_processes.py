"""A group of processes: ready together, restarted with a pause, and stopped with all they started."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messaging import tether
from messaging.processes import Group, Process, ProcessError

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {SLEEPER}"
ESCAPER = PARENT.replace("])", "], start_new_session=True)")
HOLD_GROUP = """
    import json, os, sys, time
    from pathlib import Path
    from messaging.processes import Group, Process
    log = Path(sys.argv[1]) / "pool.log"
    argv = [sys.executable, "-c", sys.argv[2]]
    ready = lambda: log.exists() and log.read_text().count("here") == 2
    with Group([Process("pool", argv, dict(os.environ), log, ready)]) as group:
        if "fork" in sys.argv and os.fork() == 0:
            time.sleep(60)
        print(json.dumps(group.pids("pool")), flush=True)
        group.wait()
    print("in order")
"""


def process(directory: Path, name: str, program: str, **more: Any) -> Process:
    log = directory / "logs" / f"{name}.log"
    more.setdefault("ready", says(log, 1))
    return Process(name, [sys.executable, "-c", program], dict(os.environ), log, **more)


def says(log: Path, count: int) -> Callable[[], bool]:
    return lambda: log.exists() and log.read_text().count("here\n") == count


def lines(item: Process) -> list[str]:
    return item.log.read_text().splitlines()


def test_all_start_write_their_own_log_and_stop(
    tmp_path: Path, gone: Callable[[list[int]], None]
) -> None:
    items = [process(tmp_path, name, SLEEPER) for name in ("api", "beat")]
    with Group(items) as group:
        pids = [group.pids(item.name)[0] for item in items]
        assert [lines(item) for item in items] == [["here"], ["here"]]
    gone(pids)
    assert group.pids("api") == []


def test_the_environment_is_the_one_given(tmp_path: Path) -> None:
    log = tmp_path / "env.log"
    program = "import os; print(os.environ.get('A'), 'PATH' in os.environ); " + SLEEPER
    item = Process("env", [sys.executable, "-c", program], {"A": "1"}, log, says(log, 1))
    with Group([item]):
        assert lines(item) == ["1 False", "here"]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; print('no such table: x'); sys.exit(3)", "ended with status 3 before"),
        (
            "import time; print('no such table: x', flush=True); time.sleep(60)",
            "was not ready within 2 seconds",
        ),
    ],
)
def test_one_that_is_not_ready_ends_the_group_with_its_log(
    tmp_path: Path, program: str, reason: str, gone: Callable[[list[int]], None]
) -> None:
    fine = process(tmp_path, "fine", "import os; print(os.getpid()); " + SLEEPER)
    broken = process(tmp_path, "broken", program)
    with pytest.raises(ProcessError) as failure:
        Group([fine, broken], ready_timeout=2).start()
    assert f"broken {reason}" in failure.value.detail
    assert failure.value.detail.endswith("\nno such table: x")
    gone([int(lines(fine)[0])])


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    item = Process("typo", ["no-such-program"], {}, tmp_path / "typo.log", lambda: False)
    with pytest.raises(ProcessError, match="Cannot run no-such-program: No such file"):
        Group([item]).start()


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    item = Process("api", ["true"], {}, tmp_path / "file" / "api.log")
    with pytest.raises(ProcessError, match="could not be started"):
        Group([item]).start()


def test_one_that_is_killed_comes_back_unless_it_should_not(
    tmp_path: Path, eventually: Callable[[Callable[[], object], str], None]
) -> None:
    kept = process(tmp_path, "kept", SLEEPER)
    once = process(tmp_path, "once", SLEEPER, restart=False)
    with Group([kept, once]) as group:
        first = group.pids("kept")[0]
        group.kill("once")
        group.kill("kept", signal.SIGKILL)
        eventually(lambda: lines(kept) == ["here"] * 2, "not restarted")
        assert group.pids("kept")[0] != first
        assert group.pids("once") == []
        assert lines(once) == ["here"]


def test_the_pause_before_a_restart_grows(
    tmp_path: Path, eventually: Callable[[Callable[[], object], str], None]
) -> None:
    flag = tmp_path / "now"
    program = (
        "import pathlib, time; print(time.time(), 'here', flush=True)\n"
        f"while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)"
    )
    item = process(tmp_path, "flapping", program)
    with Group([item]):
        flag.touch()
        eventually(lambda: len(lines(item)) >= 4, "not restarted three times")
    starts = [float(line.split()[0]) for line in lines(item)[1:4]]
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert pauses[0] >= 0.4
    assert pauses[1] >= 0.8


@pytest.mark.parametrize(
    "program", [STUBBORN, PARENT, ESCAPER], ids=["stubborn", "parent", "escaper"]
)
def test_stop_leaves_nothing(
    tmp_path: Path, program: str, gone: Callable[[list[int]], None]
) -> None:
    count = 1 if program == STUBBORN else 2
    log = tmp_path / "logs" / "one.log"
    item = process(tmp_path, "one", program, ready=says(log, count))
    group = Group([item], grace=1)
    group.start()
    pids = group.pids("one")
    assert len(pids) == count
    group.stop()
    gone(pids)


def test_the_pool_of_a_killed_process_does_not_outlive_it(
    tmp_path: Path, gone: Callable[[list[int]], None]
) -> None:
    log = tmp_path / "logs" / "pool.log"
    item = process(tmp_path, "pool", PARENT, ready=says(log, 2))
    with Group([item]) as group:
        pids = group.pids("pool")
        assert len(pids) == 2
        group.kill("pool")
        gone(pids)


@pytest.mark.parametrize("extra", ["alone", "fork"])
def test_kill_nine_of_the_supervisor_leaves_nothing(
    tmp_path: Path, extra: str, hold: Callable[..., Any], gone: Callable[[list[int]], None]
) -> None:
    holder = hold(HOLD_GROUP, tmp_path, PARENT, extra)
    assert len(holder.said) == 2
    began = time.monotonic()
    holder.process.kill()
    gone(holder.said)
    assert time.monotonic() - began < 8
    for pid in holder.family:
        if pid not in holder.said:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # the forked copy, which nobody promised to end


def await_handlers(pid: int) -> None:
    """Until `wait` has its handlers in place: that of SIGTERM is the last."""
    status = Path(f"/proc/{pid}/status")
    deadline = time.monotonic() + 10
    while status.exists():
        caught = re.search(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_wait_ends_at_a_signal_and_all_stop_in_order(
    tmp_path: Path,
    how: signal.Signals,
    hold: Callable[..., Any],
    gone: Callable[[list[int]], None],
) -> None:
    holder = hold(HOLD_GROUP, tmp_path, PARENT)
    await_handlers(holder.process.pid)
    holder.process.send_signal(how)
    said, _ = holder.process.communicate(timeout=30)
    assert (holder.process.returncode, said) == (0, "in order\n")
    gone(holder.family)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one name"):
        Group([process(tmp_path, "api", SLEEPER), process(tmp_path, "api", SLEEPER)])


def test_the_watchdog_alone_ends_what_it_holds(
    tmp_path: Path, gone: Callable[[list[int]], None]
) -> None:
    """Where the kernel sends no signal at a parent's death (any system but Linux)."""
    polite = tmp_path / "polite"
    program = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(polite)!r}).touch(), sys.exit()))\n"
        "print('here', flush=True); time.sleep(60)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", text], start_new_session=True, stdout=subprocess.PIPE
        )
        for text in (program, STUBBORN, STUBBORN)
    ]
    for child in started:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
    first, second, released = started
    watchdog = subprocess.Popen([*tether._PYTHON, "watch"], stdin=subprocess.PIPE)
    told = f"{first.pid} 15 2\n{second.pid} 15 0.5\n{released.pid} 15 5\n{released.pid} 0 -1\n"
    watchdog.communicate(told.encode(), timeout=20)
    gone([first.pid, second.pid])
    assert polite.exists()
    assert released.poll() is None
    released.kill()
    for child in started:
        child.communicate()
