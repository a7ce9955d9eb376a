"""Many callers, few commits: everyone gets their own answer, whatever happens to the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from messaging.group_commit import GroupCommit
from tests.world import DEADLINE, at_once


class Ledger:
    """A commit function that can be held up and told to fail."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()

    def __call__(self, items: Sequence[int]) -> list[str]:
        self.entered.set()
        assert self.gate.wait(DEADLINE)
        self.groups.append(list(items))
        if any(item < 0 for item in items):
            raise ValueError("this group cannot be kept")
        return [f"kept {item}" for item in items]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def commits(ledger: Ledger) -> Iterator[GroupCommit[int, str]]:
    made = GroupCommit(ledger, name="test", limit=50)
    yield made
    ledger.gate.set()
    made.close()


def hold(ledger: Ledger, commits: GroupCommit[int, str]) -> None:
    """Keep the first commit busy, so that what follows gathers behind it."""
    ledger.gate.clear()
    ledger.entered.clear()
    commits.put(0)
    assert ledger.entered.wait(DEADLINE)


def test_each_of_many_callers_gets_their_own_answer(
    ledger: Ledger, commits: GroupCommit[int, str]
) -> None:
    def caller(start: int) -> list[tuple[int, str]]:
        return [(n, commits.put(n).result(DEADLINE)) for n in range(start, start + 50)]

    answers = at_once(*[lambda start=i * 100: caller(start) for i in range(16)])
    for pairs in answers:
        assert all(answer == f"kept {n}" for n, answer in pairs)  # type: ignore[attr-defined]
    assert sum(map(len, ledger.groups)) == 800
    assert len(ledger.groups) <= 800


def test_what_arrives_during_a_commit_shares_the_next_up_to_the_limit(
    ledger: Ledger, commits: GroupCommit[int, str]
) -> None:
    hold(ledger, commits)
    futures = [commits.put(n) for n in range(1, 121)]
    ledger.gate.set()
    assert [f.result(DEADLINE) for f in futures] == [f"kept {n}" for n in range(1, 121)]
    assert [len(group) for group in ledger.groups] == [1, 50, 50, 20]
    assert [n for group in ledger.groups for n in group] == list(range(121))


def test_a_commit_that_fails_fails_its_own_group_only(
    ledger: Ledger, commits: GroupCommit[int, str]
) -> None:
    hold(ledger, commits)
    bad = [commits.put(n) for n in (*range(1, 50), -1)]
    good = [commits.put(n) for n in range(50, 60)]
    ledger.gate.set()
    for future in bad:
        with pytest.raises(ValueError, match="cannot be kept"):
            future.result(DEADLINE)
    assert [f.result(DEADLINE) for f in good] == [f"kept {n}" for n in range(50, 60)]


def test_a_caller_who_left_does_not_stop_the_others(
    ledger: Ledger, commits: GroupCommit[int, str]
) -> None:
    hold(ledger, commits)
    left, stayed = commits.put(1), commits.put(2)
    assert left.cancel()
    ledger.gate.set()
    assert stayed.result(DEADLINE) == "kept 2"
    assert commits.put(3).result(DEADLINE) == "kept 3"


def test_a_caller_cannot_leave_once_the_commit_has_begun(
    ledger: Ledger, commits: GroupCommit[int, str]
) -> None:
    ledger.gate.clear()
    ledger.entered.clear()
    begun = commits.put(1)
    assert ledger.entered.wait(DEADLINE)
    assert not begun.cancel()
    ledger.gate.set()
    assert begun.result(DEADLINE) == "kept 1"


def test_a_commit_that_answers_the_wrong_number_is_an_error_and_not_silence() -> None:
    commits: GroupCommit[int, str] = GroupCommit(lambda _items: [], name="test")
    for _ in range(2):
        with pytest.raises(ValueError, match="zip"):
            commits.put(1).result(DEADLINE)
    commits.close()


def test_closing_commits_what_waits_and_takes_nothing_more(ledger: Ledger) -> None:
    commits = GroupCommit(ledger, name="test")
    hold(ledger, commits)
    futures = [commits.put(n) for n in range(1, 5)]
    closer = threading.Thread(target=commits.close)
    closer.start()
    ledger.gate.set()
    closer.join(DEADLINE)
    assert [f.result(0) for f in futures] == [f"kept {n}" for n in range(1, 5)]
    with pytest.raises(RuntimeError, match="closed"):
        commits.put(9)


def test_after_a_commit_the_next_one_waits_for_company(ledger: Ledger) -> None:
    commits = GroupCommit(ledger, name="test", breath=0.3)
    try:
        assert commits.put(1).result(DEADLINE) == "kept 1"
        answers = [commits.put(n) for n in (2, 3, 4)]
        assert [each.result(DEADLINE) for each in answers] == ["kept 2", "kept 3", "kept 4"]
        assert ledger.groups == [[1], [2, 3, 4]]
    finally:
        commits.close()


def test_many_that_wait_are_not_kept_waiting(ledger: Ledger) -> None:
    commits = GroupCommit(ledger, name="test", breath=3600.0)
    try:
        commits.put(0).result(DEADLINE)
        answers = [commits.put(n) for n in range(1, 51)]
        assert answers[-1].result(DEADLINE) == "kept 50"
    finally:
        commits.close()


def test_who_closes_does_not_wait_for_a_breath(ledger: Ledger) -> None:
    commits = GroupCommit(ledger, name="test", breath=3600.0)
    commits.put(0).result(DEADLINE)
    last = commits.put(1)
    commits.close()
    assert last.result(0) == "kept 1"
