"""Which faults are switched on now, for whom, and how often has each struck?

The memory around the pure decisions of `messaging.sandbox.faults`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from messaging.sandbox.create import Create
from messaging.sandbox.faults import (
    CALM,
    PLAIN,
    RULES,
    Plan,
    Rates,
    by_suffix,
    changed,
    decide,
    draws,
)


class FaultBook:
    """The configured rates, with the changes made at run time to all or to one account."""

    def __init__(self, seed: int, rates: Rates, accounts: tuple[str, ...]) -> None:
        self._seed = seed
        self._default = rates
        self._changes: dict[str, dict[str, object]] = {account: {} for account in accounts}
        self._rates: dict[str, Rates] = {}
        self._constant: dict[str, Plan | None] = {}
        self._refused: dict[tuple[str, str, str], int] = {}
        self._tries: Counter[tuple[str, str, str]] = Counter()
        self.struck: Counter[str] = Counter()
        self._refresh()

    def change(self, account: str | None, changes: Mapping[str, object], *, reset: bool) -> None:
        """Changes rates of one account, or of all; `reset` first undoes one account's own changes.

        Raises:
            KeyError: for an account that is not configured.
            ValueError: for an unknown fault or a value out of range; then nothing has changed.
        """
        if account is not None and account not in self._changes:
            raise KeyError(account)
        if account is None:
            default = changed(CALM if reset else self._default, changes)
            if reset:
                self._changes = {name: {} for name in self._changes}
            self._default = default
        else:
            own = dict(changes) if reset else {**self._changes[account], **changes}
            changed(self._default, own)
            self._changes[account] = own
        self._refresh()

    def show(self) -> dict[str, Any]:
        """The rates as they are now."""
        accounts = {account: asdict(rates) for account, rates in self._rates.items()}
        return {"default": asdict(self._default), "accounts": accounts}

    def plan(self, account: str, asked: Create, sha256: bytes) -> Plan:
        """What happens to this request; counts every fault that strikes."""
        plan = self._constant[account]
        suffix = asked.trigger or asked.to[-4:]
        if plan is not None and suffix not in RULES:
            return plan
        key = (account, asked.to, asked.m or sha256.hex())
        base = self._by_suffix(suffix, key)
        plan = base
        rates = self._rates[account]
        if rates is not CALM:
            sender = asked.sender or asked.service or ""
            identity = (asked.to, sender, key[2], self._attempt(asked, key))
            plan = decide(rates, base, draws(self._seed, *identity))
        self.struck.update(plan.names)
        return plan

    def clear(self) -> None:
        """Forgets what has struck and what was refused; the rates stay."""
        self._refused.clear()
        self._tries.clear()
        self.struck.clear()

    def _by_suffix(self, suffix: str, key: tuple[str, str, str]) -> Plan:
        rule = RULES.get(suffix)
        if rule is None:
            return PLAIN
        refused = self._refused.get(key, 0)
        plan = by_suffix(suffix, refused)
        if rule.times is not None:
            if plan.refusal is not None:
                self._refused[key] = refused + 1
            else:
                self._refused.pop(key, None)
        return plan

    def _attempt(self, asked: Create, key: tuple[str, str, str]) -> str:
        """The epoch, or without one the count of tries: a repeated request must draw anew."""
        if asked.e is not None:
            return asked.e
        self._tries[key] += 1
        return f"try {self._tries[key]}"

    def _refresh(self) -> None:
        for account, own in self._changes.items():
            rates = changed(self._default, own)
            self._rates[account] = CALM if rates == CALM else rates
            # A constant latency needs no draw.
            steady = rates == Rates(latency=rates.latency)
            self._constant[account] = (
                None if not steady else Plan(delay=rates.latency) if rates.latency else PLAIN
            )
