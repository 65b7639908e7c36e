"""The slow resolver itself: where it skips minutes it says what it says without skipping, and T1 to T3 hold in it."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from oncall_reference.cases import ZONES, case
from oncall_reference.clocks import Literal, Skipping, changes, instant, reading, shown, wall
from oncall_reference.resolver import Reference
from tocsin.domain.schedules import Layer, Rotation, Schedule

BERLIN, SAO_PAULO, LORD_HOWE, APIA = (
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)


def utc(minutes: int) -> str:
    return f"{instant(minutes):%Y-%m-%dT%H:%MZ}"


@pytest.mark.parametrize("tz", ZONES)
def test_skipping_finds_what_looking_at_every_minute_finds(tz: str) -> None:
    random = Random(tz)
    moments = changes(tz) or (reading("2024-02-29T12:00"),)
    for _ in range(12):
        at = wall(tz, random.choice(moments)) + random.choice(
            (-60, -59, -30, -1, 0, 1, 29, 30, 59, 60, 61, 1439)
        )
        assert Skipping.first(tz, at) == Literal.first(tz, at)
        assert Skipping.last(tz, at) == Literal.last(tz, at)


@pytest.mark.parametrize("tz", ZONES)
def test_no_clock_changes_within_a_quarter_of_an_hour(tz: str) -> None:
    found = changes(tz, 1973, 2037)
    assert [utc(at) for at in found if at % 15] == []
    assert len({at // 1440 for at in found}) == len(found)


@pytest.mark.parametrize("tz", ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"])
def test_a_day_without_a_change_is_what_it_reads_minute_by_minute(tz: str) -> None:
    for at in changes(tz)[-6:]:
        for day in range(at // 1440 - 2, at // 1440 + 3):
            walls = [wall(tz, u) for u in range(day * 1440, (day + 1) * 1440)]
            assert shown(tz, day) == (array("q", walls), min(walls), max(walls))


@pytest.mark.parametrize(
    ("tz", "local", "first", "last"),
    [
        # spring: 02:00 to 03:00 is skipped, each reading of it is the instant of the jump (T2, T3)
        (BERLIN, "2026-03-29T01:59", "2026-03-29T00:59Z", "2026-03-29T00:59Z"),
        (BERLIN, "2026-03-29T02:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        (BERLIN, "2026-03-29T03:00", "2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        # autumn: 02:00 to 03:00 happens twice
        (BERLIN, "2026-10-25T02:00", "2026-10-25T00:00Z", "2026-10-25T00:00Z"),
        (BERLIN, "2026-10-25T02:01", "2026-10-25T00:01Z", "2026-10-25T01:01Z"),
        (BERLIN, "2026-10-25T02:59", "2026-10-25T00:59Z", "2026-10-25T01:59Z"),
        (BERLIN, "2026-10-25T03:00", "2026-10-25T02:00Z", "2026-10-25T02:00Z"),
        # half an hour, a midnight that does not exist, an evening twice, a day that does not exist
        (LORD_HOWE, "2026-10-04T02:15", "2026-10-03T15:30Z", "2026-10-03T15:30Z"),
        (SAO_PAULO, "2018-11-04T00:00", "2018-11-04T03:00Z", "2018-11-04T03:00Z"),
        (SAO_PAULO, "2018-02-17T23:30", "2018-02-18T01:30Z", "2018-02-18T02:30Z"),
        (APIA, "2011-12-30T12:00", "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
    ],
)
@pytest.mark.parametrize("reader", [Literal, Skipping])
def test_first_and_last(reader: type[Literal], tz: str, local: str, first: str, last: str) -> None:
    assert (utc(reader.first(tz, reading(local))), utc(reader.last(tz, reading(local)))) == (first, last)


@pytest.mark.parametrize("seed", range(12))
def test_minutes_that_might_matter_are_all_that_matter(seed: int) -> None:
    drawn = case(seed)
    quick = Reference(drawn.schedule, drawn.members)
    assert quick.final(drawn.start, drawn.end) == quick.final(drawn.start, drawn.end, every_minute=True)


@pytest.mark.parametrize("seed", range(100, 103))
def test_without_any_skipping_nothing_is_different(seed: int) -> None:
    drawn = case(seed)
    quick, literal = (Reference(drawn.schedule, drawn.members, literal=slow) for slow in (False, True))
    random = Random(seed)
    length = int((drawn.end - drawn.start).total_seconds() // 60)
    for _ in range(25):
        at = drawn.start + random.randrange(length) * (drawn.end - drawn.start) / length
        assert quick.who(at) == literal.who(at)


def test_a_day_of_daily_turns_by_hand() -> None:
    """The reference against plain reading: three people, 09:00 in Berlin, the week the clock goes forward."""
    rotation = Rotation("2026-03-27T09:00", "day", (("ana",), ("bo",), ("cy",)))
    schedule = Schedule("x", BERLIN, (Layer("one", 0, BERLIN, rotation=rotation),))
    final = Reference(schedule).final(
        instant(reading("2026-03-27T07:00")), instant(reading("2026-03-30T00:00"))
    )
    assert [(f"{entry.start:%dT%H:%M}", entry.people) for entry in final] == [
        ("27T07:00", ()),
        ("27T08:00", ("ana",)),
        ("28T08:00", ("bo",)),
        ("29T07:00", ("cy",)),
    ]
