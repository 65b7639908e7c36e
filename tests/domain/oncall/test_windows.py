"""Hours and holidays: W1 to W6 and R4's neighbours, over gaps, folds and the ends of weeks."""

from __future__ import annotations

import pytest

from domain.oncall.parts import BERLIN, always, fix, layer, rota, shift, shown, turns, utc, who
from tocsin.domain.schedules import Holidays, Member, Restriction

WEEKEND = Restriction("weekly", "18:00", "08:00", start_day=4, end_day=0)


def daily(start: str, end: str, *days: int, tz: str | None = None) -> Restriction:
    return Restriction("daily", start, end, days, tz=tz)


def within(*hours: Restriction, tz: str = "UTC", people: str = "a", **more: object) -> list[str]:
    """A week from Monday 2026-01-05 on."""
    found = rota(always(people, tz=tz, restrictions=hours, **more))
    return shown(found, "2026-01-05", "2026-01-12", tz)


def test_the_days_name_the_day_on_which_a_window_begins() -> None:
    assert within(daily("22:00", "06:00", 4)) == ["05 00:00 -", "09 22:00 a", "10 06:00 -"]


def test_a_window_of_equal_start_and_end_is_a_day_or_a_week_and_midnight_may_be_24() -> None:
    assert within(daily("09:00", "09:00", 2)) == ["05 00:00 -", "07 09:00 a", "08 09:00 -"]
    assert within(daily("00:00", "24:00", 2)) == ["05 00:00 -", "07 00:00 a", "08 00:00 -"]
    assert within(daily("00:00", "24:00")) == within() == ["05 00:00 a"]


def test_lesson_15_from_friday_to_friday_is_the_whole_week() -> None:
    assert within(Restriction("weekly", "09:00", "09:00", start_day=4, end_day=4)) == ["05 00:00 a"]


def test_a_weekly_window_goes_on_over_the_end_of_the_week() -> None:
    assert within(WEEKEND) == ["05 00:00 a", "05 08:00 -", "09 18:00 a"]


def test_several_windows_are_united_in_any_order_and_touch_without_a_seam() -> None:
    hours = (daily("09:00", "12:00", 0), daily("12:00", "13:00", 0), daily("10:00", "12:30", 0), WEEKEND)
    expected = ["05 00:00 a", "05 08:00 -", "05 09:00 a", "05 13:00 -", "09 18:00 a"]
    assert within(*hours) == within(*reversed(hours)) == within(*hours, *hours) == expected


def test_when_the_clock_is_unsure_a_window_covers_more() -> None:
    night = rota(always("a", tz=BERLIN, restrictions=(daily("22:00", "02:30"),)))
    for at, there in (("2026-10-25 00:45", "a"), ("2026-10-25 01:29", "a"), ("2026-10-25 01:30", "-")):
        assert who(night, at) == there
    assert shown(night, "2026-10-24 18:00", "2026-10-25 12:00") == [
        "24 18:00 -",
        "24 20:00 a",
        "25 01:30 -",  # the second 02:30
    ]
    morning = rota(always("a", tz=BERLIN, restrictions=(daily("02:30", "06:00"),)))
    assert shown(morning, "2026-10-24 18:00", "2026-10-25 12:00")[1] == "25 00:30 a", "the first 02:30"


def test_an_end_exactly_where_the_fold_begins_is_its_first_pass() -> None:
    found = rota(always("a", tz=BERLIN, restrictions=(daily("22:00", "02:00"),)))
    assert shown(found, "2026-10-24 22:00", "2026-10-25 12:00") == ["24 22:00 a", "25 00:00 -"]


def test_a_window_that_the_gap_swallows_is_not_there_that_day() -> None:
    found = rota(always("a", tz=BERLIN, restrictions=(daily("02:00", "03:00"),)))
    lines = shown(found, "2026-03-28", "2026-03-31", BERLIN)
    assert lines == ["28 01:00 -", "28 02:00 a", "28 03:00 -", "30 02:00 a", "30 03:00 -"]


def test_the_zone_of_a_window_is_its_own_else_that_of_the_layer() -> None:
    assert within(daily("09:00", "10:00", 0), tz=BERLIN)[1:] == ["05 09:00 a", "05 10:00 -"]
    own = within(daily("09:00", "10:00", 0, tz="Asia/Kolkata"), tz=BERLIN)
    assert own[1:] == ["05 04:30 a", "05 05:30 -"]


def test_hours_of_members_are_looked_at_person_by_person() -> None:
    hours = (daily("09:00", "17:00", tz="member"),)
    people = [Member("bo", BERLIN), Member("kim", "America/New_York")]
    found = rota(always("bo+kim+else", restrictions=hours), members=people)
    assert shown(found, "2026-01-05", "2026-01-06") == [
        "05 00:00 -",
        "05 08:00 bo",
        "05 09:00 bo else",  # of whom nothing is known lives where the layer is
        "05 14:00 bo kim else",
        "05 16:00 kim else",
        "05 17:00 kim",
        "05 22:00 -",
    ]
    assert who(found, "2026-01-05 08:00") == "bo"
    assert who(found, "2026-01-05 15:59") == "bo kim else"


def test_hours_of_members_that_lie_outside_of_the_whole_layer_leave_nobody() -> None:
    hours = (Restriction("weekly", "02:00", "09:00", start_day=0, end_day=1, tz="member"),)
    found = rota(always("bo", restrictions=hours, since=utc("2026-01-07"), until=utc("2026-01-10")))
    assert who(found, "2026-01-08") == "-"
    assert shown(found, "2026-01-05", "2026-01-12") == ["05 00:00 -"]


def test_hours_of_members_and_hours_of_the_layer_are_united() -> None:
    hours = (daily("09:00", "17:00", tz="member"), daily("00:00", "01:00"))
    found = rota(always("bo+kim", restrictions=hours), members=[Member("bo", BERLIN), Member("kim", BERLIN)])
    assert shown(found, "2026-01-05", "2026-01-06") == [
        "05 00:00 bo kim",
        "05 01:00 -",
        "05 08:00 bo kim",
        "05 16:00 -",
    ]


def test_a_member_in_an_unknown_zone_makes_the_schedule_invalid_where_it_matters() -> None:
    lost = [Member("bo", "Mars/Olympus")]
    assert not rota(always("bo"), members=lost).invalid
    found = rota(always("bo", restrictions=(daily("09:00", "17:00", tz="member"),)), members=lost)
    assert "T11" in found.invalid["ops"]


def test_a_window_never_chooses_a_person_a_hand_off_within_it_changes_her() -> None:
    rotation = turns("2026-01-05 00:00", "day", "a b")
    found = rota(layer(rotation, restrictions=(daily("20:00", "06:00"),)))
    lines = shown(found, "2026-01-05 12:00", "2026-01-06 12:00")
    assert lines == ["05 12:00 -", "05 20:00 a", "06 00:00 b", "06 06:00 -"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("off", ["05 00:00 a", "06 00:00 -", "07 00:00 a"]),
        ("only", ["05 00:00 -", "06 00:00 a", "07 00:00 -"]),
    ],
)
def test_lesson_33_on_a_holiday_a_layer_is_silent_or_heard_only_then(mode: str, expected: list[str]) -> None:
    assert within(holidays=Holidays(mode, ("2026-01-06",))) == expected


def test_holidays_cut_windows_at_midnight_and_never_move_whose_turn_it_is() -> None:
    rotation = turns("2026-01-05 09:00", "day", "a b c")
    holiday = Holidays("off", ("2026-01-06",))
    found = rota(layer(rotation, restrictions=(daily("20:00", "06:00"),), holidays=holiday))
    assert shown(found, "2026-01-05 12:00", "2026-01-08") == [
        "05 12:00 -",
        "05 20:00 a",
        "06 00:00 -",
        "07 00:00 b",
        "07 06:00 -",
        "07 20:00 c",
    ]


def test_lesson_31_a_holiday_whose_midnight_does_not_exist_begins_with_the_jump() -> None:
    tz = "America/Sao_Paulo"
    found = rota(
        layer(turns("2018-01-01 00:00", "week", "a"), tz=tz, holidays=Holidays("off", ("2018-11-04",)))
    )
    assert shown(found, "2018-11-03 12:00", "2018-11-06", tz) == ["03 09:00 a", "04 01:00 -", "05 00:00 a"]
    for at, there in (("2018-11-04 02:59", "a"), ("2018-11-04 03:00", "-"), ("2018-11-05 02:00", "a")):
        assert who(found, at) == there


def test_a_holiday_has_begun_when_the_clock_goes_back_over_its_midnight() -> None:
    tz = "America/St_Johns"  # at 00:01 of 7 November back to 23:01 of the day before
    found = rota(
        layer(turns("2010-01-04 00:00", "week", "a"), tz=tz, holidays=Holidays("off", ("2010-11-07",)))
    )
    assert who(found, "2010-11-07 03:00") == "-", "although the clock reads Saturday again"
    assert shown(found, "2010-11-06 12:00", "2010-11-07 12:00")[1] == "07 02:30 -"


def test_a_restricted_layer_of_shifts_is_cut_too() -> None:
    work = shift("a b", "2026-01-05 00:00", "2026-01-07 00:00")
    found = rota(layer([work], restrictions=(daily("09:00", "17:00"),)))
    assert shown(found, "2026-01-06", "2026-01-08") == ["06 00:00 -", "06 09:00 a b", "06 17:00 -"]


def test_gaps_are_only_where_somebody_is_wanted() -> None:
    found = rota(
        always("a"),
        fixes=[fix(1, "set", "2026-01-05 15:00", "2026-01-06 10:00")],
        coverage=(daily("09:00", "17:00"),),
    )
    gaps = found.gaps("ops", utc("2026-01-05"), utc("2026-01-12"))
    assert [f"{g.start:%d %H:%M} {g.end:%d %H:%M}" for g in gaps] == [
        "05 15:00 05 17:00",
        "06 09:00 06 10:00",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"restrictions": (Restriction("hourly", "09:00", "10:00"),)},
        {"restrictions": (Restriction("daily", "09:00", "10:00", (7,)),)},
        {"restrictions": (Restriction("weekly", "09:00", "10:00", start_day=1),)},
        {"restrictions": (Restriction("daily", "24:00", "10:00"),)},
        {"restrictions": (daily("09:00", "10:00", tz="Mars/Olympus"),)},
        {"holidays": Holidays("sometimes", ())},
        {"holidays": Holidays("off", ("2026-02-30",))},
    ],
)
def test_hours_that_cannot_be_computed_make_the_schedule_invalid(wrong: dict[str, object]) -> None:
    found = rota(always("a", **wrong))
    assert list(found.invalid) == ["ops"]
    assert who(found, "2026-01-05") == "-"
