"""``python -m sms.practice``: runs the practice carrier until it is told to stop.

Prints one line of JSON with its port on stdout once it listens on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from sms.practice.ledger import InUse, Ledger, secret_in
from sms.practice.receipts import Outbox
from sms.practice.server import Carrier
from sms.practice.settings import CLASSES, Settings

PARENT_POLL_SECONDS = 0.5
GOODBYE_SECONDS = 1.0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sms.practice", description="The practice carrier.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--home", type=Path, required=True, help="folder of its files")
    parser.add_argument("--token", help="bearer token; without it the file HOME/token")
    parser.add_argument("--class", dest="carrier_class", choices=CLASSES, default="idempotent")
    parser.add_argument("--rate", type=float, default=1000, help="segments/s, 0 for no limit")
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--receipts-url", default="", help="where receipts are posted")
    parser.add_argument("--receipt-delay", type=float, nargs=2, default=(1.0, 6.0))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="{}", help='JSON, as {"error_after": 0.1}')
    parser.add_argument("--fsync", action="store_true", help="sync each line to the disk")
    parser.add_argument(
        "--with-parent",
        metavar="PID",
        type=int,
        nargs="?",
        const=os.getppid(),
        help="stop when the parent ends; its id, if given, also tells when it ended before us",
    )
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    settings = Settings()
    settings.change(
        {
            "class": options.carrier_class,
            "rate": options.rate,
            "latency_ms": options.latency_ms,
            "receipts_url": options.receipts_url,
            "receipt_delay": tuple(options.receipt_delay),
            "seed": options.seed,
            "faults": json.loads(options.faults),
        }
    )
    return settings


async def serve(options: argparse.Namespace, settings: Settings, ledger: Ledger) -> None:
    token = options.token or secret_in(options.home, "token")
    outbox = Outbox(settings, token, ledger)
    outbox.restore()
    carrier = Carrier(settings, token, ledger, outbox)
    loop = asyncio.get_running_loop()
    for end in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(end, carrier.stopping.set)
    runner = web.ServerRunner(
        web.Server(carrier.handle, access_log=None), shutdown_timeout=GOODBYE_SECONDS
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port, backlog=1024).start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    posting = asyncio.create_task(outbox.run())
    posting.add_done_callback(lambda _: carrier.stopping.set())
    watching = asyncio.create_task(watch_parent(carrier.stopping, options.with_parent))
    await carrier.stopping.wait()
    for task in (posting, watching):
        task.cancel()
    ended = await asyncio.gather(posting, watching, return_exceptions=True)
    await runner.cleanup()
    ledger.close()
    for outcome in ended:
        if isinstance(outcome, Exception):  # such as a full disk: say so, and owe the receipts
            raise outcome


async def watch_parent(stopping: asyncio.Event, parent: int | None) -> None:
    """Ends the carrier when the process that started it is gone, however it went."""
    while parent is None or os.getppid() == parent:
        await asyncio.sleep(PARENT_POLL_SECONDS)
    stopping.set()


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not on every system; only slower without
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def run(options: argparse.Namespace, settings: Settings, ledger: Ledger) -> None:
    with asyncio.Runner(loop_factory=fastest_loop()) as runner:
        runner.run(serve(options, settings, ledger))


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments()
    options = parser.parse_args(argv)
    try:
        settings = settings_of(options)
    except ValueError as error:
        parser.error(str(error))
    try:
        options.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        run(options, settings, Ledger(options.home, fsync=options.fsync))
    except InUse:
        sys.stderr.write(f"Another practice carrier works in {options.home}.\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The practice carrier cannot go on: {error}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
