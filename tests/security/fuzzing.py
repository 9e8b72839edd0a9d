"""Requests nobody's browser sends: a form's own fields with a few of them gone wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from django.test import Client
from django.urls import resolve
from hypothesis import strategies as st

HARD = (
    "", " ", "\0", "a\0b", "\ud800", "\udfffx", "\u202eabc\u202c", "x" * 10_240, "é" * 3000,
    "9" * 40, str(2**31), str(2**63), str(-(2**63) - 1), "-1", "0", "1e309", "NaN", "Infinity",
    "²", "\u0663", "１２", "0x1f", "1_000", "3.5", "1,5", "%00", "%ff", "../../etc/passwd", "\\\\",
    "' OR 1=1 --", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "${a", "${a}",
    "${}" * 200, "{{7*7}}", "%(n)s", "%s%n", "{0.__class__}", "=1+1", "\r\nX: y", "\x1b[31m",
    "2026-02-30", "0001-01-01", "9999-12-31", "-0001-01-01", "24:00", "25:61", "00:00", "10:00",
    "Mars/Base", "../UTC", "UTC", "on", "yes", "null", "[]", "{}", "[" * 5000, ";", ",", "+",
    "00000000-0000-0000-0000-000000000000", "g" * 36, "-" * 36, "csv", "xlsx", "US", "us", "ZZ",
    "a@b", "@", "a@example.com", "\ufeff", "\u2028", "👩‍👩‍👧" * 50, "(a+)+$" + "a" * 40 + "!",
    "C-1", "C-" + "9" * 18, "day", "month", "2026-13", "2026-00", "0000-01", "9999-99", "all",
)  # fmt: skip
COMMON = (
    "state", "workspace", "workspace_id", "tenant", "is_superuser", "price", "author", "role",
    "id", "pk", "key", "version", "next", "q", "page", "sort", "order", "after", "before",
    "period", "country", "month", "reason", "part", "row", "seen", "check", "is", "format",
    "limit", "name", "", "csrfmiddlewaretoken", "_method", "file", "to", "tab", "over", "kind",
)  # fmt: skip


KINDS = (
    "multipart/form-data; boundary=edge", "application/x-www-form-urlencoded", "application/json",
    "text/plain; charset=nonsense", "",
)  # fmt: skip
PART = {"HX-Request": "true", "HX-Target": "phone-rows"}
PLACES = ("http://[x", "http://testserver/campaigns/", "//[", "\x00", "x" * 3000, "http://é/?a=%ff")


@dataclass
class Target:
    """One method of one URL, with what its own forms and links would send."""

    name: str
    method: str
    paths: list[str]
    seen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.method} {self.name}"


class Quick(Client):
    """A client that keeps neither cookies nor templates of an answer: half the time of a request.

    It takes the answer from the handler itself, and an error in a view is raised.
    """

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))


class Forms(HTMLParser):
    """Every form and link of a page: (method, address, {field: values})."""

    def __init__(self, page: str, here: str) -> None:
        super().__init__()
        self.here = here
        self.found: list[tuple[str, str, dict[str, list[str]]]] = []
        self._fields: dict[str, list[str]] = {}  # of the form we are in
        self._choice = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in pairs}
        self._links(at)
        if tag == "form":
            self._fields = {}
            method = at.get("method", "get").upper()
            self.found.append((method, at.get("action") or self.here, self._fields))
        elif tag in ("input", "button") and at.get("name"):
            self._fields.setdefault(at["name"], []).append(at.get("value", ""))
        elif tag == "select" and at.get("name"):
            self._choice = at["name"]
            self._fields.setdefault(at["name"], [])
        elif tag == "option":
            self._fields.setdefault(self._choice, []).append(at.get("value", ""))
        elif tag == "textarea" and at.get("name"):
            self._area = at["name"]

    def handle_data(self, text: str) -> None:
        if self._area:
            self._fields.setdefault(self._area, []).append(text.lstrip("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def _links(self, at: dict[str, str]) -> None:
        for name, method in (("href", "GET"), ("hx-get", "GET"), ("hx-post", "POST")):
            if name in at:
                words: dict[str, list[str]] = {}
                for word, value in parse_qsl(urlsplit(at[name]).query):
                    words.setdefault(word, []).append(value)
                self.found.append((method, at[name] or self.here, words))


def view_name(address: str) -> str:
    path = urlsplit(address).path
    try:
        return resolve(path).view_name if path.startswith("/") else ""
    except Exception:
        return ""


def fields_on(client: Client, here: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Label of a target -> the fields that a form or link on the page *here* sends to it."""
    answer = client.get(here)
    if answer.status_code != 200 or "html" not in answer.get("Content-Type", ""):
        return
    for method, address, fields in Forms(answer.content.decode(), here).found:
        at = here if address.startswith("?") else address
        yield f"{method} {view_name(at)}", fields


def fill(target: Target, client: Client, pages: Sequence[str]) -> None:
    """Teach the target the fields of every form and link to it on *pages*."""
    for here in pages:
        for label, fields in fields_on(client, here):
            for name, values in fields.items() if label == target.label else ():
                known = target.seen.setdefault(name, [])
                known += [value for value in values[:40] if value not in known]


# --- what is sent -------------------------------------------------------------------------

wild = st.one_of(
    st.sampled_from(HARD),
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.integers().map(str),
)


@dataclass(frozen=True)
class Sent:
    """One request, ready for the client."""

    path: str
    body: bytes
    kind: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"{self.path!r} {self.kind} {self.body[:600]!r} {self.headers}"


def coded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def multipart(pairs: Sequence[tuple[str, str, bool]]) -> bytes:
    parts = []
    for name, value, is_file in pairs:
        shown = name.replace('"', "%22").replace("\r", "").replace("\n", "")
        extra = '; filename="a\u202e.csv"\r\nContent-Type: text/csv' if is_file else ""
        head = f'--edge\r\nContent-Disposition: form-data; name="{shown}"{extra}\r\n\r\n'
        parts.append(f"{head}{value}\r\n".encode("utf-8", "surrogatepass"))
    return b"".join(parts) + b"--edge--\r\n"


def broken(
    draw: st.DrawFn, given: dict[str, list[str]], known: Sequence[str]
) -> list[tuple[str, str, bool]]:
    """The form's fields with one to four of them gone wrong: (name, value, is it a file)."""
    files = set()
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from([*known, *COMMON]))
        change = draw(st.integers(0, 9))
        if change == 0:
            given.pop(name, None)
        elif change == 1:
            given[name] = draw(st.lists(wild, min_size=2, max_size=4))
        elif change == 2:
            files.add(name)
            given.setdefault(name, [draw(wild)])
        elif change == 3:
            given[draw(wild)] = [draw(wild)]
        else:
            given[name] = [draw(wild)]
    return [(name, value, name in files) for name, values in given.items() for value in values]


def address(draw: st.DrawFn, target: Target) -> str:
    """One of the target's addresses, now and then with another word in it."""
    path = draw(st.sampled_from(target.paths))
    words = [part for part in path.split("/") if part]
    if len(words) < 2 or draw(st.integers(0, 19)):
        return path
    words[draw(st.integers(1, len(words) - 1))] = coded(draw(wild))
    return f"/{'/'.join(words)}/"


@st.composite
def requests(draw: st.DrawFn, target: Target) -> Sent:
    """A request as the form would make it, then changed."""
    given = {name: [draw(st.sampled_from(v))] if v else [""] for name, v in target.seen.items()}
    pairs = broken(draw, given, list(target.seen))
    path = address(draw, target)
    headers = dict(draw(st.sampled_from([{}, {}, {"HX-Request": "true"}, PART])))
    if not draw(st.integers(0, 4)):
        place = draw(st.sampled_from(PLACES))
        headers |= {"Referer": place, "HX-Current-URL": place}
    query = "&".join(f"{coded(name)}={coded(value)}" for name, value, _file in pairs)
    if target.method == "GET":
        return Sent(f"{path}?{query}", b"", "", headers)
    how = draw(st.integers(0, 19))
    if how == 0:
        return Sent(path, draw(st.binary(max_size=200)), draw(st.sampled_from(KINDS)), headers)
    if how < 5 or any(is_file for _name, _value, is_file in pairs):
        return Sent(path, multipart(pairs), KINDS[0], headers)
    return Sent(path, query.encode(), KINDS[1], headers)
