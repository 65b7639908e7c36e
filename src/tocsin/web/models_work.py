"""Bodies of the verbs about what is said, done and owed.

Some verbs do several things, named by `do`; `PARTS` says which fields belong to each, and `fitting` refuses the others
by name.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from tocsin.web.models import Body, Day, Handle, Instant, Line, Number, Prose, Seconds, Word

POINTS_LIMIT: Final = 50
READERS_LIMIT: Final = 50
DAY_MINUTES: Final = 24 * 60
YEAR_S: Final = 366 * 24 * 3600


class Parts(NamedTuple):
    """The fields of one thing that a verb can do: those it needs, and those it may have."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


def misfits(body: Body) -> list[tuple[str, str]]:
    """Fields that are missing for what is to be done, or do not belong to it, each with the reason."""
    parts: dict[str, Parts] = getattr(body, "PARTS", {})
    if not parts:
        return []
    do = str(getattr(body, "do", ""))
    needs, may = parts[do]
    given = [
        name
        for name, field in type(body).model_fields.items()
        if name != "do" and getattr(body, name) != field.default
    ]
    missing = [(name, f"is missing: {do} needs it") for name in needs if getattr(body, name) is None]
    strange = [(name, f"does not belong to {do}") for name in given if name not in (*needs, *may)]
    return [*missing, *strange]


# --- what is said ---------------------------------------------------------------------------------------------------


class Note(Body):
    text: Prose
    at: Instant | None = None
    replaces: Number | None = None


class Report(Body):
    text: Prose
    source: Line = ""


class Propose(Body):
    text: Prose


class Decide(Body):
    decision: Prose
    why: Prose = ""
    objections: StrictBool = False
    proposal: Number | None = None


class Suspect(Body):
    what: Prose
    author: Handle | None = None
    happened: Instant | None = None


class Shadow(Body):
    person: Handle | None = None
    leave: StrictBool = False


class Restrict(Body):
    codename: Line | None = None
    readers: Annotated[list[Handle], Field(max_length=READERS_LIMIT, default_factory=list)]
    lift: StrictBool = False
    reason: Prose = ""


class Evidence(Body):
    """What is said of a file that was sent."""

    digest: str
    size: int
    media_type: str
    name: Line
    note: Prose = ""


# --- work -----------------------------------------------------------------------------------------------------------


class Task(Body):
    PARTS: ClassVar[dict[str, Parts]] = {
        "open": Parts(("text",), ("owner", "minutes", "db_change", "second")),
        "assign": Parts(("task", "owner")),
        "approve": Parts(("task",)),
        "start": Parts(("task",)),
        "done": Parts(("task",), ("result",)),
        "drop": Parts(("task", "reason")),
    }
    do: Literal["open", "assign", "approve", "start", "done", "drop"]
    task: Number | None = None
    text: Prose | None = None
    owner: Handle | None = None
    minutes: Annotated[StrictInt, Field(ge=1, le=DAY_MINUTES)] | None = None
    db_change: StrictBool = False
    second: StrictBool = False
    result: Prose | None = None
    reason: Prose | None = None


class PointAnswer(Body):
    answer: Literal["ok", "failed", "exception"]
    evidence: Prose


class Gate(Body):
    PARTS: ClassVar[dict[str, Parts]] = {
        "check": Parts(("answers",), ("gate", "restore_point")),
        "confirm": Parts(("check",)),
        "override": Parts(("task", "reason")),
        "point": Parts(("restore_point",), ("note",)),
    }
    do: Literal["check", "confirm", "override", "point"]
    gate: Word | None = None
    answers: Annotated[list[PointAnswer], Field(max_length=POINTS_LIMIT)] | None = None
    restore_point: Instant | None = None
    check: Number | None = None
    task: Number | None = None
    reason: Prose | None = None
    note: Prose | None = None


class Restored(Body):
    kind: Line
    source: Line
    target: Line
    reason: Prose
    validation: Prose
    passed: StrictBool
    rpo_s: Seconds | None = None
    rto_s: Seconds | None = None


# --- what is owed ---------------------------------------------------------------------------------------------------


class Legal(Body):
    PARTS: ClassVar[dict[str, Parts]] = {
        "start": Parts(("regime", "aware"), ("limit_s", "owner", "reason")),
        "decide": Parts(("regime", "decision", "reason")),
    }
    do: Literal["start", "decide"]
    regime: Word
    aware: Instant | None = None
    limit_s: Annotated[StrictInt, Field(ge=60, le=YEAR_S)] | None = None
    owner: Handle | None = None
    decision: Literal["notified", "not notifiable"] | None = None
    reason: Prose | None = None


class Statement(Body):
    PARTS: ClassVar[dict[str, Parts]] = {
        "draft": Parts(("audience", "text", "data")),
        "approve": Parts(("statement",)),
        "sent": Parts(("statement", "where")),
    }
    do: Literal["draft", "approve", "sent"]
    statement: Number | None = None
    audience: Line | None = None
    text: Prose | None = None
    data: Prose | None = None
    where: Line | None = None


Kind = Literal["prevent", "detect", "mitigate", "process"]


class Action(Body):
    PARTS: ClassVar[dict[str, Parts]] = {
        "add": Parts(("text",), ("kind", "owner", "due")),
        "change": Parts(("action",), ("kind", "owner", "due")),
        "prove": Parts(("action", "proof")),
        "drop": Parts(("action", "reason")),
    }
    do: Literal["add", "change", "prove", "drop"]
    action: Number | None = None
    text: Prose | None = None
    kind: Kind | None = None
    owner: Handle | None = None
    due: Day | None = None
    proof: Prose | None = None
    reason: Prose | None = None


def is_inside(value: str) -> bool:
    """Whether it is a path inside the repository, and no web address."""
    inside = not urlsplit(value.strip()).scheme and not value.startswith("/")
    return inside and ".." not in PurePosixPath(value).parts


def _is_address(value: str) -> bool:
    found = urlsplit(value.strip())
    return found.scheme in {"http", "https"} and bool(found.netloc)


def _address(value: str) -> str:
    """A web address; empty is for the domain to refuse."""
    if value.strip() and not _is_address(value):
        raise ValueError("an http(s) address")
    return value


def _place(value: str) -> str:
    """A web address, or a path inside the repository; empty is for the domain to refuse."""
    if not is_inside(value) and not _is_address(value):
        raise ValueError("an http(s) address, or a path inside the repository")
    return value


class Ticket(Body):
    where: Annotated[Line, AfterValidator(_address)]


class Postmortem(Body):
    where: Annotated[Line, AfterValidator(_place)]
