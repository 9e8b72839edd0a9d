"""Take phone numbers and secrets out of a line of log.

The code logs ids and never numbers or texts; this stands behind it, for what a library or the
text of an exception may say. What is logged may be a stranger's choice, so no pattern looks back
over a text twice, and a long text is cut.
"""

from __future__ import annotations

import re

MASK = "***"
LONGEST = 16_384  # characters
# What holds many digits and is no phone number: these stay.
_KEPT = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    r"|(?<![0-9a-z])(?=[0-9]*[a-f])[0-9a-f]{16,64}(?![0-9a-z])"  # a digest, a request id
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?)?"
    r"|(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"  # an IPv4 address
    r"|(?<![0-9.])[0-9]{1,6}\.[0-9]{1,18}(?![0-9.])"  # a duration, a version
)
_GROUPED = r"\+?\(?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}(?![0-9])"
_NUMBERS = re.compile(rf"(?P<kept>{_KEPT})|(?<![0-9]){_GROUPED}", re.IGNORECASE)
_KEYS = (
    "password|passwd|secret(?:_key)?|number_key|token|authorization|cookie|set-cookie|"
    "csrf[a-z_]{0,40}|session(?:id)?|api_?key"
)
_SECRETS = re.compile(
    rf"""(?P<key>(?:{_KEYS})["']?\s*[:=]\s*)(?:(?:bearer|basic|token)\s+)?"""
    r"""(?:"[^"]*"?|'[^']*'?|[^\s"',;&}})]+)""",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(?P<key>://[^/\s:@]*:)[^/\s@]+(?=@)")
_ONCE = re.compile(r"(?P<key>/(?:signin|reset|receipts)/)[^/\s?\"']+")
_ROW = re.compile(r"(?P<key>(?:DETAIL|CONTEXT): )[^\n]*|(?P<row>Failing row contains )[^\n]*")


def masked(text: str) -> str:
    """*text* without phone numbers, secrets, one-time links and rows of the database."""
    text = _cut(text)
    text = _ROW.sub(lambda found: (found["key"] or found["row"]) + MASK, text)
    for pattern in (_SECRETS, _IN_ADDRESS, _ONCE):
        text = pattern.sub(rf"\g<key>{MASK}", text)
    return _NUMBERS.sub(lambda found: found["kept"] or MASK, text)


def _cut(text: str) -> str:
    """*text* up to a whole word: half a secret would not be known for one."""
    if len(text) <= LONGEST:
        return text
    words = text[:LONGEST].rsplit(maxsplit=1)
    return f"{words[0] if len(words) > 1 else ''} ... (cut: {len(text):,} characters)"
