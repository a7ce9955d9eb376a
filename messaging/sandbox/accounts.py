"""Which accounts does the carrier have, and where do their webhooks go at the moment?"""

from __future__ import annotations

from collections.abc import Mapping

from messaging.sandbox.config import Account

SETTINGS = ("webhook_url", "inbound_url")


class Accounts:
    """The configured accounts, with what was changed at run time."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        self._accounts = {account.sid: account for account in accounts}
        self._settings: dict[str, dict[str, str]] = {
            account.sid: {name: getattr(account, name) for name in SETTINGS} for account in accounts
        }

    def __getitem__(self, sid: str) -> Account:
        """The account of this name; KeyError if there is none."""
        return self._accounts[sid]

    def __contains__(self, sid: object) -> bool:
        return sid in self._accounts

    def named(self, provider: str | None = None) -> tuple[str, ...]:
        """The names of a provider's accounts, or of all, in the order they were given."""
        return tuple(
            sid for sid, account in self._accounts.items() if provider in (None, account.provider)
        )

    def of(self, provider: str) -> tuple[Account, ...]:
        """A provider's accounts."""
        return tuple(self._accounts[sid] for sid in self.named(provider))

    def setting(self, sid: str, name: str) -> str:
        """What an account has set: `webhook_url`, `inbound_url`, or a word of its provider's."""
        return self._settings[sid].get(name, "")

    def settings(self, sid: str) -> Mapping[str, str]:
        """Everything an account has set."""
        return self._settings[sid]

    def change(self, sid: str, changes: Mapping[str, str]) -> None:
        """Sets some of them; KeyError for an account that is not configured."""
        self._settings[sid].update(changes)
