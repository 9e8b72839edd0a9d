"""A practice carrier as a real process, and a real receiver for its receipts."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

PATIENCE = 20.0


def eventually(happens: Callable[[], Any], within: float = PATIENCE) -> Any:
    """The first true answer of *happens*; fails when there is none in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        answer = happens()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


class PracticeCarrier:
    """Started on a free port, on files that stay when it is killed and started again."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self._options = options
        self.start()

    def start(self, *more: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sms.practice", "--home", str(self.home)),
                *(
                    "--with-parent",
                    str(os.getpid()),
                    "--latency-ms",
                    "0",
                    "--receipt-delay",
                    "0",
                    "0.1",
                ),
                *(*self._options, *more),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.port = json.loads(line)["port"]
        self.token = (self.home / "token").read_text()
        self.settings = {"url": f"http://127.0.0.1:{self.port}", "token": self.token}

    def kill(self) -> None:
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        try:
            connection.request(method, path, json.dumps(body), sent)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(raw) if is_json else raw, dict(response.headers)

    def submit(
        self, reference: str, number: str = "+12025550180", text: str = "Hello"
    ) -> tuple[int, Any, dict[str, str]]:
        fields = {"reference": reference, "to": number, "from": "Acme", "text": text}
        return self.ask("POST", "/messages", fields, {"Idempotency-Key": reference})

    def change(self, **settings: Any) -> None:
        """``carrier_class`` stands for the setting ``class``."""
        if "carrier_class" in settings:
            settings["class"] = settings.pop("carrier_class")
        status, answer, _ = self.ask("POST", "/faults", settings)
        assert status == 200, answer

    def stats(self) -> dict[str, Any]:
        return self.ask("GET", "/stats")[1]

    def ledger(self, reference: str | None = None) -> list[dict[str, Any]]:
        lines = (self.home / "ledger.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines if line]
        return [entry for entry in entries if reference in (None, entry["reference"])]


@dataclass(frozen=True)
class Posted:
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return json.loads(self.body)


class Receiver:
    """Takes receipts on a free port and answers ``status``; 400 to what it dislikes."""

    def __init__(self) -> None:
        self.status = 200
        self.dislikes = b""
        self.posts: list[Posted] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                is_disliked = bool(receiver.dislikes) and receiver.dislikes in body
                status = 400 if is_disliked else receiver.status
                receiver.posts.append(Posted(headers, body, status))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A carrier that is killed in the middle of a post is no news here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/receipts"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def receipts(self) -> list[dict[str, Any]]:
        """Those that were acknowledged."""
        taken = [post for post in self.posts if post.status < 300]
        return [receipt for post in taken for receipt in post.receipts]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
