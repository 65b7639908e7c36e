"""The values of a policy block, each read with its place: a getter gives the value, or notes what is wrong with it.

Here: texts, numbers, durations, clocks, days, zones, instants, handles, targets. Not here: what they make up
(`block_schedules`, `block_paging`). A getter that finds something wrong gives a harmless value; whoever reads a whole
thing looks at `Page.wrongs` afterwards and leaves it out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tocsin.domain.oncall.wall import minute, moment, zone
from tocsin.domain.source import Source
from tocsin.handbook.block_lines import Path, nearest_line
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import Duration, read_duration

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YEARS = range(1973, 2200)
"""Before 1973 zones had odd seconds (T12); near the end of the calendar nothing can be computed."""
LONGEST_TEXT = 60

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOTHING = re.compile(r"0+ ?(?:s|m|min|h)")


@dataclass(frozen=True, slots=True)
class Known:
    """What a block may name: the roster, roles, levels, the seats of the prose table, and all that blocks define."""

    handles: frozenset[str] = frozenset()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Role key to the handles of those who may act as it."""
    role_words: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    """Severity labels as they may be written, squashed, to the label itself."""
    seats: frozenset[str] = frozenset()
    schedules: frozenset[str] = frozenset()
    escalations: frozenset[str] = frozenset()
    services: Mapping[str, str] = field(default_factory=dict)
    """Names without case to the names as defined."""


@dataclass(slots=True)
class Page:
    """One block: the file, the line before its first, where its keys stand, and what was wrong with it so far."""

    file: str
    fence: int
    lines: dict[Path, int]
    known: Known
    notes: Notebook
    home: str | None = None
    """The zone in which hours are meant that name none and belong to no schedule."""
    wrongs: int = 0

    def source(self, path: Path) -> Source:
        """Where a key stands in the document."""
        return Source(self.file, self.fence + nearest_line(self.lines, path))

    def wrong(self, rule: str, path: Path, what: str, repair: str, number: str = "") -> None:
        """Note a finding at a key; `number` is the rule of docs/reference/oncall.md."""
        self.wrongs += 1
        told = f"{dotted(path)}: {what}{f' ({number})' if number else ''}"
        self.notes.found(rule, self.source(path), told, repair)


def dotted(path: Path) -> str:
    """A path as it would be written: `schedule.platform.layer[1].name`, places counted from 1."""
    said = ""
    for part in path:
        if isinstance(part, int):
            said += f"[{part + 1}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part) is not None
            said += ("." if said else "") + (part if plain else shown(part))
    return said or "the block"


def shown(value: Any) -> str:
    """A value as a message names it: short, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < 10**18 else "a very large number"
        case str():
            return repr(value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…")
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return repr(value)[:LONGEST_TEXT]


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to write instead: the known word that is nearest, else all of them."""
    words = sorted(known)
    close = difflib.get_close_matches(word[:LONGEST_TEXT], words, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    listed = ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")
    return otherwise or (f"known here: {listed}" if listed else "leave it out")


def has_zone(name: str) -> bool:
    """Whether the zone database knows the name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class Table:
    """A table of a block with its place."""

    def __init__(self, page: Page, path: Path, values: Mapping[str, Any]) -> None:
        self.page = page
        self.path = path
        self.values = values

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def source(self, *path: str | int) -> Source:
        """Where the table, or a key of it, stands."""
        return self.page.source((*self.path, *path))

    def wrong(self, rule: str, at: str | Path, what: str, repair: str, number: str = "") -> None:
        """Note a finding at a key of this table, or at a path below it."""
        path = (at,) if isinstance(at, str) else at
        self.page.wrong(rule, (*self.path, *path), what, repair, number)

    def only(self, known: Sequence[str]) -> None:
        """Note every key that is none of `known`."""
        for key in self.values:
            if key not in known:
                self.wrong("block-key", key, "this key is not known here", nearest(key, known))

    def _typed(self, key: str, kind: type, called: str) -> Any:
        value = self.values[key]
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        repair = f"write {called}"
        if isinstance(value, datetime | date) and kind is str:
            repair = f'put it in quotes: "{value:%Y-%m-%d}T..."'
        self.wrong("block-value", key, f"{shown(value)} is not {called}", repair)
        return None

    def missing(self, key: str, repair: str) -> None:
        """Note that a key is needed."""
        self.wrong("block-value", (), f"{key} is missing", repair)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that says something; without a default the key is needed."""
        if key not in self.values:
            if default is None:
                self.missing(key, f'add {key} = "..."')
            return default or ""
        value = self._typed(key, str, "a text in quotes")
        if value is not None and not value.strip():
            self.wrong("block-value", key, "the text is empty", "write something, or leave the key out")
        return value or ""

    def choice(self, key: str, options: Sequence[str], default: str | None = None, number: str = "") -> str:
        """One of the words in `options`."""
        if key not in self.values:
            if default is None:
                self.missing(key, f'add {key} = "{options[0]}" ({", ".join(options)})')
            return default or options[0]
        value = self._typed(key, str, f"one of {', '.join(options)}")
        if value is not None and value not in options:
            known = ", ".join(options)
            self.wrong(
                "block-value", key, f"{shown(value)} is none of {known}", nearest(value, options), number
            )
        return value if value in options else options[0]

    def whole(self, key: str, span: range, default: int | None = None, number: str = "") -> int:
        """A whole number within `span`."""
        if key not in self.values:
            if default is None:
                self.missing(key, f"add {key} = {span[0]}")
            return span[0] if default is None else default
        value = self._typed(key, int, "a whole number")
        if value is not None and value not in span:
            self.wrong(
                "block-value",
                key,
                f"{shown(value)} is not between {span[0]} and {span[-1]}",
                "write a number of that span",
                number,
            )
        return value if value is not None and value in span else span[0]

    def flag(self, key: str, *, default: bool) -> bool:
        """`true` or `false`."""
        value = self._typed(key, bool, "true or false") if key in self.values else None
        return default if value is None else bool(value)

    def seconds(self, key: str, least: int, default: int | None = None, number: str = "") -> int:
        """A duration as in prose, `5m` or `1h30m`, of at least `least` seconds."""
        if key not in self.values:
            if default is None:
                self.missing(key, f'add {key} = "5m"')
            return default or least
        value = self._typed(key, str, 'a duration like "5m"')
        if value is None:
            return least
        if _NOTHING.fullmatch(value):
            found: int | None = 0
        else:
            duration = read_duration(value)
            plain = isinstance(duration, Duration) and duration.comparison is None
            found = duration.seconds if plain and isinstance(duration, Duration) else None
        if found is None:
            what, repair = f"{shown(value)} is no duration", 'write a number and a unit: "5m", "1h30m"'
            self.wrong("block-value", key, what, repair, number)
        elif found < least:
            repair = f'write at least "{least // 60}m"'
            self.wrong("block-value", key, f"{shown(value)} is too short", repair, number)
        return least if found is None or found < least else found

    def clock(self, key: str, *, end: bool = False) -> str:
        """A time of day `HH:MM`; `24:00` only as an end (T8)."""
        if key not in self.values:
            self.missing(key, f'add {key} = "09:00"')
            return "00:00"
        value = self._typed(key, str, 'a time of day like "09:00"')
        if value is None or _CLOCK.fullmatch(value) or (end and value == "24:00"):
            return value or "00:00"
        repair = (
            "24:00 ends a span: write 00:00 to begin one" if value == "24:00" else 'write it like "09:00"'
        )
        self.wrong("block-value", key, f"{shown(value)} is no time of day here", repair, "T8")
        return "00:00"

    def day(self, key: str) -> int:
        """A day of the week as a number, 0 = Monday."""
        return DAYS.index(self.choice(key, DAYS))

    def days(self, key: str) -> tuple[int, ...]:
        """Days of the week, sorted; absent is empty and means every day."""
        if key not in self.values:
            return ()
        found = [word for word, path in self.texts(key) if self._is_day(word, path)]
        if not self.values[key]:
            self.wrong("block-value", key, "no day at all is named", "name days, or leave the key out", "W1")
        return tuple(sorted({DAYS.index(word) for word in found}))

    def _is_day(self, word: str, path: Path) -> bool:
        if word not in DAYS:
            self.wrong("block-value", path, f"{shown(word)} is no day", nearest(word.lower()[:3], DAYS), "W1")
        return word in DAYS

    def zone(self, key: str, default: str | None = None, also: Sequence[str] = ()) -> str | None:
        """A time zone by its IANA name (T11)."""
        if key not in self.values:
            return default
        value: str | None = self._typed(key, str, "the name of a time zone")
        if value is None or value in also or has_zone(value):
            return value
        repair = nearest(value, available_timezones(), "use an IANA name, e.g. Europe/Stockholm")
        self.wrong("zone-unknown", key, f"{shown(value)} is no known time zone", repair, "T11")
        return default

    def instant(self, key: str, zone: str | None, *, needed: bool = False) -> datetime | None:
        """An instant `YYYY-MM-DDTHH:MMZ` (T9); for one without a zone the repair names what it would be in `zone`."""
        if key not in self.values:
            if needed:
                self.missing(key, f'add {key} = "2026-03-29T01:00Z"')
            return None
        value = self._typed(key, str, 'an instant like "2026-03-29T01:00Z"')
        if value is None:
            return None
        found = _INSTANT.fullmatch(value)
        local = _moment(value[:16]) if found else None
        if found is None or local is None:
            self._no_moment(key, value, 'write it like "2026-03-29T01:00Z", in whole minutes')
            return None
        if found["zone"] != "Z":
            repair = _in_utc(value, local, found["zone"], zone)
            what = f"{shown(value)} is no instant: it needs the Z of UTC"
            self.wrong("block-time", key, what, repair, "T9")
            return None
        return local.replace(tzinfo=UTC) if self._in_range(key, value, local) else None

    def reading(self, key: str) -> str:
        """A local reading `YYYY-MM-DDTHH:MM`: what a clock on the wall shows."""
        value: str | None = self._typed(key, str, 'a local reading like "2026-01-12T09:00"')
        if value is None:
            return ""
        found = _INSTANT.fullmatch(value)
        local = _moment(value[:16]) if found else None
        if found is None or local is None:
            self._no_moment(key, value, 'write it like "2026-01-12T09:00"')
        elif found["zone"] is not None:
            what = f"{shown(value)} is an instant, where the clock on the wall is meant"
            self.wrong("block-time", key, what, f'write it without a zone: "{value[:16]}"', "R1")
        else:
            self._in_range(key, value, local)
        return value

    def date(self, value: str, path: Path) -> str:
        """An ISO date that exists, within the years that can be computed."""
        local = _moment(f"{value}T00:00") if _DATE.fullmatch(value) else None
        if local is None:
            repair = 'write it like "2026-12-24"'
            self.wrong("block-time", path, f"{shown(value)} is no date", repair, "W6")
        else:
            self._in_range(path, value, local)
        return value

    def _no_moment(self, key: str, value: str, repair: str) -> None:
        self.wrong("block-time", key, f"{shown(value)} is no date with a time of day", repair, "T8")

    def _in_range(self, at: str | Path, value: str, local: datetime) -> bool:
        if local.year not in YEARS:
            what = f"{shown(value)} is outside of the years {YEARS[0]} to {YEARS[-1]}"
            self.wrong("block-time", at, what, "correct the year", "T12")
        return local.year in YEARS

    def texts(self, key: str) -> list[tuple[str, Path]]:
        """The texts of a list, each with its path; absent is empty."""
        values = self._typed(key, list, "a list") if key in self.values else None
        found: list[tuple[str, Path]] = []
        for index, value in enumerate(values or ()):
            if isinstance(value, str):
                found.append((value, (key, index)))
            else:
                what, repair = f"{shown(value)} is not a text in quotes", "write a text in quotes"
                self.wrong("block-value", (key, index), what, repair)
        return found

    def handle(self, value: str, path: Path) -> str:
        """A handle that the roster holds."""
        known = self.page.known.handles
        if value not in known:
            what = f"{shown(value)} is not in the roster"
            self.wrong("block-person", path, what, nearest(value, known, "add the person to the roster"))
        return value

    def handles(self, key: str, number: str = "") -> tuple[str, ...]:
        """A list of handles, each once."""
        return self.each_once([(self.handle(word, path), path) for word, path in self.texts(key)], number)

    def each_once(self, words: list[tuple[str, Path]], number: str = "") -> tuple[str, ...]:
        """The words; one that is named twice is noted."""
        seen: set[str] = set()
        for word, path in words:
            if word in seen:
                self.wrong("block-value", path, f"{shown(word)} is named twice", "name it once", number)
            seen.add(word)
        return tuple(dict.fromkeys(word for word, _ in words))

    def table(self, key: str) -> Table | None:
        """The table below a key, or None."""
        values = self._typed(key, dict, "a table") if key in self.values else None
        return None if values is None else Table(self.page, (*self.path, key), values)

    def tables(self, key: str) -> list[Table]:
        """The tables of a list."""
        values = self._typed(key, list, "a list of tables") if key in self.values else None
        found = []
        for index, value in enumerate(values or ()):
            if isinstance(value, dict):
                found.append(Table(self.page, (*self.path, key, index), value))
            else:
                self.wrong("block-value", (key, index), f"{shown(value)} is not a table", "write { ... }")
        return found

    def named(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables below a table of names: `[person.jonas]`."""
        below = self.table(key)
        for name in below.values if below else ():
            entry = below.table(name) if below else None
            if entry is not None:
                yield name, entry


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - a reading, not an instant
    except ValueError:
        return None


def _in_utc(value: str, local: datetime, offset: str | None, name: str | None) -> str:
    """Which instant a reading would be: of its own offset, else in the zone that holds there."""
    if local.year not in YEARS:
        return "write the instant in UTC, with a Z at the end"
    if offset is not None:
        sign = -1 if offset[0] == "-" else 1
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        return f'write "{_utc(local - sign * timedelta(minutes=minutes))}"'
    if name is None or not has_zone(name):
        return f'write the instant in UTC; if that is what was meant: "{value}Z"'
    readings = instants_of(local, name)
    if len(readings) > 1:
        return f'in {name} that happens twice: write "{_utc(readings[0])}" or "{_utc(readings[1])}"'
    there = readings[0].astimezone(ZoneInfo(name)).replace(tzinfo=None)
    if there != local:
        jump = f"the clock goes to {there:%H:%M}"
        return f'in {name} that never happens, {jump}: write "{_utc(readings[0])}" for that instant'
    return f'if it is meant in {name}, write "{_utc(readings[0])}"'


def _utc(local: datetime) -> str:
    return f"{local:%Y-%m-%dT%H:%M}Z"


def instants_of(reading: datetime, name: str) -> list[datetime]:
    """The instants at which the clock shows a reading; for one that a change skips, the instant of the change (T2)."""
    place = ZoneInfo(name)
    passes = sorted({reading.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)})
    shown_then = [u for u in passes if u.astimezone(place).replace(tzinfo=None) == reading]
    return shown_then or [moment(zone(name).first(minute(reading.replace(tzinfo=UTC))))]
