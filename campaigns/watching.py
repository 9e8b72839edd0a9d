"""Watch the database's clock: a start that is due by a wrong clock would come too early.

Whoever starts campaigns compares how far the database's clock went between two looks with how far
this machine's steady clock went, which counts sleep and knows no hands to be turned. More than a
minute apart is a jump: it is written down, people are told once, and what is scheduled waits. It
goes on when the process that saw the jump has seen the clock right again for a minute, or when a
person confirms the new time. That the clock runs evenly after a jump proves nothing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Workspace
from accounts.notices import notify, people_to_tell
from campaigns import clock
from campaigns.models import Batch, ClockJump
from campaigns.states import BatchState
from carriers.models import Carrier

logger = logging.getLogger(__name__)
GUARD_SECONDS = 60.0
RIGHT_AGAIN_SECONDS = 60.0
LONGEST_PAUSE = timedelta(minutes=5)
STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(slots=True)
class Watch:
    """What one process knows: by how much the two clocks differed while all was well."""

    earliest: float | None = None
    latest: float = 0.0
    right_since: float | None = None
    saw_a_jump: bool = False

    def look(self, shared: float, before: float, after: float) -> float:
        """By how many seconds the *shared* clock is off; it was read between *before* and *after*
        of the steady one, and a slow answer is no jump."""
        low, high = shared - after, shared - before
        if self.earliest is None:
            self.earliest, self.latest = low, high
        off = max(low - self.latest, 0.0) - max(self.earliest - high, 0.0)
        if abs(off) <= GUARD_SECONDS and not self.saw_a_jump:
            self.earliest, self.latest = low, high  # clocks that drift apart slowly are no jump
        return off

    def adopt(self) -> None:
        """What the clock says now is right."""
        self.earliest, self.right_since, self.saw_a_jump = None, None, False


_watch = Watch()


def is_held() -> bool:
    """Look at the clock. True while scheduled starts have to wait for it."""
    before = time.clock_gettime(STEADY)
    shared = clock.now().timestamp()
    after = time.clock_gettime(STEADY)
    holds = ClockJump.objects.holding().exists()
    if _watch.saw_a_jump and not holds:
        _watch.adopt()
        return False
    off = _watch.look(shared, before, after)
    if abs(off) > GUARD_SECONDS:
        _watch.right_since = None
        if not _watch.saw_a_jump:
            _watch.saw_a_jump = True
            _hold(round(off))
        return True
    if _watch.saw_a_jump:
        _watch.right_since = before if _watch.right_since is None else _watch.right_since
        if before - _watch.right_since >= RIGHT_AGAIN_SECONDS:
            release()
            _watch.adopt()
            return False
    return holds


def _hold(seconds: int) -> None:
    logger.error("the clock of the database jumped by %d s: scheduled starts wait", seconds)
    if ClockJump.objects.holding().exists():  # another process was first
        return
    jump = ClockJump.objects.create(seconds=seconds, seen_at=clock.now())
    for workspace in Workspace.objects.all():
        notify(
            people_to_tell(workspace),
            workspace,
            kind="campaign.attention",
            title=_("The clock jumped, so scheduled campaigns wait"),
            body=sentence(jump),
            path=reverse("system"),
            dedupe=f"clock-{jump.pk}",
        )


def sentence(jump: ClockJump) -> str:
    """What happened and what to do, for people."""
    return _(
        "The database's clock jumped by %(seconds)s seconds. Nothing that is scheduled starts. Put "
        "the clock right, and it goes on by itself after a minute; or if the clock is right now, "
        "run manage.py confirm_clock."
    ) % {"seconds": f"{jump.seconds:+,}"}


def release() -> int:
    """Scheduled starts go on; how many jumps were waited for."""
    _shorten_pauses()
    return ClockJump.objects.holding().update(over_at=clock.now())


def _shorten_pauses() -> None:
    """Pauses and leases of seconds that began by a clock that was ahead would last as long as that.

    A lease that is cut short is no danger: its holder renews it, or is fenced off.
    """
    now = clock.now()
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    tried = Batch.objects.filter(state=BatchState.READY, attempt__gt=0)
    tried.filter(not_before__gt=now + LONGEST_PAUSE).update(not_before=None)
    leased = Batch.objects.filter(state=BatchState.LEASED, lease_until__gt=now + 2 * lease)
    leased.update(lease_until=now + lease)
    Carrier.objects.filter(resting_until__gt=now + LONGEST_PAUSE).update(resting_until=now)
