"""How fast a carrier may be called, and when not at all. Pure: the caller brings the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

DOUBTS_IN_A_ROW = 5
FEWER_DOUBTS = 3  # where a doubt may stay one: nobody can ask for the message
ERRORS_A_MINUTE = 50
FIRST_PAUSE_SECONDS = 1.0  # some bad answers in a row may be chance: look again soon
PAUSE_SECONDS = 30.0
BACK_OFF = (0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class TokenBucket:
    """At most *rate* segments per second, with at most one second's worth saved up."""

    rate: float
    tokens: float = 0.0
    at: float = 0.0

    def wait(self, segments: int, now: float) -> float:
        """Take *segments* and answer how many seconds to wait before using them."""
        self._fill(now)
        self.tokens -= segments
        return 0.0 if self.tokens >= 0 else -self.tokens / self.rate

    def take(self, segments: int, now: float) -> bool:
        """Take *segments* if nobody need wait for them."""
        self._fill(now)
        if self.tokens < segments:
            return False
        self.tokens -= segments
        return True

    def _fill(self, now: float) -> None:
        if not self.at:
            self.at = now
        self.tokens = min(self.rate / 10, self.tokens + (now - self.at) * self.rate)
        self.at = now


@dataclass(slots=True)
class Breaker:
    """Leaves a carrier alone that answers unclearly or not at all.

    Opens after some doubtful answers in a row or 50 errors within 60 s. From then on one call at a
    time is a probe, and when one may be made is agreed between all dispatchers (``resting``). No
    connection at all backs off step by step, since it costs nothing to ask, and then opens too.
    """

    most_doubts: int = DOUBTS_IN_A_ROW
    doubts: int = 0
    refused_connections: int = 0
    errors: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0
    probing: bool = False
    is_open: bool = False

    def may_call(self, now: float) -> bool:
        """May the next call go out? While one probes, no other may."""
        return now >= self.closed_until and not self.probing

    def called(self) -> None:
        """A call goes out; while the last answers were bad it is the only one."""
        if self.is_open or self.refused_connections:
            self.probing = True

    def answered(self) -> bool:
        """A certain answer: the carrier is well. True if it was left alone before.

        The late answer to a call of before does not tell how the carrier is now.
        """
        was_open = self.is_open
        if was_open and not self.probing:
            return False
        self.close()
        return was_open

    def close(self) -> None:
        self.doubts = self.refused_connections = 0
        self.probing = self.is_open = False
        self.errors.clear()

    def failed(self, now: float, *, doubtful: bool) -> bool:
        """A doubtful answer, or no connection at all. True if the carrier is to be left alone."""
        was_probe, self.probing = self.probing, False
        self.errors.append(now)
        while self.errors[0] < now - 60:
            self.errors.popleft()
        if self.is_open:
            if was_probe:
                self.closed_until = now + PAUSE_SECONDS
            return False
        if doubtful:
            self.doubts += 1
            self.is_open = self.doubts >= self.most_doubts or len(self.errors) >= ERRORS_A_MINUTE
        elif now >= self.closed_until:  # the others were under way when the first one failed
            self.is_open = self.refused_connections == len(BACK_OFF)
            self.closed_until = now + (0.0 if self.is_open else BACK_OFF[self.refused_connections])
            self.refused_connections += 1
        if self.is_open:
            self.closed_until = now + FIRST_PAUSE_SECONDS
        return self.is_open

    def undecided(self) -> None:
        """A call ended in a way that tells nothing of the carrier."""
        self.probing = False

    def learn(self, now: float, seconds_left: float | None) -> None:
        """What all dispatchers agreed on: how long to leave it alone, None if nobody has to."""
        if self.probing:
            return
        if seconds_left is not None:
            self.is_open, self.closed_until = True, now + seconds_left
        elif self.is_open:
            self.close()
            self.closed_until = now

    def throttled(self, now: float, retry_after: float) -> None:
        """The carrier asked for a pause; that is no error."""
        self.probing = False
        self.closed_until = max(self.closed_until, now + min(retry_after, 60.0))
