"""Bodies of the verbs that call people: escalate, snooze, pass on, call further people in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tocsin.web.models import Body, Handle, Instant, Line, Seconds, Title, Word

CALLED_AT_ONCE = 20
"""How many people one command may call in."""


class Escalate(Body):
    reason: Line


class Snooze(Body):
    until: Instant | None = None
    for_s: Seconds | None = None
    reason: Line


class Renew(Body):
    pass


class Unack(Body):
    reason: Line


class PassOn(Body):
    reason: Line = "passed on"


class Call(Body):
    people: Annotated[list[Word], Field(min_length=1, max_length=CALLED_AT_ONCE)]
    reason: Line


class Reassign(Call):
    pass


class PageByHand(Body):
    to: Annotated[list[Word], Field(min_length=1, max_length=CALLED_AT_ONCE)]
    """Handles, or names of schedules; `schedule:<name>`, `person:<handle>` and `role:<key>` say which."""
    text: Title
    sev: Word | None = None


class PageTest(Body):
    person: Handle | None = None


class Contact(Body):
    channel: Word
    address: Line
    person: Handle | None = None


class Verification(Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    person: Handle | None = None
