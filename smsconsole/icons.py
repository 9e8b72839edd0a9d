"""The outline icons of @tabler/icons, drawn inline so that they take the colour of the text."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

PACKED = Path(__file__).resolve().parent.parent / "static" / "vendor" / "icons.json.gz"
FRAME = (
    '<svg class="icon {}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>'
)


class NoIcon(LookupError):
    """The template names an icon that the locked icon package does not have."""


@cache
def bodies() -> dict[str, str]:
    """Every icon by name; fails with the command that builds the file when it is not there."""
    try:
        return dict(json.loads(gzip.decompress(PACKED.read_bytes())))
    except FileNotFoundError as missing:
        raise NoIcon("The assets are not built: run make setup.") from missing


@cache
def body(name: str) -> SafeString:
    """The inside of one icon. Safe to mark: the bytes come from the locked package only."""
    try:
        return mark_safe(bodies()[name])  # noqa: S308
    except KeyError as missing:
        raise NoIcon(name) from missing


def draw(name: str, css: str = "", label: str = "") -> SafeString:
    """An icon as decoration, or as an image with a name when *label* is given."""
    if label:
        speech = format_html('role="img" aria-label="{}"', label)
    else:
        speech = format_html('aria-hidden="{}"', "true")
    return format_html(FRAME, css, speech, body(name))
