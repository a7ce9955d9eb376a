"""How does a message's step settle its price? SQL that stands in the statement of the step.

What was reserved is settled when a provider has taken the message, and given back when it has not. A
later receipt that knows better puts both right. Only what has a price is looked at: of everybody else
nothing is read and nothing is written.
"""

from __future__ import annotations

STATUS = """CASE
      WHEN m.billing_status IS NULL OR m.billing_status = 'excluded' THEN m.billing_status
      WHEN v.after IN ('sent', 'delivered') OR (v.after = 'undeliverable' AND (
        v.proves_sent OR v.before = 'sent' OR m.billing_status = 'settled')) THEN 'settled'
      WHEN v.after NOT IN ('queued', 'scheduled', 'sending') THEN 'refunded'
      ELSE m.billing_status END"""
"""What becomes of the price of a message `m` in a step `v`. Undeliverable is what was taken first."""

# Per day, since a refund counts for the day of its reservation. What was given back and is owed after
# all is reserved once more, on the last of them.
OF_STEPS = """owed AS (
  SELECT m.id, m.tenant_id, m.campaign, m.billable_amount, m.billing_status, c.*,
         sum(c.outstanding) OVER (PARTITION BY m.id) = 0
           AND c.day = max(c.day) OVER (PARTITION BY m.id) AS again
  FROM moved m CROSS JOIN LATERAL (
    SELECT day, sum(CASE kind WHEN 'reserve' THEN amount WHEN 'refund' THEN -amount ELSE 0 END)
             AS outstanding,
           sum(CASE kind WHEN 'settle' THEN amount ELSE 0 END) AS settled
    FROM charges WHERE message_id = m.id GROUP BY day) c
  WHERE m.billing_status IN ('settled', 'refunded')
), entered AS (
  INSERT INTO charges (tenant_id, message_id, campaign, day, kind, amount)
  SELECT tenant_id, id, campaign, day, entry.kind, entry.amount FROM owed
  CROSS JOIN LATERAL (VALUES
    ('reserve', CASE WHEN billing_status = 'settled' AND again THEN billable_amount ELSE 0 END),
    ('settle', CASE WHEN billing_status = 'refunded' THEN -settled
                    WHEN again THEN billable_amount - settled ELSE outstanding - settled END),
    ('refund', CASE WHEN billing_status = 'refunded' THEN outstanding ELSE 0 END)
  ) AS entry(kind, amount)
  WHERE entry.amount <> 0
  RETURNING tenant_id, campaign, day, kind, amount
), returned AS (
  INSERT INTO returns (tenant_id, campaign, day, amount, unreserved)
  SELECT tenant_id, campaign, day,
         sum(CASE kind WHEN 'refund' THEN amount WHEN 'reserve' THEN -amount ELSE 0 END),
         sum(CASE kind WHEN 'reserve' THEN -amount ELSE amount END)
  FROM entered GROUP BY 1, 2, 3
)"""
"""The ledger's rows for the steps in `moved`, and what they come to for the balances."""
