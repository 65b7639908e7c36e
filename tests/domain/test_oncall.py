"""Who is on call: weekly tables in local time, over gaps and folds, far ahead, against a reader of minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.told import Told, acme
from tocsin.domain import escalation
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.oncall.tables import Ended, Turn, handover_instant, on_call, turn_at
from tocsin.domain.policy import RotationRow, RotationTable
from tocsin.domain.source import BUILT_IN

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def rotation(
    handover: str, *starts: str, tz: str = "Europe/Stockholm", repeats: bool = True, days: int = 7
) -> RotationTable:
    """`Mon 09:00` and the dates of the rows; person `a` is in the first row, `b` in the second ..."""
    day, clock = handover.split()
    rows = tuple(
        RotationRow(start, (("primary", chr(ord("a") + n)), ("secondary", chr(ord("A") + n))), BUILT_IN)
        for n, start in enumerate(starts)
    )
    return RotationTable(rows, BUILT_IN, DAYS.index(day), clock, tz, repeats, days)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def handed_over(day: str, clock: str, tz: str) -> str:
    """The hand-over of that day in UTC."""
    when = date.fromisoformat(day)
    return (
        f"{handover_instant(when, rotation(f'{DAYS[when.weekday()]} {clock}', day, tz=tz)):%Y-%m-%d %H:%M:%S}"
    )


def primary(table: RotationTable, at: str | datetime) -> tuple[str, ...]:
    return on_call((table,), "primary", utc(at) if isinstance(at, str) else at)


# --- wall clocks (T1, T2) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "clock", "tz", "instant"),
    [
        # an ordinary day, winter and summer
        ("2026-01-19", "09:00", "Europe/Stockholm", "2026-01-19 08:00:00"),
        ("2026-07-20", "09:00", "Europe/Stockholm", "2026-07-20 07:00:00"),
        # the gap: every reading in it, its end included, is the instant of the jump
        ("2026-03-29", "01:59", "Europe/Stockholm", "2026-03-29 00:59:00"),
        ("2026-03-29", "02:00", "Europe/Stockholm", "2026-03-29 01:00:00"),
        ("2026-03-29", "02:30", "Europe/Stockholm", "2026-03-29 01:00:00"),
        ("2026-03-29", "02:59", "Europe/Stockholm", "2026-03-29 01:00:00"),
        ("2026-03-29", "03:00", "Europe/Stockholm", "2026-03-29 01:00:00"),
        ("2026-03-29", "03:01", "Europe/Stockholm", "2026-03-29 01:01:00"),
        # the fold: the first pass, except for what is read only once
        ("2026-10-25", "01:59", "Europe/Stockholm", "2026-10-24 23:59:00"),
        ("2026-10-25", "02:00", "Europe/Stockholm", "2026-10-25 00:00:00"),
        ("2026-10-25", "02:30", "Europe/Stockholm", "2026-10-25 00:30:00"),
        ("2026-10-25", "02:59", "Europe/Stockholm", "2026-10-25 00:59:00"),
        ("2026-10-25", "03:00", "Europe/Stockholm", "2026-10-25 02:00:00"),
        # elsewhere
        ("2026-03-08", "02:15", "America/New_York", "2026-03-08 07:00:00"),
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01 05:30:00"),
        # half an hour only
        ("2026-10-04", "02:10", "Australia/Lord_Howe", "2026-10-03 15:30:00"),
        ("2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04 14:45:00"),
        # a midnight that does not exist, and an evening that comes twice
        ("2018-11-04", "00:00", "America/Sao_Paulo", "2018-11-04 03:00:00"),
        ("2018-02-17", "23:30", "America/Sao_Paulo", "2018-02-18 01:30:00"),
        ("2018-02-18", "00:00", "America/Sao_Paulo", "2018-02-18 03:00:00"),
        # a day that does not exist
        ("2011-12-30", "09:00", "Pacific/Apia", "2011-12-30 10:00:00"),
        # the clock showed 00:00 of Sunday and went back to Saturday 23:01
        ("2010-11-07", "00:00", "America/St_Johns", "2010-11-07 02:30:00"),
        ("2026-05-04", "09:00", "Asia/Kathmandu", "2026-05-04 03:15:00"),
    ],
)
def test_a_hand_over_is_the_first_instant_at_which_the_clock_shows_it(
    day: str, clock: str, tz: str, instant: str
) -> None:
    assert handed_over(day, clock, tz) == instant


def test_a_london_hand_over_stays_at_nine_on_the_wall_all_year() -> None:
    table = rotation("Mon 09:00", "2026-01-05", "2026-01-12", tz="Europe/London")
    zone = ZoneInfo("Europe/London")
    at = utc("2026-01-05 12:00")
    for _ in range(60):
        turn = turn_at(table, at)
        assert isinstance(turn, Turn)
        assert turn.start.astimezone(zone).strftime("%a %H:%M") == "Mon 09:00"
        at = turn.end


def test_one_odd_day_moves_one_hand_over_and_no_other() -> None:
    table = rotation("Sun 02:30", "2026-03-01", "2026-03-08")  # 29 March is in the gap

    starts = [turn_at(table, utc(f"{day} 12:00")).start for day in ("2026-03-22", "2026-03-29", "2026-04-05")]
    assert [f"{s:%d %H:%M}" for s in starts] == ["22 01:30", "29 01:00", "05 00:30"]


# --- the table -------------------------------------------------------------------------------------------


def test_the_hand_over_itself_belongs_to_the_one_who_takes_over() -> None:
    table = rotation("Mon 09:00", "2026-01-05", "2026-01-12", "2026-01-19")
    handover = utc("2026-01-12 08:00")

    assert [primary(table, handover + n * TICK) for n in (-1, 0, 1)] == [("a",), ("b",), ("b",)]


def test_a_date_that_is_not_the_weekday_of_the_hand_over_means_the_next_one() -> None:
    table = rotation("Mon 09:00", "2026-01-07", "2026-01-14", repeats=False)  # Wednesdays

    assert primary(table, "2026-01-12 07:59") == ()
    assert primary(table, "2026-01-12 08:00") == ("a",)


def test_before_the_first_row_nobody_is_on_call_and_it_says_since_when() -> None:
    for repeats in (True, False):
        ended = turn_at(rotation("Mon 09:00", "2026-01-05", repeats=repeats), utc("2026-01-05 07:59:59"))
        assert ended == Ended("the rotation table has not begun", utc("2026-01-05 08:00"))


def test_a_table_that_does_not_repeat_runs_out_a_week_after_its_last_row() -> None:
    table = rotation("Mon 09:00", "2026-01-05", "2026-01-12", repeats=False)

    assert primary(table, utc("2026-01-19 08:00") - TICK) == ("b",)
    assert turn_at(table, utc("2026-01-19 08:00")) == Ended(
        "the rotation table has run out", utc("2026-01-19 08:00")
    )


def test_running_out_over_a_change_of_the_clock_happens_on_the_wall() -> None:
    table = rotation("Mon 09:00", "2026-03-23", repeats=False)

    assert turn_at(table, utc("2026-03-30 07:00")) == Ended(
        "the rotation table has run out", utc("2026-03-30 07:00")
    )
    assert primary(table, "2026-03-30 06:59:59") == ("a",)


def test_an_empty_table() -> None:
    table = rotation("Mon 09:00")

    assert isinstance(turn_at(table, utc("2026-01-19 08:00")), Ended)
    assert primary(table, "2026-01-19 08:00") == ()


def test_each_person_once_and_in_order_over_several_rotations() -> None:
    one = rotation("Mon 09:00", "2026-01-05")
    other = replace(one, rows=(replace(one.rows[0], people=(("primary", "z"), ("secondary", "b"))),))

    assert on_call((one, other, one), "primary", utc("2026-01-06 12:00")) == ("a", "z")
    assert on_call((one, other), "nowhere", utc("2026-01-06 12:00")) == ()


# --- for ever --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2026, 2027, 2038, 2100, 2400, 9000])
def test_a_table_that_repeats_repeats_for_ever(year: int) -> None:
    table = rotation("Mon 09:00", "2026-01-05", "2026-01-12", "2026-01-19")
    at = datetime(year, 6, 15, 12, tzinfo=UTC)
    weeks = ((at.date() - date(2026, 1, 5)).days) // 7

    assert primary(table, at) == ("abc"[weeks % 3],)
    turn = turn_at(table, at)
    assert primary(table, turn.end - TICK) == primary(table, at)
    assert primary(table, turn.end) == ("abc"[(weeks + 1) % 3],)


@pytest.mark.parametrize(
    ("tz", "handover"),
    [
        ("Europe/Stockholm", "Sun 02:30"),
        ("America/New_York", "Sun 01:30"),
        ("Australia/Lord_Howe", "Sun 01:45"),
        ("America/Santiago", "Sun 00:00"),
        ("Africa/Cairo", "Fri 00:00"),
        ("America/St_Johns", "Sun 00:00"),
        ("UTC", "Mon 00:00"),
    ],
)
@pytest.mark.parametrize("first", ["2009-01-05", "2026-01-05"])
def test_exactly_at_every_hand_over_of_five_years_there_is_no_gap_and_no_double_cover(
    tz: str, handover: str, first: str
) -> None:
    begins = date.fromisoformat(first)
    table = rotation(handover, *((begins + timedelta(days=7 * n)).isoformat() for n in range(3)), tz=tz)
    at = handover_instant(begins + timedelta(days=(table.weekday - begins.weekday()) % 7), table)
    for week in range(5 * 52):
        turn = turn_at(table, at)
        assert isinstance(turn, Turn)
        assert turn.start == at
        assert dict(turn.people)["primary"] == "abc"[week % 3]
        assert turn_at(table, turn.end - TICK) == turn
        assert turn_at(table, turn.start + (turn.end - turn.start) / 2) == turn
        at = turn.end


def test_where_the_clock_goes_back_over_midnight_the_new_turn_goes_on() -> None:
    table = rotation("Sun 00:00", "2010-10-31", "2010-11-07", tz="America/St_Johns")

    assert primary(table, "2010-11-07 02:30") == ("b",)
    assert primary(table, "2010-11-07 03:00") == ("b",), "the clock reads Saturday 23:30 for the second time"


def test_days_and_fortnights_repeat_like_weeks() -> None:
    daily = rotation("Mon 09:00", "2026-01-05", "2026-01-05", days=1)
    assert [primary(daily, f"2026-03-{day} 12:00")[0] for day in ("27", "28", "29", "30")] == [
        "b",
        "a",
        "b",
        "a",
    ]

    fortnight = rotation("Mon 09:00", "2026-01-05", "2026-01-19", days=14)
    assert primary(fortnight, "2026-01-18 12:00") == ("a",)
    assert primary(fortnight, "2026-02-01 12:00") == ("b",)


# --- nobody on call --------------------------------------------------------------------------------------


def test_when_the_table_has_run_out_every_ic_is_called() -> None:
    table = rotation("Mon 09:00", "2026-01-05", repeats=False)
    told = Told(replace(acme(), rota=Rota(tables=(table,))))
    told.alert()
    told.until("13:06:00")

    called = [("13:00:00", who) for who in ("priya", "mei", "henrik")]
    assert told.pages()[:3] == called


def test_the_table_runs_out_while_people_are_being_called() -> None:
    row = RotationRow("2026-01-12", (("primary", "mei"), ("secondary", "jonas")), BUILT_IN)
    table = RotationTable(
        (row,), BUILT_IN, 1, "14:02", "Europe/Stockholm"
    )  # until Tuesday 2026-01-20 13:02 UTC
    told = Told(replace(acme(), rota=Rota(tables=(table,))))
    told.alert()
    told.until("13:06:00")

    assert told.pages()[0] == ("13:00:00", "mei")
    assert {who for at, who in told.pages() if at == "13:05:00"} == {"priya", "mei", "henrik"}


def test_a_person_on_call_whom_nobody_knows_counts_as_nobody() -> None:
    context = acme(primary="somebody-who-left")

    assert escalation.people_for(context.policy.ladder[0], context, utc("2026-01-20 13:00")) == ()


# --- against a reader of minutes -------------------------------------------------------------------------


def first_reading(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """T2 word by word: go through the minutes and stop at the first whose reading is there or past it."""
    hour, minute = map(int, clock.split(":"))
    wanted = datetime.combine(day, time(hour, minute))
    at = (wanted - timedelta(hours=16)).replace(tzinfo=UTC)
    while at.astimezone(zone).replace(tzinfo=None) < wanted:
        at += MINUTE
    return at


def reader_of_minutes(table: RotationTable, at: datetime) -> str | None:
    """Whoever took the pager last, going through all hand-overs from the beginning."""
    zone = ZoneInfo(table.tz)
    begins = [date.fromisoformat(row.starts) for row in table.rows]
    begins = [day + timedelta(days=(table.weekday - day.weekday()) % 7) for day in begins]
    people = [dict(row.people)["primary"] for row in table.rows]
    length = timedelta(days=table.length_days)
    if table.repeats:
        turns = [(begins[0] + n * length, people[n % len(people)]) for n in range(16)]
    else:
        turns = list(zip(begins, people, strict=True))
    ends = [*(day for day, _ in turns[1:]), turns[-1][0] + length]
    for (begin, who), end in zip(turns, ends, strict=True):
        if first_reading(begin, table.clock, zone) <= at < first_reading(end, table.clock, zone):
            return who
    return None


ZONES = (
    ("Europe/Stockholm", "2026-03-02"),
    ("Europe/Stockholm", "2026-10-05"),
    ("America/New_York", "2026-10-19"),
    ("America/St_Johns", "2010-10-18"),
    ("Australia/Lord_Howe", "2026-03-16"),
    ("America/Sao_Paulo", "2018-02-05"),
    ("America/Sao_Paulo", "2018-10-22"),
    ("Pacific/Apia", "2011-12-12"),
    ("Africa/Casablanca", "2026-02-02"),
    ("Asia/Kathmandu", "2026-02-02"),
    ("UTC", "2026-02-02"),
)
tables = st.builds(
    lambda place, weekday, hour, minute, rows, repeats, days: rotation(
        f"{DAYS[weekday]} {hour:02}:{minute:02}",
        *((date.fromisoformat(place[1]) + timedelta(days=7 * n)).isoformat() for n in range(rows)),
        tz=place[0],
        repeats=repeats,
        days=days,
    ),
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.one_of(st.integers(0, 3), st.integers(0, 23)),
    st.sampled_from((0, 1, 15, 30, 45, 59)),
    st.integers(1, 4),
    st.booleans(),
    st.just(7),
)


@settings(max_examples=60)
@given(tables, st.integers(-7 * 24 * 60, 42 * 24 * 60))
def test_at_any_minute_it_is_whom_a_reader_of_minutes_finds(table: RotationTable, minutes: int) -> None:
    at = utc(table.rows[0].starts) + minutes * MINUTE
    expected = reader_of_minutes(table, at)

    assert primary(table, at) == (() if expected is None else (expected,))


@settings(max_examples=60)
@example(rotation("Sun 00:00", "2010-10-31", "2010-11-07", tz="America/St_Johns"), 1, 30)
@given(tables, st.integers(0, 5), st.integers(-90, 90))
def test_around_every_hand_over_too(table: RotationTable, turn: int, minutes: int) -> None:
    begins = date.fromisoformat(table.rows[0].starts)
    begins += timedelta(days=(table.weekday - begins.weekday()) % 7 + 7 * turn)
    at = first_reading(begins, table.clock, ZoneInfo(table.tz)) + minutes * MINUTE
    expected = reader_of_minutes(table, at)

    assert primary(table, at) == (() if expected is None else (expected,))


@given(tables, st.integers(0, 200))
def test_hand_overs_never_go_backwards_and_show_the_time_that_was_asked_for(
    table: RotationTable, turn: int
) -> None:
    zone = ZoneInfo(table.tz)
    day = date.fromisoformat(table.rows[0].starts) + timedelta(days=7 * turn)
    hour, minute = map(int, table.clock.split(":"))
    here, later = handover_instant(day, table), handover_instant(day + timedelta(days=1), table)

    assert here <= later
    assert here.second == here.microsecond == 0
    assert here.astimezone(zone).replace(tzinfo=None) >= datetime.combine(day, time(hour, minute))
    assert (here - MINUTE).astimezone(zone).replace(tzinfo=None) < datetime.combine(day, time(hour, minute))
