"""How fast a carrier may be called, and when not at all. Pure: the caller brings the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

DOUBTS_IN_A_ROW = 5
ERRORS_A_MINUTE = 50
OPEN_SECONDS = 30.0
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0)


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

    Opens for 30 s after 5 doubtful answers in a row or 50 errors within 60 s; then one probe
    call decides. No connection at all backs off step by step, since it costs nothing to ask.
    """

    doubts: int = 0
    refused_connections: int = 0
    errors: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0
    probing: bool = False

    def may_call(self, now: float) -> bool:
        """May the next call go out? After a pause only one probe may, until it has answered."""
        return now >= self.closed_until and not self.probing

    def called(self) -> None:
        """A call goes out; while the last answers were bad it is the only one."""
        if self.doubts >= DOUBTS_IN_A_ROW or self.refused_connections:
            self.probing = True

    def answered(self) -> None:
        """A certain answer: the carrier is well."""
        self.doubts = self.refused_connections = 0
        self.probing = False
        self.errors.clear()

    def failed(self, now: float, *, doubtful: bool) -> None:
        """A doubtful answer, or no connection at all."""
        self.probing = False
        self.errors.append(now)
        while self.errors and self.errors[0] < now - 60:
            self.errors.popleft()
        if doubtful:
            self.doubts += 1
            if self.doubts >= DOUBTS_IN_A_ROW or len(self.errors) >= ERRORS_A_MINUTE:
                self.closed_until = now + OPEN_SECONDS
            return
        step = min(self.refused_connections, len(BACK_OFF) - 1)
        self.refused_connections += 1
        self.closed_until = max(self.closed_until, now + BACK_OFF[step])

    def throttled(self, now: float, retry_after: float) -> None:
        """The carrier asked for a pause; that is no error."""
        self.probing = False
        self.closed_until = max(self.closed_until, now + min(retry_after, 60.0))
