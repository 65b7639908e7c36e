"""What people type for times and incidents, turned into what the API takes; asking for what is missing."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import typer

from tocsin.cli.failure import Failure, misused
from tocsin.engine.clock import SystemClock

_REF = re.compile(r"(INC-|CHG-|TEST-)?(?:(\d{4})-)?#?(\d{1,9})", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
OPEN_LIMIT = 200
NOT_FOR_YOU, NOT_THERE = 403, 404
NIGHT_ENDS = 6
EVENING = 18
"""Before six in the morning, a time from six in the evening on is the evening before."""


class Reader(Protocol):
    """What finding an incident needs of a client."""

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v1."""
        ...


def present() -> datetime:
    """The present instant."""
    return SystemClock().now()


def looks_like_reference(word: str) -> bool:
    """`7`, `2026-7`, `INC-2026-0007` or `CHG-2026-0007`, and nothing else."""
    return _REF.fullmatch(word.strip()) is not None


def moment(text: str | None, option: str, *, ahead: bool = False) -> str | None:
    """A time as it was typed, as the API wants it: ISO, or `13:05` meaning today in UTC.

    In the night `23:50` is what has been: yesterday's, unless the time asked for may lie `ahead`. Any other time that
    lies ahead stays today's, and the server refuses it. Raises Failure naming the option, also for a day alone.
    """
    if text is None:
        return None
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        now = present()
        today = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
        evening_before = not ahead and now.hour < NIGHT_ENDS and hour >= EVENING
        return (today - timedelta(days=1) if evening_before else today).isoformat()
    _refuse_day(text, option)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise misused(
            f"{option}: {text!r} is no time", "write 13:05 (UTC, today) or 2026-11-24T13:05Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def _refuse_day(text: str, option: str) -> None:
    """Midnight is hardly what somebody means who writes a day and no time."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return
    raise misused(f"{option}: {text!r} is a whole day: say the time too", f"write {day}T13:05Z")


_PART = r"([0-9]{1,6})\s*(min|[smhd])\s*"
_SPAN = re.compile(rf"(?:{_PART})+")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def seconds(text: str | None, option: str) -> int | None:
    """A length of time such as `25s`, `48m`, `1h 20m`, `3d` in seconds. Raises Failure naming the option."""
    if text is None:
        return None
    if _SPAN.fullmatch(text.strip()) is None:
        raise misused(f"{option}: {text!r} is no length of time", "write 25s, 48m, 1h 20m or 3d")
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))


def number_of(word: str, what: str) -> int:
    """A number that names a task, a check, an action ... Raises Failure."""
    if not (word.isascii() and word.isdigit() and 0 < int(word) < 10_000):
        raise misused(f"{word!r} is no number of a {what}", f"tocsin show lists each {what} with its number")
    return int(word)


def handle(text: str | None) -> str | None:
    """A person as the API names one: `@mei` and `mei` are the same."""
    return text.removeprefix("@") if text is not None else None


def find_incident(client: Reader, typed: str | None, stage: str = "open") -> str:
    """The full reference. Without one: the only incident of that stage. Raises Failure when that is not clear."""
    if typed is None:
        return _only_one(client, stage)
    shape = _REF.fullmatch(typed.strip())
    if shape is None:
        raise misused(f"{typed!r} is no reference", "a reference is INC-2026-0007, or its number: 7")
    prefix, year, number = shape.groups()
    if prefix and year:
        return f"{prefix.upper()}{year}-{int(number):04d}"
    tail = f"{year or present().year}-{int(number):04d}"
    for listed in ("open", "recorded"):
        for row in _listed(client, listed, tests=True):
            if row["ref"].endswith(tail) or (not year and int(row["ref"].rsplit("-", 1)[1]) == int(number)):
                return str(row["ref"])
    return f"{prefix.upper()}{tail}" if prefix else _whatever_kind(client, tail)


def _whatever_kind(client: Reader, tail: str) -> str:
    """One that is over, by its number: a planned change, if there is one of that number; else what calls people.

    One counter numbers both, and the incident is the one not asked for: a restricted one writes down who reads it.
    """
    change = f"CHG-{tail}"
    try:
        client.get(f"incidents/{change}")
    except Failure as failed:
        status = failed.problem.get("status")
        if status == NOT_THERE:
            return f"INC-{tail}"
        if status != NOT_FOR_YOU:
            raise
    return change


def _listed(client: Reader, stage: str, *, tests: bool = False) -> list[dict[str, Any]]:
    found = client.get("incidents", stage=stage, limit=OPEN_LIMIT, tests=tests or None)
    return list(found["incidents"])


def _only_one(client: Reader, stage: str) -> str:
    """The one of that stage; beside a single real one, drills do not count, and test pages beside any other."""
    listed = _listed(client, stage) or _listed(client, stage, tests=True)
    real = [row for row in listed if not row.get("drill")]
    rows = real if len(real) == 1 else listed
    if len(rows) == 1:
        return str(rows[0]["ref"])
    if not rows:
        raise Failure(f"no incident is {stage}", possible="name one: tocsin list shows all")
    names = ", ".join(row["ref"] for row in rows[:10])
    raise misused(f"{len(rows)} incidents are {stage}: {names}", "say which one you mean")


def split_reference(words: list[str]) -> tuple[str | None, list[str]]:
    """A leading reference, and the rest. `note 7 text` and `note text` both work."""
    if len(words) > 1 and looks_like_reference(words[0]):
        return words[0], words[1:]
    return None, words


def wanted(value: str | None, option: str, question: str) -> str:
    """The value; on a terminal it is asked for when missing, elsewhere the option is named."""
    if value is not None:
        return value
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise misused(f"{option} is missing", question)
    answer: str = typer.prompt(question, err=True)
    return answer
