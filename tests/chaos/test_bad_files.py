"""Bad files through a real web server: a page each, no traceback, and no memory kept."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.chaos.console import Console, until
from tests.sheets.making import cell, sheet_xml, zipped
from tests.sheets.making import parts as parts_of

pytestmark = pytest.mark.chaos
ROUNDS = 4
GROWTH_KIB = 50 * 1024
LINK = re.compile(r"http://\S+/signin/\S+")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"0" * (200 * 1024 * 1024))
    return buffer.getvalue()


def far_cell() -> bytes:
    row = f'<row r="1048576">{cell("XFD1048576", "1")}</row>'
    return zipped(parts_of(sheet_xml(row)))


FILES = {
    "empty.csv": b"",
    "header.csv": b"phone_number\n",
    "program.xlsx": b"MZ" + b"\0" * 4096,
    "cut.xlsx": far_cell()[:300],
    "far.xlsx": far_cell(),
    "bomb.xlsx": bomb(),
    "nul.csv": b"phone_number\n+1202555\x00\x000123\n",
    "quote.csv": b'phone_number,name\n+12025550123,"Ann\n' + b"+12025550124,Ben\n" * 50_000,
    "wide.csv": b",".join(b"c%d" % n for n in range(500)) + b"\n",
    "junk.csv": b"\xff\xfe\xfd" * 1_000_000,
    "large.csv": b"phone_number\n" + b"+12025550123\n" * 1_500_000,
}


class Person:
    """Somebody at the console, without a browser."""

    def __init__(self, console: Console) -> None:
        self.base = f"http://127.0.0.1:{console.env['PORT']}"
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> tuple[int, str]:
        return self._ask(Request(self.base + path))

    def post(self, path: str, fields: dict[str, str], file: tuple[str, bytes] | None = None) -> int:
        border = uuid.uuid4().hex
        says = "Content-Disposition: form-data; name="
        parts = [
            f'--{border}\r\n{says}"{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        if file:
            head = f'{says}"file"; filename="{file[0]}"'
            parts.append(f"--{border}\r\n{head}\r\n\r\n".encode() + file[1] + b"\r\n")
        body = b"".join(parts) + f"--{border}--\r\n".encode()
        kind = f"multipart/form-data; boundary={border}"
        return self._ask(Request(self.base + path, body, {"Content-Type": kind}))[0]

    def _ask(self, request: Request) -> tuple[int, str]:
        request.add_header("Origin", self.base)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def sign_in(self, link: str) -> None:
        path = link.removeprefix(self.base)
        token = TOKEN.search(self.get(path)[1])
        assert token is not None
        assert self.post(path, {"csrfmiddlewaretoken": token[1]}) == 200


def said(folder: Path) -> str:
    """What the console printed."""
    return (folder / "console.log").read_text()


def resident(console: Console) -> int:
    """KiB of memory the web processes hold."""
    found = 0
    for pid in console.pids("granian"):
        status = Path(f"/proc/{pid}/status").read_text()
        found += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
    return found


def test_bad_files_get_a_page_and_leave_no_memory_behind(tmp_path: Path) -> None:
    with Console(tmp_path / "home", IMPORT_UPLOADS_A_MINUTE="100000") as console:
        person = Person(console)
        until(lambda: LINK.search(said(tmp_path)), "no link was printed")
        person.sign_in(LINK.search(said(tmp_path))[0])
        person.get("/campaigns/new/")
        before, answers = resident(console), []
        assert before > 10 * 1024, "the web processes were not found: nothing would be measured"
        for turn in range(ROUNDS):
            for name, content in FILES.items():
                token = TOKEN.search(person.get("/campaigns/new/")[1])
                assert token is not None
                fields = {"csrfmiddlewaretoken": token[1], "name": f"Bad {turn}"}
                path = f"/campaigns/{uuid.uuid4()}/upload/"
                answers.append((name, person.post(path, fields, (name, content))))
        grown = resident(console) - before
        log = (console.home / "logs" / "web.log").read_text()
    assert [answer for answer in answers if answer[1] >= 500] == []
    assert {status for _name, status in answers} <= {200, 400, 409, 413}
    assert "Traceback" not in log
    assert grown <= GROWTH_KIB, f"{grown} KiB"
