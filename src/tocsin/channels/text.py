"""Text from outside made harmless before it reaches a header, a terminal or another program.

Every incident title, note and provider answer counts as hostile (design 27). Removed are control characters (C0, DEL,
C1: line breaks that end a header, escapes that drive a terminal), the bidirectional controls and zero-width marks of
Unicode (which make a line read differently from what it is), line and paragraph separators, and lone surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
BODY_LIMIT = 200_000
"""Characters of a body; more is cut, and the cut is said."""
LINE_LIMIT = 300
"""Characters of a header or a reason."""

_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_SURROGATES = "\ud800-\udfff"
_NOT_IN_BODY = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_INVISIBLE}{_SURROGATES}]")
_BREAKS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")


def clean_body(text: str, limit: int = BODY_LIMIT) -> str:
    """Many lines, ended by line feeds; tabs stay. A longer text is cut at `limit` characters and says so."""
    if len(text) > limit:
        text = text[:limit] + f"\n[cut after {limit} characters]"
    return _NOT_IN_BODY.sub("", _BREAKS.sub("\n", text))


def clean_line(text: str, limit: int = LINE_LIMIT) -> str:
    """One line of at most `limit` characters, every run of white space and breaks a single space."""
    line = _SPACES.sub(" ", clean_body(text[: limit * 4])).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_links(links: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The links whose address is a plain http, https or mailto one; labels as one line."""
    return [(clean_line(label, 80), url) for label, url in links if _is_plain_link(url)]


def _is_plain_link(url: str) -> bool:
    if not url.isprintable() or " " in url or not url.isascii():
        return False
    try:
        return urlsplit(url).scheme in LINK_SCHEMES
    except ValueError:
        return False


def without(text: str, secrets: Iterable[str | None]) -> str:
    """The text with every one of these secrets replaced by three stars."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
