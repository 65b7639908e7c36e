"""Small schedules and short ways to ask them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Adjustment, Change, Layer, Member, Rotation, Schedule, Shift

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    """`2026-03-29 01:00`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(people: str) -> tuple[tuple[str, ...], ...]:
    """`a b c+d -`: four slots, the third a group, the fourth a hole."""
    return tuple(() if slot == "-" else tuple(slot.split("+")) for slot in people.split())


def turns(start: str, unit: str, people: str, **more: object) -> Rotation:
    return Rotation(start.replace(" ", "T"), unit, slots(people), **more)  # type: ignore[arg-type]


def layer(content: Rotation | Iterable[Shift], name: str = "only", tz: str = "UTC", **more: object) -> Layer:
    given = {"priority": 0, **more}
    if isinstance(content, Rotation):
        return Layer(name, tz=tz, rotation=content, **given)  # type: ignore[arg-type]
    return Layer(name, tz=tz, shifts=tuple(content), **given)  # type: ignore[arg-type]


def always(people: str, name: str = "always", **more: object) -> Layer:
    """The same people at every hour since 2020."""
    return layer(turns("2020-01-06 00:00", "week", people), name, **more)


def rota(
    *layers: Layer,
    fixes: Iterable[Adjustment] = (),
    members: Iterable[Member] = (),
    tz: str = "UTC",
    **more: object,
) -> Rota:
    """One schedule `ops`."""
    schedule = Schedule("ops", tz, layers, tuple(fixes), **more)  # type: ignore[arg-type]
    return Rota([schedule], members=members)


def who(found: Rota, at: str | datetime) -> str:
    """Who is on call in `ops`, `-` for nobody."""
    people = found.who("ops", utc(at) if isinstance(at, str) else at)
    return " ".join(people) or "-"


def shown(found: Rota, start: str, end: str, tz: str = "UTC") -> list[str]:
    """The final schedule, an interval a line: when it begins on the clock of a zone, and who."""
    intervals = found.final("ops", utc(start), utc(end))
    zone = ZoneInfo(tz)
    return [f"{i.start.astimezone(zone):%d %H:%M} {' '.join(i.people) or '-'}" for i in intervals]


def fix(seq: int, kind: str, start: str, end: str, **more: object) -> Adjustment:
    return Adjustment(seq, kind, utc(start), utc(end), **more)  # type: ignore[arg-type]


def change(at: str, people: str | None = None, **more: object) -> Change:
    return Change(utc(at), slots=None if people is None else slots(people), **more)  # type: ignore[arg-type]


def shift(people: str, start: str, end: str) -> Shift:
    return Shift(tuple(people.split()), utc(start), utc(end))
