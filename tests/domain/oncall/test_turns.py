"""Rotations and their changes: R1 to R13, T4 to T6, and what others fell into."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.oncall.parts import (
    BERLIN,
    DAY,
    MINUTE,
    always,
    change,
    layer,
    rota,
    shown,
    slots,
    turns,
    utc,
    who,
)
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Restriction, Rotation

WORKDAYS = Restriction("daily", "09:00", "17:00", (0, 1, 2, 3, 4))


def alone(rotation: Rotation, tz: str = "UTC", **more: object) -> Rota:
    return rota(layer(rotation, tz=tz, **more))


def daily(found: Rota, start: str, days: int, hour: int = 12) -> str:
    """Who is on call at that hour of so many days."""
    return "".join(who(found, utc(start) + timedelta(days=n, hours=hour)) for n in range(days))


# --- hand-offs ---------------------------------------------------------------------------------------------


def test_a_turn_holds_from_its_hand_off_until_the_minute_before_the_next() -> None:
    found = alone(turns("2026-01-05 09:00", "week", "a b"))
    handoff = utc("2026-01-12 09:00")
    assert [who(found, handoff + n * MINUTE) for n in (-1, 0, 1)] == ["a", "b", "b"]


@pytest.mark.parametrize("week", ["2026-03-23", "2026-10-19"])
def test_lesson_6_a_week_over_a_change_of_the_clock_has_neither_gap_nor_overlap(week: str) -> None:
    found = alone(turns(f"{week} 09:00", "week", "a b"), BERLIN)
    lines = shown(found, f"{week} 09:00", str(utc(week) + 20 * DAY)[:16], BERLIN)
    assert [line.split()[1:] for line in lines[1:]] == [["09:00", "b"], ["09:00", "a"]]


def test_lesson_7_a_london_hand_off_at_nine_is_at_nine_in_summer_too() -> None:
    found = alone(turns("2026-01-05 09:00", "day", "a b"), "Europe/London")
    assert who(found, "2026-01-06 08:59") != who(found, "2026-01-06 09:00")
    assert who(found, "2026-07-06 07:59") != who(found, "2026-07-06 08:00")
    assert who(found, "2026-07-06 08:00") == who(found, "2026-07-06 09:00")


def test_lesson_8_the_season_in_which_a_rotation_was_written_does_not_stick_to_it() -> None:
    in_winter = alone(turns("2026-01-05 09:00", "week", "a b"), BERLIN)
    in_summer = alone(turns("2026-07-06 09:00", "week", "a b"), BERLIN, since=utc("2026-01-01"))
    for at in ("2026-02-02", "2026-03-30", "2026-07-06", "2026-10-26", "2026-12-07"):
        for found in (in_winter, in_summer):
            ends = found.until("ops", utc(at))
            assert ends is not None
            assert f"{ends.astimezone(ZoneInfo(BERLIN)):%a %H:%M}" == "Mon 09:00"


def test_lesson_9_the_week_after_the_change_is_as_right_as_the_week_before() -> None:
    found = alone(turns("2026-03-15 02:30", "week", "a b c d"), BERLIN)
    lines = shown(found, "2026-03-15 01:30", "2026-04-12 00:30", BERLIN)
    assert lines == ["15 02:30 a", "22 02:30 b", "29 03:00 c", "05 02:30 d"]


def test_lesson_10_one_odd_day_moves_one_hand_off_and_leaks_into_no_later_one() -> None:
    for start in ("2026-03-28 02:30", "2026-03-29 02:30", "2026-03-30 02:30"):
        found = alone(turns(start, "day", "a b"), BERLIN, since=utc("2026-03-01"))
        assert who(found, "2026-04-01 00:29") != who(found, "2026-04-01 00:30")
        assert who(found, "2026-03-27 01:29") != who(found, "2026-03-27 01:30")


def test_lesson_32_hourly_turns_pass_the_fold_and_the_gap_without_a_stop() -> None:
    found = alone(turns("2026-10-24 00:00", "hour", "a b c d"), BERLIN)
    assert shown(found, "2026-10-24 23:00", "2026-10-25 04:00", BERLIN) == [
        "25 01:00 b",
        "25 02:00 c",  # for two hours: the reading 02:00 to 02:59 comes twice
        "25 03:00 d",
        "25 04:00 a",
    ]
    found = alone(turns("2026-03-28 00:00", "hour", "a b c d"), BERLIN)
    assert shown(found, "2026-03-29 00:00", "2026-03-29 03:00", BERLIN) == [
        "29 01:00 b",
        "29 03:00 d",  # the turn of c at 02:00 has no minute, and still was hers (R2)
        "29 04:00 a",
    ]


def test_elapsed_hours_are_of_fixed_length_and_drift_against_the_clock() -> None:
    found = alone(turns("2026-10-24 08:00", "hour", "a b", length=12, clock="elapsed"), BERLIN)
    lines = shown(found, "2026-10-24 06:00", "2026-10-25 18:00", BERLIN)
    assert lines == ["24 08:00 a", "24 20:00 b", "25 07:00 a"]


def test_twelve_hours_on_the_wall_stay_at_eight() -> None:
    found = alone(turns("2026-10-24 08:00", "hour", "a b", length=12), BERLIN)
    lines = shown(found, "2026-10-24 06:00", "2026-10-25 18:00", BERLIN)
    assert lines == ["24 08:00 a", "24 20:00 b", "25 08:00 a"]


def test_lesson_29_a_monthly_turn_from_the_31st_begins_on_the_last_of_short_months() -> None:
    found = alone(turns("2024-01-31 09:00", "month", "a b c"))
    lines = shown(found, "2024-01-31 09:00", "2024-06-01")
    assert lines == ["31 09:00 a", "29 09:00 b", "31 09:00 c", "30 09:00 a", "31 09:00 b"]
    assert [who(found, at) for at in ("2024-02-29 08:59", "2024-02-29 09:00")] == ["a", "b"]


def test_turns_before_the_anchor_count_backwards() -> None:
    for unit, step in (("day", DAY), ("week", 7 * DAY), ("hour", DAY / 24)):
        found = alone(turns("2026-01-05 00:00", unit, "a b c"), since=utc("2020-01-01"))
        assert "".join(who(found, utc("2026-01-05") + n * step) for n in (-3, -2, -1, 0)) == "abca"


def test_before_its_first_hand_off_a_rotation_is_empty_unless_it_says_since_when() -> None:
    rotation = turns("2026-01-05 00:00", "day", "a b")
    assert who(alone(rotation), "2026-01-04 23:59") == "-"
    assert who(alone(rotation, since=utc("2026-01-04")), "2026-01-04 23:59") == "b"


def test_the_start_index_names_the_slot_of_the_first_turn_and_a_person_may_come_twice() -> None:
    found = alone(turns("2026-01-05 00:00", "day", "a b a c", start_index=3))
    assert daily(found, "2026-01-05", 5) == "cabac"


def test_nobody_in_the_rotation_means_nobody_and_a_hole_is_one() -> None:
    assert who(alone(Rotation("2026-01-05T00:00", "day", ())), "2026-02-01") == "-"
    assert daily(alone(turns("2026-01-05 00:00", "day", "a - b")), "2026-01-05", 4) == "a-ba"


# --- counting only the days that are worked (R4) -------------------------------------------------------------


def test_lesson_14_with_seven_people_on_workdays_everybody_serves_when_only_active_turns_count() -> None:
    for advance, served in (("calendar", set("abcde")), ("active", set("abcdefg"))):
        rotation = turns("2026-01-05 00:00", "day", "a b c d e f g", advance=advance)
        found = rota(layer(rotation, restrictions=(WORKDAYS,)))
        assert set(daily(found, "2026-01-05", 35)) - {"-"} == served


def test_a_weekend_uses_up_no_turn_and_neither_does_the_time_before_the_anchor() -> None:
    rotation = turns("2026-01-07 00:00", "day", "a b c", advance="active")
    found = rota(layer(rotation, restrictions=(WORKDAYS,), since=utc("2020-01-01")))
    assert daily(found, "2025-12-29", 14) == "cabca--" + "bcabc--"


def test_a_holiday_changes_nobodys_place() -> None:
    rotation = turns("2026-01-05 00:00", "day", "a b c", advance="active")
    on_the_wall = rota(layer(rotation, tz=BERLIN, restrictions=(WORKDAYS,)))
    assert daily(on_the_wall, "2026-03-27", 5) == "c--ab", "neither does the change of the clock"


def test_turns_that_only_touch_a_window_count() -> None:
    rotation = turns("2026-01-05 16:00", "hour", "a b c", length=8, advance="active")
    found = rota(layer(rotation, restrictions=(WORKDAYS,)))
    # 16-24 touches 16-17, 00-08 touches nothing, 08-16 touches 09-16
    assert [who(found, f"2026-01-{at}") for at in ("05 16:30", "06 10:00", "06 16:30", "07 10:00")] == [
        *"abca"
    ]


# --- changes (R7 to R12) -----------------------------------------------------------------------------------


def weekly(people: str, *changes: object, start_index: int = 0) -> Rota:
    return alone(turns("2026-01-05 09:00", "week", people, changes=tuple(changes), start_index=start_index))


def weeks(found: Rota, first: str = "2026-01-05 12:00", many: int = 6) -> str:
    return " ".join(who(found, utc(first) + n * 7 * DAY) for n in range(many))


def test_lesson_11_appending_and_removing_somebody_else_reshuffles_nobody() -> None:
    assert weeks(weekly("a b c", change("2026-01-14 12:00", "a b c d"))) == "a b c d a b"
    assert weeks(weekly("a b c", change("2026-01-14 12:00", "b c"))) == "a b c b c b"
    assert weeks(weekly("a b c", change("2026-01-14 12:00", "x a b c"))) == "a b c x a b"


def test_lesson_12_who_is_added_waits_for_the_hand_off_if_that_is_asked() -> None:
    at_once = weekly("a b", change("2026-01-14 12:00", "n a b", policy="restart"))
    waits = weekly("a b", change("2026-01-14 12:00", "n a b", policy="restart", when="next_handoff"))
    for found, there in ((at_once, "n"), (waits, "b")):
        assert who(found, "2026-01-14 11:59") == "b"
        assert who(found, "2026-01-14 12:00") == there
        assert who(found, "2026-01-19 08:59") == there
    assert who(waits, "2026-01-19 09:00") == "n"


def test_asked_for_exactly_at_a_hand_off_it_is_that_one() -> None:
    found = weekly("a b", change("2026-01-12 09:00", "x y", policy="restart", when="next_handoff"))
    assert weeks(found, many=3) == "a x y"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a b c", "c b a", "a b a c"),  # she stays; then the new order
        (
            "a b a c",
            "a x a c",
            "a a c a",
        ),  # removed: the next of the old order that is still there, on the spot
        ("a b c", "a d", "a a d a"),  # b is gone, c too: a
        ("a b c", "x y", "a x y x"),  # nobody is left: the first of the new list
        ("a a b", "a b", "a a b a"),  # the second a: the last there is
        ("a b+c d", "d c e", "a c e d"),  # a group: the first slot with somebody of it
        ("a b", "-", "a - - -"),
    ],
)
def test_keep_current_leaves_on_duty_whoever_can_stay(old: str, new: str, expected: str) -> None:
    assert weeks(weekly(old, change("2026-01-12 09:00", new)), many=4) == expected
    in_the_middle = weekly(old, change("2026-01-14 12:00", new))
    assert who(in_the_middle, "2026-01-14 11:59") == old.split()[1].replace("+", " ")
    assert weeks(in_the_middle, "2026-01-14 12:00", many=3) == expected.partition(" ")[2]


def test_at_a_hand_off_it_is_the_incoming_one_who_stays() -> None:
    assert weeks(weekly("a b c", change("2026-01-12 09:00", "c b a")), many=4) == "a b a c"


def test_restart_begins_with_the_start_index_and_positional_counts_from_the_anchor() -> None:
    restart = change("2026-01-14 12:00", "x y z", policy="restart", start_index=1)
    assert weeks(weekly("a b c", restart), many=5) == "a b z x y"
    assert who(weekly("a b c", restart), "2026-01-14 12:00") == "y"
    positional = change("2026-01-14 12:00", "x y z", policy="positional")
    assert weeks(weekly("a b c", positional), many=5) == "a b z x y"
    assert who(weekly("a b c", positional), "2026-01-14 12:00") == "y"


def test_a_new_cadence_ends_the_running_turn_at_its_first_hand_off_after_the_change() -> None:
    found = weekly("a b c", change("2026-01-14 12:00", unit="day", start="2026-01-05T10:00"))
    assert [who(found, f"2026-01-{at}") for at in ("14 11:59", "14 12:00", "15 09:59", "15 10:00")] == [
        *"bbbc"
    ]
    assert who(found, "2026-01-16 10:00") == "a"


def test_changes_compose_by_when_they_take_effect_and_at_the_same_instant_as_they_were_written() -> None:
    late = change("2026-01-28 12:00", "q r", policy="restart")
    early = change("2026-01-14 12:00", "x y", policy="restart")
    assert weeks(weekly("a b", late, early)) == weeks(weekly("a b", early, late)) == "a b y x r q"
    again = change("2026-01-14 12:00", "y x")
    assert who(weekly("a b", early, again), "2026-01-14 12:00") == "x"
    assert weeks(weekly("a b", early, again), many=4) == "a b y x"
    assert who(weekly("a b", again, early), "2026-01-14 12:00") == "x"


def test_a_change_that_waits_for_a_hand_off_waits_for_one_of_the_cadence_that_holds_by_then() -> None:
    waits = change("2026-01-13 12:00", "x y", policy="restart", when="next_handoff")
    faster = change("2026-01-14 12:00", unit="day", start="2026-01-05T10:00")
    for found in (weekly("a b", waits, faster), weekly("a b", faster, waits)):
        assert [who(found, f"2026-01-{at}") for at in ("14 11:59", "15 09:59", "15 10:00", "16 10:00")] == [
            *"bbxy"
        ]


def test_nothing_before_a_change_is_different_and_the_identical_list_changes_nothing() -> None:
    plain = weekly("a b a c")
    for at in ("2026-01-12 09:00", "2026-01-21 03:17", "2026-02-02 08:59"):
        same = weekly("a b a c", change(at, "a b a c"))
        other = weekly("a b a c", change(at, "x y", policy="restart"))
        start, end = "2026-01-01", "2026-06-01"
        assert shown(same, start, end) == shown(plain, start, end)
        assert shown(other, start, at) == shown(plain, start, at)


def test_a_change_of_what_is_counted_by_active_days_keeps_who_is_on_duty() -> None:
    rotation = turns(
        "2026-01-05 00:00", "day", "a b c", advance="active", changes=(change("2026-01-13 12:00", "a b c d"),)
    )
    found = rota(layer(rotation, restrictions=(WORKDAYS,)))
    assert daily(found, "2026-01-05", 14) == "abcab--" + "cabcd--"


# --- what cannot be computed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"unit": "fortnight"}, "T5"),
        ({"clock": "sundial"}, "T5"),
        ({"advance": "sometimes"}, "R4"),
        ({"length": 0}, "R1"),
        ({"unit": "month", "clock": "elapsed"}, "T5"),
        ({"start": "1972-12-31T09:00"}, "T12"),
        ({"changes": (change("2026-01-14", when="soon"),)}, "R7"),
        ({"changes": (change("2026-01-14", policy="shuffle"),)}, "R7"),
        ({"changes": (change("2026-01-14", unit="fortnight"),)}, "T5"),
    ],
)
def test_a_rotation_that_cannot_be_computed_says_which_rule_and_answers_nobody(
    wrong: dict[str, object], rule: str
) -> None:
    given = {"start": "2026-01-05T09:00", "unit": "week", "slots": slots("a b"), **wrong}
    found = rota(layer(Rotation(**given)), always("x"))  # type: ignore[arg-type]
    assert rule in found.invalid["ops"]
    assert who(found, "2026-02-01") == "-"
