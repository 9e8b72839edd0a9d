"""The engine with one promise broken on purpose: a judge that stays green on these sees nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.console import ROOT

LEFT_OUT = shutil.ignore_patterns(".*", "build", "data", "__pycache__", "journeys", "house", "docs")


@dataclass(frozen=True)
class Mutation:
    """Changes of the source (file, what stands there once, what is to stand there), and the number
    of the judge's that they make other than 0.
    """

    name: str
    red: str
    changes: tuple[tuple[str, str, str], ...]

    def changed(self) -> dict[str, str]:
        """The files as they read with the changes; the source must hold what they replace."""
        texts: dict[str, str] = {}
        for name, old, new in self.changes:
            text = texts.get(name) or (ROOT / name).read_text()
            assert text.count(old) == 1, f"{name} no longer holds what {self.name} changes"
            texts[name] = text.replace(old, new)
        return texts

    def apply(self, folder: Path) -> Path:
        """A copy of this tree in *folder* with the changes made."""
        tree = folder / self.name
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        (tree / "build").symlink_to(ROOT / "build")
        for name, text in self.changed().items():
            (tree / name).write_text(text)
        return tree


NO_ATTEMPT_FENCE = Mutation(
    "no_attempt_fence",
    "duplicated",
    (
        (
            "campaigns/settling.py",
            "(pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED)",
            "(pk=lease.batch_id)",
        ),
        (
            "campaigns/sending/claiming.py",
            """        pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED,
        campaign__in=Campaign.objects.going(),
""",
            """        pk=lease.batch_id,
""",
        ),
        (
            "campaigns/sending/claiming.py",
            """            pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED
        )
        if rows.update(lease_until=until):""",
            """            pk=lease.batch_id
        )
        if rows.update(lease_until=until):""",
        ),
        (
            "campaigns/sending/line.py",
            "return monotonic() + total < row.lease.deadline",
            "return total > 0",
        ),
    ),
)
CALL_BEFORE_COMMIT = Mutation(
    "call_before_commit",
    "duplicated",
    (
        (
            "campaigns/sending/wire.py",
            "if await self._db(lambda: claiming.begin(lease, upto)):",
            "if upto:",
        ),
    ),
)
CHARGE_IN_ITS_OWN_TRANSACTION = Mutation(
    "charge_in_its_own_transaction",
    "billing_diff_segments",
    (
        (
            "campaigns/settling.py",
            """        charge_id = ledger.charge(
            account_of(campaign, carrier), clock.day_of(campaign.workspace, now), country, price,
            len(billed), sum(r.billed for r in billed),
        ).pk  # fmt: skip
""",
            """        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            charge_id = pool.submit(
                ledger.charge, account_of(campaign, carrier),
                clock.day_of(campaign.workspace, now), country, price,
                len(billed), sum(r.billed for r in billed),
            ).result().pk
""",
        ),
    ),
)
JOINED_THRESHOLD_GUARD = Mutation(
    "joined_threshold_guard",
    "overshoot",
    (
        (
            "billing/thresholds.py",
            "Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)",
            "Workspace.objects.get(pk=workspace_id)",
        ),
        (
            "billing/thresholds.py",
            'list(windows.order_by("pk").select_for_update(no_key=True))',
            'list(windows.order_by("pk"))',
        ),
        (
            "billing/models.py",
            'rows = self.filter(pk__in=[pk for pk, _n in found], used__lte=F("limit") - amount)',
            """room = self.filter(
            pk__in=[pk for pk, _n in found], threshold__limit__gte=F("used") + amount
        )
        rows = self.filter(pk__in=room.values("pk"))""",
        ),
    ),
)
MUTATIONS = (NO_ATTEMPT_FENCE, CALL_BEFORE_COMMIT, CHARGE_IN_ITS_OWN_TRANSACTION)
