"""How many dispatchers share one carrier's rate, told through Redis.

Each dispatcher keeps its own bucket and fills it with its share of the carrier's rate, so no
message asks Redis for leave. Without Redis there is one embedded dispatcher; while Redis is away
the share stays as it was last known. Money never depends on this.
"""

from __future__ import annotations

import logging
import uuid

import redis
from django.conf import settings

logger = logging.getLogger(__name__)
PRESENT_SECONDS = 4.0


class Share:
    """One dispatcher's place at the carriers it sends to."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.known: dict[int, int] = {}
        self.client = (
            redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
            if settings.REDIS_URL
            else None
        )

    def of(self, carrier_id: int) -> int:
        """Say that this dispatcher is here, and answer how many send to the carrier."""
        if self.client is None:
            return 1
        key = f"dispatchers:{carrier_id}"
        try:
            seconds, micros = self.client.time()
            now = seconds + micros / 1e6
            with self.client.pipeline() as pipe:
                pipe.zadd(key, {self.name: now})
                pipe.zremrangebyscore(key, 0, now - PRESENT_SECONDS)
                pipe.zcard(key)
                pipe.expire(key, 60)
                self.known[carrier_id] = max(1, pipe.execute()[2])
        except redis.RedisError:
            logger.warning("Redis is away; the share of carrier %d stays as it was", carrier_id)
        return self.known.get(carrier_id, 1)

    def leave(self) -> None:
        """Make room at once instead of after some seconds."""
        if self.client is None:
            return
        try:
            for carrier_id in self.known:
                self.client.zrem(f"dispatchers:{carrier_id}", self.name)
            self.client.close()
        except redis.RedisError:
            logger.info("Redis is away; this dispatcher's place runs out by itself")
