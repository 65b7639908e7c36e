"""Bodies about schedules: overrides, taking the pager. A time is an instant, or a reading of the schedule's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from tocsin.domain.readings import after_jump, instants_of, with_offset
from tocsin.web.models import Body, Handle, Line, Word, instant
from tocsin.wiring.overrides import Unfit

PEOPLE_LIMIT: Final = 50
WHEN: Final = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[T ](?:[01][0-9]|2[0-4]):[0-5][0-9]"
    r"(?::[0-5][0-9](?:\.[0-9]{1,6})?)?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?$"
)


def _a_time(value: str) -> str:
    """Raises ValueError for what no calendar has."""
    if value[11:13] == "24":
        raise ValueError("a day ends at 00:00 of the next one here: write that instead of 24:00 (T8)")
    at = datetime.fromisoformat(value)
    if at.tzinfo is not None:
        instant(value)
    elif at.year not in range(2000, 2200):
        raise ValueError("no time of the years 2000 to 2199")
    return value


When = Annotated[
    str,
    Field(pattern=WHEN, examples=["2026-03-29T01:00Z", "2026-03-29T09:00"]),
    AfterValidator(_a_time),
]
Version = Annotated[StrictInt, Field(ge=0, le=2**53)]


class Changing(Body):
    """What all changes of a schedule share."""

    reason: Line = ""
    preview: StrictBool = False
    confirm: StrictBool = False
    expect: Version | None = None


class Override(Changing):
    kind: Literal["set", "replace", "add", "remove"]
    start: When
    end: When
    users: Annotated[list[Handle], Field(default_factory=list, max_length=PEOPLE_LIMIT)]
    remove: Handle | None = None
    add: Handle | None = None
    layer: Word | None = None


class TakePager(Changing):
    until: When | None = None


def instant_of(value: str, field: str, zone: str) -> datetime:
    """The instant that was meant; without an offset it is what the clock of the zone shows.

    Raises Unfit where that clock jumps over it, proposing the jump, or shows it twice, asking which (T9).
    """
    at = datetime.fromisoformat(value)
    if at.tzinfo is not None:
        return instant(value)
    found = instants_of(at.replace(second=0, microsecond=0), zone)
    shown = f"{at:%Y-%m-%dT%H:%M}"
    if not found:
        jump = with_offset(after_jump(at, zone), zone)
        raise Unfit(field, f"{shown} does not exist in {zone}: the clock jumps over it (T9)", f"write {jump}")
    if len(found) > 1:
        both = " or ".join(with_offset(one, zone) for one in found)
        raise Unfit(field, f"{shown} happens twice in {zone}: say which (T9)", f"write {both}")
    return found[0]
