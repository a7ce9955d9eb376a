"""Which providers does Posthorn know?

The registry, and the only module that imports an adapter: everything else asks for one by name.
"""

from __future__ import annotations

from messaging.providers import instagram, sendgrid, smtp, telnyx, twilio, vonage, vonage_sms
from messaging.providers.base import Provider

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        instagram.PROVIDER,
        sendgrid.PROVIDER,
        smtp.PROVIDER,
        telnyx.PROVIDER,
        twilio.PROVIDER,
        vonage.PROVIDER,
        vonage_sms.PROVIDER,
    )
}
"""Every provider, by the name an account carries."""


class UnknownProviderError(LookupError):
    """A provider account names a provider this version has no adapter for."""


def find(name: str) -> Provider | None:
    """The provider called `name`, if this version knows it: an account may be older or newer."""
    return PROVIDERS.get(name)


def get(name: str) -> Provider:
    """The provider called `name`.

    Raises:
        UnknownProviderError: there is no such provider.
    """
    try:
        return PROVIDERS[name]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise UnknownProviderError(f"no provider is called {name!r}; known are: {known}") from None
