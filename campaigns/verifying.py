"""The invariants of sending, each as queries that answer nothing when all is well.

They read the rows themselves and trust no counter; ``verify_ledger`` prints them. Run at rest:
while a campaign sends, what is on the wire is neither queued nor settled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.db.models import Sum

from billing.models import ThresholdWindow
from campaigns.models import Batch, Campaign, Message, content_digest
from campaigns.states import CAMPAIGN_MOVES, FREED
from sms import template
from sms.text import measure, normalise

Finding = dict[str, Any]

BILLED = "('accepted', 'no_receipt', 'delivered', 'undelivered', 'expired')"

QUERIES: dict[str, tuple[str, ...]] = {
    "I1 conservation": (
        """
        SELECT c.id AS campaign, c.total AS expected, COALESCE(m.n, 0) AS found
        FROM campaigns_campaign c
        LEFT JOIN (SELECT campaign_id, COUNT(*) AS n, MIN(position) AS lo, MAX(position) AS hi,
                          COUNT(DISTINCT recipient_id) AS people
                   FROM campaigns_message GROUP BY campaign_id) m ON m.campaign_id = c.id
        WHERE c.expanded_at IS NOT NULL
          AND (COALESCE(m.n, 0) <> c.total OR m.lo <> 1 OR m.hi <> m.n OR m.people <> m.n)
        """,
        """
        SELECT c.id AS campaign, c.total AS expected, COUNT(r.id) AS recipients
        FROM campaigns_campaign c
        LEFT JOIN campaigns_recipient r ON r.source_id = c.recipients_id
        WHERE c.submitted_at IS NOT NULL GROUP BY c.id, c.total HAVING COUNT(r.id) <> c.total
        """,
    ),
    "I2 progress": (
        """
        SELECT c.id AS campaign, c.state, b.id AS batch, b.state AS batch_state
        FROM campaigns_campaign c JOIN campaigns_batch b ON b.campaign_id = c.id
        WHERE c.state = 'completed' AND b.state <> 'done'
        """,
        """
        SELECT c.id AS campaign, COUNT(*) AS queued
        FROM campaigns_campaign c JOIN campaigns_message m ON m.campaign_id = c.id
        WHERE c.state IN ('completed', 'cancelled') AND m.state = 'queued' GROUP BY c.id
        """,
        """
        SELECT b.id AS batch, b."left" AS said, COALESCE(SUM(CASE WHEN m.state = 'queued'
               THEN 1 ELSE 0 END), 0) AS found
        FROM campaigns_batch b LEFT JOIN campaigns_message m
          ON m.campaign_id = b.campaign_id AND m.position BETWEEN b.lo AND b.hi
        GROUP BY b.id, b."left", b.segments
        HAVING b."left" <> COALESCE(SUM(CASE WHEN m.state = 'queued' THEN 1 ELSE 0 END), 0)
            OR b.segments <> COALESCE(SUM(CASE WHEN m.state = 'queued'
               THEN m.segments ELSE 0 END), 0)
        """,
    ),
    "I3 single submit": (
        """
        SELECT a.batch_id AS batch, a.number AS attempt
        FROM campaigns_attempt a JOIN campaigns_attempt before
          ON before.batch_id = a.batch_id AND before.number < a.number
        WHERE before.ended_at IS NULL OR before.ended_at > a.claimed_at
        """,
        """
        SELECT c.carrier_id AS account, m.carrier_id AS carrier_id, COUNT(*) AS messages
        FROM campaigns_message m JOIN campaigns_campaign c ON c.id = m.campaign_id
        WHERE m.carrier_id <> '' GROUP BY c.carrier_id, m.carrier_id HAVING COUNT(*) > 1
        """,
        """
        SELECT doubt.message_id AS message, MAX(doubt.id) AS doubt
        FROM campaigns_messageevent doubt JOIN campaigns_message m ON m.id = doubt.message_id
        WHERE doubt.kind = 'in_doubt' AND m.state = 'queued' AND NOT EXISTS (
          SELECT 1 FROM campaigns_messageevent e WHERE e.message_id = doubt.message_id
            AND e.id > doubt.id AND e.was = 'in_doubt' AND e.now = 'queued'
            AND (e.kind = 'decided' OR e.kind = 'queued_again' AND 2 <= (
              SELECT COUNT(*) FROM campaigns_messageevent n
              WHERE n.message_id = e.message_id AND n.kind = 'not_found'
                AND n.id BETWEEN doubt.id AND e.id)))
        GROUP BY doubt.message_id
        """,
    ),
    "I4 charges": (
        """
        SELECT m.id AS message, m.state, m.segments, m.billed_segments AS billed
        FROM campaigns_message m
        WHERE (m.state IN %(billed)s AND (m.billed_segments = 0 OR m.charge_id IS NULL))
           OR (m.state NOT IN %(billed)s AND (m.billed_segments <> 0 OR m.charge_id IS NOT NULL))
        """,
        """
        SELECT ch.id AS charge, ch.segments AS said, COALESCE(SUM(m.billed_segments), 0) AS found
        FROM billing_charge ch LEFT JOIN campaigns_message m ON m.charge_id = ch.id
        GROUP BY ch.id, ch.segments, ch.messages, ch.price, ch.amount
        HAVING ch.segments <> COALESCE(SUM(m.billed_segments), 0) OR ch.messages <> COUNT(m.id)
            OR COALESCE(ch.amount, -1) <> COALESCE(ch.price * ch.segments, -1)
        """,
        """
        SELECT m.id AS message FROM campaigns_message m JOIN billing_charge ch
          ON ch.id = m.charge_id JOIN campaigns_campaign c ON c.id = m.campaign_id
        WHERE ch.campaign_key <> c.key OR ch.country <> m.country
           OR COALESCE(ch.price, -1) <> COALESCE(m.price, -1)
        """,
    ),
    "I5 tallies": (
        """
        SELECT campaign_id AS campaign, country, state, reason, SUM(n) AS n, SUM(s) AS segments,
               SUM(b) AS billed, SUM(a) AS amount
        FROM (SELECT campaign_id, country, state, reason, COUNT(*) AS n, SUM(segments) AS s,
                     SUM(billed_segments) AS b,
                     SUM(COALESCE(price, 0) * billed_segments) AS a,
                     SUM(CASE WHEN price IS NULL THEN billed_segments ELSE 0 END) AS u
              FROM campaigns_message GROUP BY campaign_id, country, state, reason
              UNION ALL
              SELECT campaign_id, country, state, reason, -messages, -segments, -billed, -amount,
                     -unpriced FROM campaigns_campaigntally) both_sides
        GROUP BY campaign_id, country, state, reason
        HAVING SUM(n) <> 0 OR SUM(s) <> 0 OR SUM(b) <> 0 OR SUM(a) <> 0 OR SUM(u) <> 0
        """,
        """
        SELECT campaign_id AS campaign, bucket, SUM(n) AS difference
        FROM (SELECT campaign_id, COUNT(*) AS n,
                     CASE WHEN state = 'delivered' THEN 'sent'
                          WHEN state IN ('undelivered', 'expired', 'rejected') THEN 'failed'
                          ELSE 'other' END AS bucket
              FROM campaigns_message
              WHERE state IN %(billed)s OR state = 'rejected' GROUP BY campaign_id, bucket
              UNION ALL
              SELECT campaign_id, -SUM(messages), bucket FROM campaigns_hourtally
              GROUP BY campaign_id, bucket) both_sides
        GROUP BY campaign_id, bucket HAVING SUM(n) <> 0
        """,
    ),
    "I7 receipts": (
        """
        SELECT id AS receipt, state FROM campaigns_deliveryreceipt
        WHERE (state = 'applied' AND message_id IS NULL) OR (state = 'ignored' AND why = '')
           OR (state = 'orphan' AND why = '')
        """,
    ),
    "I8 no regress": (
        """
        SELECT m.id AS message, m.state, MAX(r.outcome) AS told
        FROM campaigns_message m JOIN campaigns_deliveryreceipt r ON r.message_id = m.id
        WHERE r.state = 'applied'
        GROUP BY m.id, m.state
        HAVING (SUM(CASE WHEN r.outcome = 'delivered' THEN 1 ELSE 0 END) > 0
                AND m.state <> 'delivered')
            OR (SUM(CASE WHEN r.outcome IN ('undelivered', 'expired') THEN 1 ELSE 0 END) > 0
                AND m.state NOT IN ('delivered', 'undelivered', 'expired'))
        """,
    ),
    "I9 authority": (
        """
        SELECT a.batch_id AS batch, a.number AS attempt, c.id AS campaign
        FROM campaigns_attempt a JOIN campaigns_batch b ON b.id = a.batch_id
        JOIN campaigns_campaign c ON c.id = b.campaign_id
        WHERE c.send_at IS NULL OR a.claimed_at < c.send_at
           OR (c.state IN ('stopped', 'cancelled') AND a.claimed_at > c.ended_at)
        """,
        """
        SELECT a.batch_id AS batch, a.number AS attempt, c.id AS campaign
        FROM campaigns_attempt a JOIN campaigns_batch b ON b.id = a.batch_id
        JOIN campaigns_campaign c ON c.id = b.campaign_id
        JOIN accounts_auditevent halt ON halt.object_type = 'campaigns.campaign'
          AND halt.object_id = CAST(c.id AS VARCHAR(40))
          AND halt.action IN ('campaign.pause', 'campaign.suspend') AND halt.at < a.claimed_at
        WHERE NOT EXISTS (
          SELECT 1 FROM accounts_auditevent go WHERE go.object_type = halt.object_type
            AND go.object_id = halt.object_id AND go.at > halt.at AND go.at <= a.claimed_at
            AND go.action IN ('campaign.resume', 'campaign.resume_suspended'))
        """,
    ),
    "I11 audit": (
        """
        SELECT c.id AS campaign, c.state, e.action AS last_move
        FROM campaigns_campaign c LEFT JOIN accounts_auditevent e ON e.id = (
          SELECT MAX(x.id) FROM accounts_auditevent x
          WHERE x.object_type = 'campaigns.campaign' AND x.object_id = CAST(c.id AS VARCHAR(40))
            AND x.action IN (%(moves)s))
        WHERE (e.action IS NULL AND c.state <> 'draft') OR (e.action IS NOT NULL AND
          (CASE e.action %(cases)s END) <> c.state)
        """,
    ),
    "I12 failed charges": (
        """
        SELECT ch.id AS charge, SUM(told.n) AS messages, SUM(told.s) AS segments
        FROM (SELECT charge_id, messages AS n, segments AS s FROM billing_failedcharge
              UNION ALL
              SELECT charge_id, -COUNT(*), -SUM(billed_segments) FROM campaigns_message
              WHERE state IN ('undelivered', 'expired') AND charge_id IS NOT NULL
              GROUP BY charge_id) told
        JOIN billing_charge ch ON ch.id = told.charge_id
        GROUP BY ch.id HAVING SUM(told.n) <> 0 OR SUM(told.s) <> 0
        """,
        """
        SELECT c.id AS campaign, COALESCE(f.segments, 0) AS said, COALESCE(t.billed, 0) AS found
        FROM campaigns_campaign c
        LEFT JOIN (SELECT ch.campaign_key, SUM(x.segments) AS segments
                   FROM billing_failedcharge x JOIN billing_charge ch ON ch.id = x.charge_id
                   GROUP BY ch.campaign_key) f ON f.campaign_key = c.key
        LEFT JOIN (SELECT campaign_id, SUM(billed) AS billed FROM campaigns_campaigntally
                   WHERE state IN ('undelivered', 'expired') GROUP BY campaign_id) t
          ON t.campaign_id = c.id
        WHERE COALESCE(f.segments, 0) <> COALESCE(t.billed, 0)
        """,
    ),
}


def findings() -> dict[str, list[Finding]]:
    """Every invariant with what breaks it, at most twenty rows each."""
    found = {name: _run(queries) for name, queries in QUERIES.items()}
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "I6 thresholds": _thresholds,
        "I10 frozen content": _content,
    }
    for name, check in checks.items():
        found[name] = [finding for _n, finding in zip(range(20), check(), strict=False)]
    return dict(sorted(found.items(), key=lambda item: int(item[0].split()[0][1:])))


def _run(queries: tuple[str, ...]) -> list[Finding]:
    rows: list[Finding] = []
    for sql in queries:
        with connection.cursor() as cursor:
            cursor.execute(_filled(sql))
            names = [column[0] for column in cursor.description]
            rows += [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(20)]
    return rows


def _filled(sql: str) -> str:
    """Fill in our own tables of states and moves."""
    moves = ", ".join(f"'campaign.{name}'" for name in CAMPAIGN_MOVES)
    cases = " ".join(
        f"WHEN 'campaign.{name}' THEN '{target}'"
        for name, (_from, target) in CAMPAIGN_MOVES.items()
    )
    return sql % {"moves": moves, "cases": cases, "billed": BILLED}


def _thresholds() -> Iterator[Finding]:
    """Each window holds exactly what is reserved and charged in its time and country, within its
    ceiling.
    """
    for window in ThresholdWindow.objects.select_related("threshold"):
        counted = _counted(window)
        if counted != window.used or not 0 <= window.used <= window.ceiling:
            yield {"window": window.pk, "used": window.used, "counted": counted}


def _counted(window: ThresholdWindow) -> int:
    total = 0
    batches = Batch.objects.filter(
        campaign__workspace=window.threshold.workspace_id,
        reserved_at__gte=window.start, reserved_at__lt=window.end,
    )  # fmt: skip
    if window.threshold.country:
        batches = batches.filter(country=window.threshold.country)
    for campaign_id, lo, hi in batches.values_list("campaign_id", "lo", "hi"):
        rows = Message.objects.filter(campaign_id=campaign_id, position__range=(lo, hi))
        rows = rows.exclude(state__in=FREED)
        total += rows.aggregate(n=Sum("segments"))["n"] or 0
    return total


def _digest(campaign: Campaign) -> str:
    return content_digest(
        campaign.content, campaign.sender_value, campaign.scenario,
        campaign.recipients.digest,  # type: ignore[union-attr]
        campaign.carrier_id, campaign.prices,
    )  # fmt: skip


def _content() -> Iterator[Finding]:
    """Every message says what its campaign and its recipient said at submit, or nothing at all
    where that is no longer kept; and nothing is missing that was not deleted on purpose.
    """
    for campaign in Campaign.objects.exclude(expanded_to=0).select_related("recipients"):
        yield from _deleted(campaign)
        if campaign.texts_purged_at:
            continue
        if campaign.digest and campaign.digest != _digest(campaign):
            yield {"campaign": campaign.pk, "frozen": campaign.digest}
        compiled = template.compile(normalise(campaign.content))
        names = campaign.recipients.variables  # type: ignore[union-attr]
        rows = (
            Message.objects.filter(campaign=campaign)
            .exclude(text="")
            .values_list(
                "pk", "text", "segments", "number", "recipient__number", "recipient__values"
            )
        )
        for pk, text, segments, number, asked, values in rows.iterator(chunk_size=2_000):
            if campaign.numbers_purged_at:
                asked = number
            meant = normalise(compiled.render(dict(zip(names, values, strict=True))))
            if meant != text or number != asked or measure(text).segments != segments:
                yield {"message": pk, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}


def _deleted(campaign: Campaign) -> Iterator[Finding]:
    """What retention deleted is gone whole; a single text is missing only where it was erased."""
    rows = Message.objects.filter(campaign=campaign)
    if campaign.numbers_purged_at and rows.exclude(number="").exists():
        yield {"campaign": campaign.pk, "numbers": "deleted, and some are there"}
    if campaign.texts_purged_at:
        if campaign.content or rows.exclude(text="").exists():
            yield {"campaign": campaign.pk, "texts": "deleted, and some are there"}
        return
    missing = rows.filter(text="").count()
    if missing != campaign.erased:
        yield {"campaign": campaign.pk, "erased": campaign.erased, "without_text": missing}
    if not campaign.numbers_purged_at and rows.filter(number="").exclude(text="").exists():
        yield {"campaign": campaign.pk, "numbers": "missing, and nobody erased them"}
