"""A carrier that costs next to nothing: ``python -m benchmarks.carrier LATENCY_MS``.

Speaks what the practice carrier speaks for a submit, accepts everything after LATENCY_MS, keeps
no ledger. Prints its port. The practice carrier writes a ledger before it answers and would be
measured instead of who calls it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

END_OF_HEAD = b"\r\n\r\n"


class Answers(asyncio.Protocol):
    """One connection: a whole request in, an acceptance out."""

    given = 0

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, rest = self._seen.partition(END_OF_HEAD)
        if not found:
            return
        at = head.lower().index(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._seen = rest[length:]
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if self._transport.is_closing():
            return
        Answers.given += 1
        body = b'{"id":"B%d","segments":1}' % Answers.given
        self._transport.write(
            b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body) + body
        )  # fmt: skip


async def main(latency_ms: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answers(latency_ms / 1000), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(float(sys.argv[1])))
