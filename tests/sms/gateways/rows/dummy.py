"""A gateway that lives outside ``sms/gateways`` and speaks a wire of its own.

It proves that a carrier can be added without touching ours: one class, one row. Its carrier
takes ``GET /send`` with a query string, answers in plain text, gives no receipts and offers
nothing against doubt.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from sms.gateways import wire
from sms.gateways.base import (
    Accepted,
    Acknowledgement,
    BadCallback,
    Callback,
    CarrierClass,
    InDoubt,
    Option,
    Outbound,
    Reason,
    Receipt,
    Refused,
    Throttled,
    Unavailable,
)
from tests.sms.gateways.contract import Row


class DummyGateway:
    name = "dummy"
    carrier_class = CarrierClass.BLIND
    gives_receipts = False
    options = (Option("url", "Address"), Option("account", "Account", secret=True))

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = wire.web_address(settings["url"])
        self._account = settings["account"]

    async def submit(self, session: aiohttp.ClientSession, message: Outbound) -> Accepted | Refused:
        asked = {"account": self._account, "ref": message.reference, "to": message.number}
        asked |= {"from": message.sender, "text": message.text}
        answer = await wire.call(session, "GET", f"{self._url}/send?{urlencode(asked)}", {})
        word, _, rest = answer.body.decode("ascii", "replace").partition(" ")
        match answer.status, word:
            case 200, "SENT" if rest:
                return Accepted(rest)
            case 403, "WHO":
                return Refused(Reason.GATEWAY_AUTH, word, account_wide=True)
            case 400, "NUMBER":
                return Refused(Reason.INVALID_NUMBER, word)
            case 503, "LATER":
                raise Throttled(5)
        raise InDoubt(f"no certain answer, status {answer.status}")

    async def query(self, session: aiohttp.ClientSession, reference: str) -> Accepted | None:
        raise Unavailable("this carrier cannot be asked")

    def parse_receipts(self, callback: Callback) -> list[Receipt]:
        raise BadCallback(404, "this carrier gives no receipts")

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(status=204, body=b"")


ANSWERS = {
    "accepted": (200, "SENT 4711"),
    "number": (400, "NUMBER"),
    "later": (503, "LATER"),
    "idless": (200, "SENT"),
    "broken": (500, "oh"),
}


class DummyParty:
    """``text`` names the answer, so nothing has to be switched on or off."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self.gone = threading.Event()
        party = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = {
                    key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()
                }
                party._seen[asked["ref"]] += 1
                if asked["text"] == "silent":
                    party.gone.wait()
                known = asked["account"] == "acme"
                status, words = ANSWERS.get(asked["text"], ANSWERS["broken"])
                self.send_response(status if known else 403)
                self.end_headers()
                self.wfile.write(words.encode() if known else b"WHO")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        address = f"http://127.0.0.1:{self.server.server_port}"
        self.settings = {"url": address, "account": "acme"}

    def provoke(self, answer: str) -> Outbound:
        return Outbound(str(uuid.uuid4()), "+12025550123", "Acme", answer, "notification", 1, 3600)

    def calm(self) -> None:
        return

    def seen(self, reference: str) -> int:
        return self._seen[reference]

    def receipts(self, reference: str) -> Callback:
        raise LookupError("this carrier gives no receipts")

    def authentic(self, body: bytes) -> Callback:
        return Callback("POST", {"content-type": "application/json"}, {}, body)


@contextmanager
def start(home: Path) -> Iterator[DummyParty]:
    party = DummyParty()
    thread = threading.Thread(target=party.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield party
    finally:
        party.gone.set()
        party.server.shutdown()
        thread.join()
        party.server.server_close()


ROW = Row(
    gateway=DummyGateway,
    start=start,
    wrong={"account": "wrong"},
    refusals={"number": Reason.INVALID_NUMBER},
    throttles=("later",),
    doubts=("idless", "broken"),
    silences=("silent",),
)
