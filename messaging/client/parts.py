"""Which parts does the API have? Each once, for both flavours of the client."""

from __future__ import annotations

from typing import Generic

from messaging.client.campaigns import Campaigns
from messaging.client.contacts import Contacts, Conversations, Inbound
from messaging.client.endpoints import Endpoints
from messaging.client.flavours import F
from messaging.client.fleet import (
    Accounts,
    Bindings,
    Brands,
    Pools,
    Senders,
    TendlcCampaigns,
    UseCases,
)
from messaging.client.messages import Lanes, Messages
from messaging.client.people import Consents, DoNotCall, Erasures, Numbers, Suppressions
from messaging.client.tenancy import Audit, Billings, Keys, Policies, Rules, Templates


class Parts(Generic[F]):
    """Everything a client can ask for, by what it is about."""

    def __init__(self, carrier: F) -> None:
        self.accounts: Accounts[F] = Accounts(carrier)
        self.audit: Audit[F] = Audit(carrier)
        self.billing: Billings[F] = Billings(carrier)
        self.bindings: Bindings[F] = Bindings(carrier)
        self.brands: Brands[F] = Brands(carrier)
        self.campaigns: Campaigns[F] = Campaigns(carrier)
        self.consents: Consents[F] = Consents(carrier)
        self.contacts: Contacts[F] = Contacts(carrier)
        self.conversations: Conversations[F] = Conversations(carrier)
        self.dnc: DoNotCall[F] = DoNotCall(carrier)
        self.endpoints: Endpoints[F] = Endpoints(carrier)
        self.erasures: Erasures[F] = Erasures(carrier)
        self.inbound: Inbound[F] = Inbound(carrier)
        self.keys: Keys[F] = Keys(carrier)
        self.lanes: Lanes[F] = Lanes(carrier)
        self.messages: Messages[F] = Messages(carrier)
        self.numbers: Numbers[F] = Numbers(carrier)
        self.policy: Policies[F] = Policies(carrier)
        self.pools: Pools[F] = Pools(carrier)
        self.rules: Rules[F] = Rules(carrier)
        self.senders: Senders[F] = Senders(carrier)
        self.suppressions: Suppressions[F] = Suppressions(carrier)
        self.templates: Templates[F] = Templates(carrier)
        self.tendlc_campaigns: TendlcCampaigns[F] = TendlcCampaigns(carrier)
        self.use_cases: UseCases[F] = UseCases(carrier)
