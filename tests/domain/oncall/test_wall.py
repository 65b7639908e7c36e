"""Readings and instants: T1 to T8 and T12, around changes of the clock and in ordinary weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.oncall.parts import utc
from tocsin.domain.oncall import wall
from tocsin.domain.oncall.wall import DAY, Zone, clock, day_number, minute, moment, plus_months, reading
from tocsin.domain.schedules import InvalidSchedule

CHANGES = {
    "Europe/Berlin": ("2026-03-29 01:00", "2026-10-25 01:00"),
    "America/New_York": ("2026-03-08 07:00", "2026-11-01 06:00"),
    "America/Sao_Paulo": ("2018-02-18 02:00", "2018-11-04 03:00"),
    "Australia/Lord_Howe": ("2026-04-04 15:00", "2026-10-03 15:30"),
    "Pacific/Apia": ("2011-12-30 10:00", "2012-03-31 14:00"),
    "Africa/Casablanca": ("2026-02-15 02:00", "2026-03-22 02:00"),
    "America/St_Johns": ("2010-11-07 02:31", "2011-03-13 03:31"),
    "Pacific/Kwajalein": ("1993-08-21 12:00",),
    "Antarctica/Troll": ("2026-03-29 01:00", "2026-10-25 01:00"),
    "UTC": ("2026-01-01 00:00",),
    "Asia/Kolkata": ("2026-01-01 00:00",),
}


def first(where: str, local: str) -> str:
    return f"{moment(Zone(where).first(reading(local.replace(' ', 'T')))):%Y-%m-%d %H:%M}"


def last(where: str, local: str) -> str:
    return f"{moment(Zone(where).last(reading(local.replace(' ', 'T')))):%Y-%m-%d %H:%M}"


def test_in_a_gap_every_reading_means_the_jump_for_beginnings_and_ends() -> None:
    for clock_time in ("02:00", "02:01", "02:30", "02:59", "03:00"):
        local = f"2026-03-29 {clock_time}"
        assert (first("Europe/Berlin", local), last("Europe/Berlin", local)) == ("2026-03-29 01:00",) * 2


@pytest.mark.parametrize("minutes", [1, 30, 59])
def test_in_a_fold_what_begins_takes_the_first_pass_and_what_ends_the_second(minutes: int) -> None:
    local = f"2026-10-25 02:{minutes:02}"
    assert first("Europe/Berlin", local) == f"2026-10-25 00:{minutes:02}"
    assert last("Europe/Berlin", local) == f"2026-10-25 01:{minutes:02}"


def test_where_a_fold_begins_both_take_the_first_pass_and_where_it_ends_there_is_only_one() -> None:
    for local, instant in (("2026-10-25 02:00", "00:00"), ("2026-10-25 03:00", "02:00")):
        assert first("Europe/Berlin", local)[-5:] == last("Europe/Berlin", local)[-5:] == instant


def test_lesson_30_a_date_that_does_not_exist_is_the_jump_over_it() -> None:
    assert {first("Pacific/Apia", f"2011-12-30 {hour:02}:00") for hour in range(24)} == {"2011-12-30 10:00"}
    assert first("Pacific/Apia", "2011-12-31 00:00") == "2011-12-30 10:00"


def test_lesson_31_a_midnight_that_does_not_exist_is_one_o_clock() -> None:
    assert first("America/Sao_Paulo", "2018-11-04 00:00") == "2018-11-04 03:00"
    assert last("America/Sao_Paulo", "2018-11-04 00:00") == "2018-11-04 03:00"


@pytest.mark.parametrize(("tz", "change"), [(tz, at) for tz, found in CHANGES.items() for at in found])
def test_both_are_what_reading_the_clock_minute_by_minute_gives(
    tz: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "_ERA_BITS", 11)  # tables of a day and a half, so that they end near the change
    where, zone = Zone(tz), ZoneInfo(tz)
    middle = minute(utc(change))
    minutes = range(middle - 3 * DAY, middle + 3 * DAY)
    readings = [minute(moment(u).astimezone(zone).replace(tzinfo=UTC)) for u in minutes]
    assert [where.wall(u) for u in minutes] == readings
    for local in range(middle - 2 * DAY, middle + 2 * DAY, 7):
        assert where.first(local) == next(u for u, r in zip(minutes, readings, strict=True) if r >= local)
        before = (u for u, r in zip(reversed(minutes), reversed(readings), strict=True) if r < local)
        assert where.last(local) == next(before) + 1
    for n in range(2 * DAY, 4 * DAY, 11):
        around = min(readings[n : n + 2 * DAY]), max(readings[n - 2 * DAY : n + 1])
        assert where.span(minutes[n]) == around


@given(
    st.sampled_from(sorted(CHANGES)),
    st.integers(3 * 365 * DAY, 150 * 365 * DAY),
    st.integers(0, 200),
)
def test_both_never_go_backwards_and_the_span_of_an_instant_says_which_readings_it_is_between(
    tz: str, u: int, ahead: int
) -> None:
    where = Zone(tz)
    local = where.wall(u)
    assert where.first(local) <= u < where.last(local + 1)
    assert where.first(local) <= where.first(local + ahead)
    assert where.last(local) <= where.last(local + ahead)
    lowest, highest = where.span(u)
    for near in range(local - 100, local + 100, 9):
        assert (where.first(near) <= u) == (near <= highest)
        assert (u < where.last(near)) == (lowest < near)


@pytest.mark.parametrize("tz", sorted(CHANGES))
def test_wherever_one_table_of_offsets_ends_the_next_one_says_the_same(tz: str) -> None:
    where = Zone(tz)
    for border in range(1 << 19, 100 << 19, 1 << 19):
        for u in (border - 1, border, border + 1):
            assert where.first(where.wall(u)) <= u < where.last(where.wall(u) + 1)
            assert where.wall(u) == minute(moment(u).astimezone(ZoneInfo(tz)).replace(tzinfo=UTC))


def test_lesson_29_the_last_of_a_month_stays_the_last_and_comes_back_to_31() -> None:
    anchor = reading("2024-01-31T09:00")
    later = [f"{moment(plus_months(anchor, n)):%m-%d %H:%M}" for n in (1, 2, 3, 13, -2, -11)]
    assert later == ["02-29 09:00", "03-31 09:00", "04-30 09:00", "02-28 09:00", "11-30 09:00", "02-28 09:00"]


def test_an_instant_is_rounded_down_to_the_minute_also_before_1970() -> None:
    assert minute(datetime(2026, 1, 1, 0, 0, 59, 999_999, tzinfo=UTC)) == minute(utc("2026-01-01"))
    assert minute(datetime(1969, 12, 31, 23, 59, 1, tzinfo=UTC)) == -1


def test_the_ends_of_the_calendar_are_no_trouble() -> None:
    for tz in ("Pacific/Kiritimati", "Pacific/Niue", "Europe/Berlin"):
        for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
            u = minute(at)
            where = Zone(tz)
            assert where.first(where.wall(u)) <= u
            assert isinstance(moment(where.last(where.wall(u) + 1)) + timedelta(days=-1), datetime)


@pytest.mark.parametrize("text", ["", "9", "9:0", "24:01", "24:00", "12:60", "-1:00", "12:00:00", "ab:cd"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchedule):
        clock(text)


def test_midnight_may_be_written_as_an_end_only() -> None:
    assert clock("24:00", end=True) == DAY
    assert clock("00:00") == 0


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("1972-12-31T23:59", "T12"),
        ("2026-01-01T09:00:30", "T8"),
        ("2026-01-01T09:00+01:00", "offset"),
        ("soon", "no local time"),
    ],
)
def test_a_reading_that_cannot_be_one_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidSchedule, match=rule):
        reading(text)


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(InvalidSchedule):
        day_number("2026-02-30")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "Europe/berlin\0"])
def test_an_unknown_zone_is_refused_and_never_utc(name: str) -> None:
    with pytest.raises(InvalidSchedule, match="T11"):
        wall.zone(name)
