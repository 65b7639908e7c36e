"""Commands that do one of several things: `tocsin task 7 start 2`. Which incident, which thing, what it is about."""

from __future__ import annotations

from tocsin.cli.asked import looks_like_reference
from tocsin.cli.failure import misused

Verbs = dict[str, str]
"""What can be done, each with the names of the words that it takes: `{"assign": "N HANDLE"}`."""


def take_apart(words: list[str], verbs: Verbs) -> tuple[str | None, str, list[str]]:
    """`[REF] VERB WORD...` as reference, verb and its words, as many as `verbs` says. Raises Failure."""
    rest = list(words)
    ref = rest.pop(0) if rest and rest[0] not in verbs and looks_like_reference(rest[0]) else None
    known = ", ".join(verbs)
    if not rest:
        raise misused(f"what is to be done is missing: one of {known}", "put it behind the reference")
    verb = rest.pop(0)
    if verb not in verbs:
        raise misused(f"{verb!r} is none of {known}", "the first word (behind the reference) says what to do")
    if len(rest) != len(verbs[verb].split()):
        wanted = f"[REF] {verb} {verbs[verb]}".rstrip()
        raise misused(
            f"expected {wanted}, got {len(rest)} words behind {verb}", "put text with spaces into quotes"
        )
    return ref, verb, rest
