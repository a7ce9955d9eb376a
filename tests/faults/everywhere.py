"""A tenant with an account at every provider of SMS that the carrier speaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from messaging import accounts
from messaging.accounts import NewAccount
from messaging.sandbox.config import (
    TELNYX_ACCOUNT,
    TELNYX_PUBLIC_KEY,
    VONAGE_ACCOUNT,
    VONAGE_SMS_ACCOUNT,
)
from tests.faults.caller import Caller
from tests.faults.rig import Rig

_OTHERS = (
    NewAccount(
        "telnyx", TELNYX_ACCOUNT.sid, "", TELNYX_ACCOUNT.token, webhook_secrets=(TELNYX_PUBLIC_KEY,)
    ),
    NewAccount(
        "vonage",
        VONAGE_ACCOUNT.sid,
        VONAGE_ACCOUNT.sid,
        VONAGE_ACCOUNT.token,
        webhook_secrets=(VONAGE_ACCOUNT.signing,),
    ),
    NewAccount(
        "vonage_sms",
        VONAGE_SMS_ACCOUNT.sid,
        VONAGE_SMS_ACCOUNT.sid,
        VONAGE_SMS_ACCOUNT.token,
        webhook_secrets=(VONAGE_SMS_ACCOUNT.signing,),
    ),
)
"""What the carrier knows of the other providers of SMS, by its own names."""


def everywhere(rig: Rig, *, senders: int, mps: float) -> Caller:
    """A new tenant with numbers of each provider in one pool, and a campaign named like each account.

    A message of such a campaign tries that account first.
    """
    caller = rig.caller(senders=senders, mps=mps)
    for other in _OTHERS:
        proof = timedelta(seconds=4)
        account = replace(other, base_url=rig.carrier.url, max_in_flight=200, absence_proof=proof)
        accounts.add(rig.rt, caller.tenant, account)
        rig.numbers(caller, account.name, senders, mps)
    rig.execute(
        """INSERT INTO bindings (id, tenant_id, kind, ref, account_id)
           SELECT gen_random_uuid(), tenant_id, 'campaign', name, id FROM provider_accounts
           WHERE tenant_id = :tenant""",
        tenant=caller.tenant.id,
    )
    return caller
