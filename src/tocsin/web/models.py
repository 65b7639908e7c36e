"""Bodies that the API accepts. Unknown fields and wrong types are refused by name; text is checked, never changed.

Control characters (other than line break and tab) and lone surrogates are refused. Bidi marks and emoji are text like
any other: whoever shows them makes them inert.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from tocsin.domain.lifecycle import TITLE_LIMIT
from tocsin.domain.people import RIGHTS, Permission

WORD_LIMIT: Final = 64
LINE_LIMIT: Final = 300
TEXT_LIMIT: Final = 10_000

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PATTERN: Final = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"
_HANDLE: Final = r"^@?[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_YEARS: Final = range(2000, 2200)


def clean(value: str) -> str:
    """The text as it is. Raises ValueError naming the first character that is not text."""
    found = _FORBIDDEN.search(value)
    if found:
        raise ValueError(
            f"holds the control character U+{ord(found.group()):04X} at position {found.start()}"
        )
    return value


def instant(value: Any) -> datetime:
    """An instant written as ISO 8601 with its offset. Raises ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError("write an instant as text, such as 2026-03-29T01:00:00Z")  # noqa: TRY004  # pydantic's word
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no instant with an offset, such as 2026-03-29T01:00:00Z") from None
    if at.year not in _YEARS:
        raise ValueError(f"no instant of the years {_YEARS.start} to {_YEARS.stop - 1}")
    return at


def day(value: Any) -> date:
    """A day written as ISO 8601. Raises ValueError otherwise."""
    try:
        if not isinstance(value, str) or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
            raise ValueError
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError("no day, such as 2026-03-29") from None
    if found.year not in _YEARS:
        raise ValueError(f"no day of the years {_YEARS.start} to {_YEARS.stop - 1}")
    return found


def _without_at(value: str) -> str:
    return value.removeprefix("@")


_TEXT_SCHEMA: dict[str, Any] = {"pattern": _PATTERN}
Line = Annotated[str, AfterValidator(clean), Field(max_length=LINE_LIMIT, json_schema_extra=_TEXT_SCHEMA)]
Title = Annotated[str, AfterValidator(clean), Field(max_length=TITLE_LIMIT, json_schema_extra=_TEXT_SCHEMA)]
Prose = Annotated[str, AfterValidator(clean), Field(max_length=TEXT_LIMIT, json_schema_extra=_TEXT_SCHEMA)]
Word = Annotated[str, AfterValidator(clean), Field(max_length=WORD_LIMIT, json_schema_extra=_TEXT_SCHEMA)]
Handle = Annotated[str, Field(pattern=_HANDLE), AfterValidator(_without_at)]
Instant = Annotated[
    datetime,
    BeforeValidator(instant, json_schema_input_type=str),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-03-29T01:00:00Z"]}),
]
Day = Annotated[
    date,
    BeforeValidator(day, json_schema_input_type=str),
    Field(json_schema_extra={"format": "date", "examples": ["2026-03-29"]}),
]
REFERENCE: Final = r"^(?:INC|CHG|TEST)-[0-9]{4}-[0-9]{4,9}$"
Ref = Annotated[str, Field(pattern=REFERENCE)]
Number = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
Seconds = Annotated[StrictInt, Field(ge=0, le=10 * 366 * 24 * 3600)]


class Body(BaseModel):
    """What every body has in common: nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Declare(Body):
    title: Title
    sev: Word | None = None
    service: Word | None = None
    detected: Instant | None = None
    impact_start: Instant | None = None
    kind: Literal["incident", "near-miss", "change"] = "incident"
    drill: StrictBool = False
    follows: Ref | None = None


class Ack(Body):
    pass


class Confirm(Body):
    title: Title | None = None
    sev: Word | None = None


class Take(Body):
    role: Word = "ic"


class Role(Body):
    role: Word
    person: Handle


class Handoff(Body):
    role: Word = "ic"
    to: Handle


class Accept(Body):
    role: Word = "ic"


class Severity(Body):
    level: Word
    reason: Prose = ""


class Time(Body):
    name: Literal["impact_start", "detected", "declared", "acked", "mitigated", "impact_end", "resolved"]
    at: Instant
    because: Prose
    was: Instant | None = None


class Reopen(Body):
    reason: Prose


class Merge(Body):
    into: Ref
    reason: Prose = ""


class Update(Body):
    impact: Prose
    eta: Line
    next_steps: Prose


class Mitigate(Body):
    evidence: Prose


class Resolve(Body):
    confirmed: Prose
    impact_ended: Prose
    errors_normal: Prose
    impact_end: Instant | None = None


class Close(Body):
    pass


class Dismiss(Body):
    reason: Prose


def _standing(value: str) -> str:
    if value not in RIGHTS:
        raise ValueError(f"one of {', '.join(RIGHTS)}")
    return value


GRANTABLE: Final = tuple(p.value for p in Permission if p != Permission.ACT_AS)
"""Scopes that a token may have; acting for others is the local operator's alone."""


def _scope(value: str) -> str:
    if value not in GRANTABLE:
        raise ValueError(f"one of {', '.join(GRANTABLE)}")
    return value


RESERVED: Final = frozenset({"operator", "tocsin"})
"""Who acts where no person does: nobody may be called so."""
_ADDRESS: Final = r"""^[^\s@<>"'(),:;\[\]\\]+@[^\s@<>"'(),:;\[\]\\]+$"""


def _new_handle(value: str) -> str:
    if value.lower() in RESERVED:
        raise ValueError("is how tocsin calls itself and the local operator")
    return value


def _address(value: str) -> str:
    if re.fullmatch(_ADDRESS[1:-1], value) is None:
        raise ValueError("is no e-mail address, such as sam@acme.example")
    return value


class User(Body):
    handle: Annotated[Handle, AfterValidator(_new_handle)]
    name: Line | None = None
    email: (
        Annotated[
            str,
            AfterValidator(clean),
            AfterValidator(_address),
            Field(max_length=LINE_LIMIT, json_schema_extra={"pattern": _ADDRESS}),
        ]
        | None
    ) = None
    phone: Word | None = None
    chat: Word | None = None
    standing: Annotated[str, AfterValidator(_standing), Field(json_schema_extra={"enum": list(RIGHTS)})] = (
        "responder"
    )


Scope = Annotated[str, AfterValidator(_scope), Field(json_schema_extra={"enum": list(GRANTABLE)})]


class Token(Body):
    person: Handle | None = None
    label: Line = ""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(GRANTABLE))]
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=3650)] | None = None


class Backup(Body):
    file: Annotated[
        str, AfterValidator(clean), Field(min_length=1, max_length=4096, json_schema_extra=_TEXT_SCHEMA)
    ]


class Nothing(Body):
    pass
