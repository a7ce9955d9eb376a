"""How is a reason said to a person, and what can they do about it?"""

from __future__ import annotations

from dataclasses import dataclass

from messaging.domain.compliance.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """One reason, said."""

    title: str
    """What is the matter, as the headline of an error."""
    remedy: str
    """What to do."""
    because: str
    """The clause that ends "It was not sent because ..."."""
    field: str = "#/to"
    """What of the request it is about."""


WORDS: dict[Reason, Words] = {
    Reason.EXPIRED: Words(
        "The message has expired",
        "give a later expires_at, or none",
        "its time had run out",
        "#/expires_at",
    ),
    Reason.INVALID_RECIPIENT: Words(
        "The recipient is not a real number",
        "check the number and write it in E.164, such as +12025550123",
        "the recipient is not a number that can exist",
    ),
    Reason.NUMBER_TYPE_REFUSED: Words(
        "Numbers of this type cannot receive messages",
        "ask the recipient for a mobile number; toll-free, premium, shared-cost and pager numbers "
        "are not written to",
        "numbers of its type cannot receive messages",
    ),
    Reason.LANDLINE: Words(
        "The recipient is a landline",
        "ask the recipient for a mobile number",
        "the recipient's number is a landline",
    ),
    Reason.AWAITING_LOOKUP: Words(
        "The number is being looked up",
        "wait a moment; the message goes out as soon as the line is known",
        "the number is being looked up first",
    ),
    Reason.OPTED_OUT: Words(
        "The recipient has opted out",
        "do not write to them; only their own START, or lifting the suppression with their "
        "consent, ends it",
        "the recipient has opted out",
    ),
    Reason.UNREACHABLE: Words(
        "The recipient cannot be reached",
        "remove the number, or lift the suppression if it works again",
        "the number is known to be out of service",
    ),
    Reason.NO_CONSENT: Words(
        "The recipient has not consented to marketing",
        "record their consent first (POST /v1/consents), or send it as what it is if it is not "
        "marketing",
        "the recipient has not consented to marketing",
        "#/category",
    ),
    Reason.CONSENT_LAPSED: Words(
        "The recipient's consent to marketing has lapsed",
        "ask them again and record the new consent (POST /v1/consents)",
        "the recipient's consent to marketing has lapsed",
        "#/category",
    ),
    Reason.DNC_LISTED: Words(
        "The recipient is on a do-not-call list",
        "do not send marketing to them without their written consent",
        "the recipient is on a do-not-call list",
    ),
    Reason.DNC_STALE: Words(
        "The do-not-call list is out of date",
        "scrub your numbers against the registry and import the result (PUT /v1/dnc/{registry}), "
        "or record written consent",
        "the do-not-call list was out of date",
        "#/category",
    ),
    Reason.FLASH_URL_FORBIDDEN: Words(
        "A flash message may hold no link",
        "remove the link, or send it as an ordinary message",
        "a flash message may hold no link",
        "#/body",
    ),
    Reason.FLASH_TOO_LONG: Words(
        "A flash message must fit in one segment",
        "shorten it to 160 characters (70 with characters outside GSM-7)",
        "a flash message must fit in one segment",
        "#/body",
    ),
    Reason.FLASH_NOT_OFFERED: Words(
        "None of your providers offers flash messages",
        "send it as an ordinary message, or through an account whose provider offers flash",
        "no provider of its senders offers flash messages",
        "#/flash",
    ),
    Reason.PUBLIC_SHORTENER: Words(
        "Marketing may not use a public link shortener",
        "use the full link, or a short domain of your own",
        "it links through a public shortener",
        "#/body",
    ),
    Reason.LINK_NOT_DECLARED: Words(
        "The campaign did not declare links or phone numbers",
        "remove them from the text, or declare them in the 10DLC campaign",
        "it holds links or phone numbers that its campaign did not declare",
        "#/body",
    ),
    Reason.CONTENT_NOT_PERMITTED: Words(
        "This content is not permitted there",
        "see the detail; some content needs an age-gated campaign, some is never carried",
        "its content is not permitted there",
        "#/content",
    ),
    Reason.REGION_NOT_PERMITTED: Words(
        "This region is not permitted",
        "add the country to the policy's or the sender pool's regions, if it should be",
        "the recipient's country is not permitted",
    ),
    Reason.NO_SENDER_IN_POOL: Words(
        "There is no number to send from",
        "add a sender to the pool with 'posthorn senders add', or name another pool",
        "there was no number to send from",
        "#/pool",
    ),
    Reason.CAMPAIGN_NOT_VERIFIED: Words(
        "No verified 10DLC campaign for these numbers",
        "register the brand and a campaign, attach the numbers to it, and set it to verified once "
        "the carriers approve",
        "no number of its pool has a verified 10DLC campaign, which US recipients need",
        "#/pool",
    ),
    Reason.BRAND_SUSPENDED: Words(
        "The brand registration is suspended",
        "settle the matter with the registry; then set the brand to active",
        "the brand registration behind its numbers is suspended",
        "#/pool",
    ),
    Reason.TOLL_FREE_NOT_VERIFIED: Words(
        "The toll-free number is not verified",
        "complete the toll-free verification and set the number to verified",
        "its toll-free number is not verified",
        "#/pool",
    ),
    Reason.NO_POSTAL_ADDRESS: Words(
        "Marketing by e-mail must name a postal address",
        "set postal_address in your policy; it is put under such e-mails",
        "marketing by e-mail must name a postal address, and its tenant's policy has none",
        "#/category",
    ),
    Reason.OUTSIDE_WINDOW: Words(
        "The person has not written to this account within 24 hours",
        "wait until they write, or give a fallback on another channel",
        "the person had not written to the account within 24 hours",
    ),
    Reason.TEMPLATE_PAUSED: Words(
        "This text is not arriving",
        "change the text, then let its template go on with 'posthorn templates resume'",
        "its text was failing on several numbers, so its template was paused",
        "#/template",
    ),
    Reason.CAMPAIGN_PAUSED: Words(
        "Its campaign is paused",
        "resume the campaign with 'posthorn campaigns resume', or cancel it",
        "its campaign was paused",
        "#/campaign",
    ),
    Reason.QUIET_HOURS: Words(
        "It is quiet hours at the recipient's",
        "wait; it goes out when the window opens",
        "it was outside the hours in which marketing may be sent to the recipient",
        "#/category",
    ),
    Reason.NEVER_OPEN: Words(
        "No hour of the week is allowed",
        "loosen the quiet hours of the policy; with the law's they leave no time at all",
        "the quiet hours leave no time at all",
        "#/category",
    ),
    Reason.FREQUENCY_CAP: Words(
        "The recipient has had as many messages as allowed",
        "wait, or send it as what it is if it is not marketing",
        "the recipient had had as many messages as allowed",
        "#/category",
    ),
    Reason.DESTINATION_VELOCITY: Words(
        "This destination has had its share for now",
        "wait, or raise the limit in the policy if this traffic is yours",
        "its destination had had its share of the hour",
    ),
}
"""Every reason there is."""
