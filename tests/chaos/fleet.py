"""The console as it runs for many: PostgreSQL, Redis and several workers, all to be killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.chaos.console import PATIENCE, ROOT, Console, until
from tests.services import NoService, Postgres, Redis
from tests.sms.practice.carrier import PracticeCarrier

LEASE_SECONDS = 5
WORKERS = 2
REST_SECONDS = 400
WORKER = ["-m", "celery", "-A", "smsconsole", "worker", "--pool", "prefork", "--concurrency", "2",
          "-Q", "dispatch,receipts", "--loglevel", "WARNING",
          "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip


class Fleet(Console):
    """A console on servers of its own with as many more workers as are *hired*, and a carrier of
    its own that nothing kills by accident.
    """

    def __init__(
        self,
        folder: Path,
        postgres: Postgres,
        redis: Redis,
        carrier_class: str,
        hired: int = WORKERS,
        *,
        root: Path = ROOT,
        **env: str,
    ) -> None:
        self.postgres, self.redis = postgres, redis
        urls = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        lease = {"SMSCONSOLE_LEASE_SECONDS": str(LEASE_SECONDS)}
        super().__init__(folder / "home", root=root, **(urls | lease | env))
        self.carrier_class = carrier_class
        self.hired = hired
        self.workers: list[subprocess.Popen[bytes]] = []
        self.frozen: dict[int, float] = {}
        self.carrier = PracticeCarrier(folder / "carrier", "--class", carrier_class)

    def __enter__(self) -> Self:
        super().__enter__()
        options = {**self.carrier.settings, "class": self.carrier_class}
        self.execute("UPDATE carriers_carrier SET options = %s", [json.dumps(options)])
        [(token,)] = self.query("SELECT receipts_token FROM carriers_carrier")
        self.receipts_url = f"http://127.0.0.1:{self.env['PORT']}/receipts/{token}/"
        self.carrier.change(receipts_url=self.receipts_url, receipt_delay=[0.1, 3.0])
        self.workers = [self.hire() for _ in range(self.hired)]
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw(everything=True)
        super().__exit__()
        for worker in self.workers:
            worker.wait(PATIENCE)
        self.carrier.kill()

    def hire(self) -> subprocess.Popen[bytes]:
        """One more worker process with its children."""
        with (self.home.parent / "workers.log").open("ab") as out:
            command = [sys.executable, *WORKER, "--hostname", f"{time.monotonic_ns()}@fleet"]
            return subprocess.Popen(
                command, cwd=self.root, env=self.env, stdout=out, stderr=out, start_new_session=True
            )

    def replace_dead(self) -> None:
        """Start again what was killed, as a service manager would."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        self.workers = [worker for worker in self.workers if worker not in dead]
        self.workers += [self.hire() for _ in dead]

    # --- the database -------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._patiently(lambda database: database.execute(sql).fetchall())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._patiently(lambda database: database.execute(sql, values))

    def set_carrier(self, **columns: Any) -> None:
        for name, value in columns.items():
            self.execute(f'UPDATE carriers_carrier SET "{name}" = %s', [value])

    def limit(self, segments: int) -> None:
        """A daily threshold, so that every claim reserves and every refusal gives back."""
        self.execute(
            'INSERT INTO billing_threshold (workspace_id, scope, country, period, "limit",'
            " warn_percent, changed_at)"
            " SELECT id, 'workspace', '', 'day', %s, 80, now() FROM accounts_workspace",
            [segments],
        )

    def _patiently(self, ask: Callable[[psycopg.Connection], Any]) -> Any:
        """A server that was killed a moment ago answers a little later."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with psycopg.connect(self.postgres.url) as database:
                    return ask(database)
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    # --- what goes wrong ------------------------------------------------------------------------

    def kill_one(self, dice: random.Random) -> str:
        """kill -9 one process of a worker: one time in twelve the parent, else a child."""
        found = self.pids("celery")
        parents = [pid for pid in found if _parent(pid) not in found]
        children = [pid for pid in found if pid not in parents]
        kind = "parent" if dice.random() < 0.08 or not children else "child"
        chosen = dice.choice(parents if kind == "parent" else children)
        self.frozen.pop(chosen, None)
        _signal(chosen, signal.SIGKILL)
        self.replace_dead()
        return kind

    def kill_by_chance(self, word: str, dice: random.Random) -> int:
        """kill -9 one of the processes that hold *word*, if there is one; how many that were."""
        found = self.pids(word)
        if found:
            _signal(dice.choice(found), signal.SIGKILL)
        return len(found[:1])

    def freeze_one(self, dice: random.Random) -> None:
        """Stop one process of a worker for longer than its lease; ``thaw`` wakes it up."""
        chosen = dice.choice(self.pids("celery"))
        _signal(chosen, signal.SIGSTOP)
        self.frozen[chosen] = time.monotonic() + LEASE_SECONDS + dice.uniform(1, 4)

    def thaw(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        for pid, until_then in list(self.frozen.items()):
            if everything or now > until_then:
                _signal(pid, signal.SIGCONT)
                del self.frozen[pid]

    def lose_redis(self, dice: random.Random) -> None:
        """Empty it, or kill it and start it again empty."""
        if dice.random() < 0.5:
            self.redis.flush()
            return
        self.redis.stop(signal.SIGKILL)
        time.sleep(dice.uniform(0.2, 3))
        self.redis.start()

    def crash_postgres(self, dice: random.Random) -> None:
        self.postgres.stop(signal.SIGKILL)
        time.sleep(dice.uniform(0.2, 2))
        self.start_again(self.postgres)

    @staticmethod
    def start_again(postgres: Postgres) -> None:
        """Not before the last process of the killed one is gone."""

        def starts() -> bool:
            try:
                postgres.start()
            except NoService:
                return False
            return True

        until(starts, "PostgreSQL does not start again")

    def failpoint_hits(self) -> int:
        """How often the failpoint of this fleet was hit."""
        file = self.home / "failpoint"
        return file.stat().st_size if file.exists() else 0

    # --- what there is to see ---------------------------------------------------------------------

    def scheduled(self) -> int:
        """How many campaigns wait for their start."""
        rows = self.query("SELECT COUNT(*) FROM campaigns_campaign WHERE state = 'scheduled'")
        return int(rows[0][0])

    def left(self, campaign: int) -> int:
        """How many batches of *campaign* are not done."""
        sql = f"SELECT COUNT(*) FROM campaigns_batch WHERE campaign_id = {campaign}"
        return int(self.query(f"{sql} AND state <> 'done'")[0][0])

    def happened(self, action: str) -> Counter[int]:
        """How often the audit trail says it, by campaign."""
        rows = self.query(f"SELECT object_id FROM accounts_auditevent WHERE action = '{action}'")
        return Counter(int(pk) for (pk,) in rows)

    def used(self) -> int:
        """Segments that count against the daily threshold at this instant."""
        rows = self.query("SELECT used FROM billing_thresholdwindow")
        return int(rows[0][0]) if rows else 0

    def refused(self) -> int:
        """Segments that came back from the carrier; a suspended campaign leaves them unused."""
        [(segments,)] = self.query(
            "SELECT COALESCE(SUM(segments), 0) FROM campaigns_message WHERE state = 'rejected'"
        )
        return int(segments)

    def moves_again(self, within: float) -> float:
        """Wait until another message is settled; after how many seconds that was."""
        before, began = self.settled(), time.monotonic()
        until(lambda: self.settled() > before, "nothing moved in time", within)
        return round(time.monotonic() - began, 1)

    def rest(self, may: str = "", within: float = REST_SECONDS) -> None:
        """Wait until nothing moves any more; what *may* be left is as in ``is_at_rest``."""
        end = time.monotonic() + within
        while not self.is_at_rest(may):
            assert time.monotonic() < end, self.seen()
            time.sleep(1)

    def is_over(self) -> bool:
        """Every campaign is completed and every receipt taken; some may wait in the inbox for a
        message in doubt.
        """
        [(going,)] = self.query(
            "SELECT COUNT(*) FROM campaigns_campaign WHERE state <> 'completed'"
        )
        return not (going or self.carrier.stats()["receipts_pending"])

    def is_at_rest(self, may: str = "") -> bool:
        """Nothing left to send, every receipt taken and applied; nothing in doubt, and nothing
        held by a threshold, unless that *may* be left for people to end.
        """
        self.thaw()
        self.replace_dead()
        [(messages,)] = self.query(
            "SELECT COUNT(*) FROM campaigns_message WHERE state IN"
            + {"in_doubt": "('queued')", "held": "('in_doubt')"}.get(may, "('queued', 'in_doubt')")
        )
        [(going,)] = self.query(
            "SELECT COUNT(*) FROM campaigns_campaign WHERE state IN ('scheduled', 'sending')"
        )
        [(inbox,)] = self.query(
            "SELECT COUNT(*) FROM campaigns_deliveryreceipt WHERE state = 'pending'"
        )
        return not (messages or going or inbox or self.carrier.stats()["receipts_pending"])

    def seen(self) -> dict[str, Any]:
        """What to print when it does not come to rest."""
        return {
            "campaigns": self.query("SELECT id, state, pause_reason FROM campaigns_campaign"),
            "messages": self.query("SELECT state, COUNT(*) FROM campaigns_message GROUP BY 1"),
            "batches": self.query(
                'SELECT campaign_id, state, hold, COUNT(*), SUM("left"), MAX(not_before) - now(),'
                " MAX(lease_until) - now() FROM campaigns_batch GROUP BY 1, 2, 3"
            ),
            "windows": self.query('SELECT used, "limit" FROM billing_thresholdwindow'),
            "inbox": self.query("SELECT state, COUNT(*) FROM campaigns_deliveryreceipt GROUP BY 1"),
            "carrier": self.carrier.stats(),
        }


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
