"""May this message go out now, and why not?

`rules` is the ordered table of questions, with `judge`, which asks them; `verdicts` is what can be
answered, `facts` what may be asked about, and `policy` what a tenant decided.
"""

from __future__ import annotations

from messaging.domain.compliance.facts import Facts, Suppression
from messaging.domain.compliance.policy import Policy
from messaging.domain.compliance.rules import RULES, judge, weigh
from messaging.domain.compliance.verdicts import ALLOW, Allow, Block, Defer, Reason, Verdict

__all__ = [
    "ALLOW",
    "RULES",
    "Allow",
    "Block",
    "Defer",
    "Facts",
    "Policy",
    "Reason",
    "Suppression",
    "Verdict",
    "judge",
    "weigh",
]
