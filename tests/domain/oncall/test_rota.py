"""The one resolver as everybody asks it: names, ranges, shifts with their origins, who cannot be computed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from domain.oncall.parts import DAY, always, fix, layer, rota, shift, shown, turns, utc, who
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import RotationRow, RotationTable
from tocsin.domain.schedules import Interval, Layer, Member, Origin, Schedule
from tocsin.domain.source import BUILT_IN

MONDAY, TUESDAY = "2026-01-05", "2026-01-06"


def table(*people: str, repeats: bool = True, **more: object) -> RotationTable:
    """A row a week from 2026-01-05 on: `a/A` is primary and secondary."""
    rows = tuple(
        RotationRow(
            f"2026-01-{5 + 7 * n:02}",
            tuple(zip(("primary", "secondary"), pair.split("/"), strict=False)),
            BUILT_IN,
        )
        for n, pair in enumerate(people)
    )
    given = {"weekday": 0, "clock": "09:00", "tz": "Europe/Stockholm", "repeats": repeats, **more}
    return RotationTable(rows, BUILT_IN, **given)  # type: ignore[arg-type]


# --- names ---------------------------------------------------------------------------------------------------


def test_blocks_come_before_columns_and_win_over_one_of_the_same_name() -> None:
    block = Schedule("primary", "UTC", (always("x"),))
    found = Rota([Schedule("ops", "UTC", (always("o"),)), block], [table("a/A")])
    assert found.names() == ("ops", "primary", "secondary")
    assert found.who("primary", utc("2026-01-07")) == ("x",)
    assert found.who("secondary", utc("2026-01-07")) == ("A",)
    assert found.schedule("primary") is block


@pytest.mark.parametrize("ask", ["who", "shadows", "until"])
def test_an_unknown_name_is_an_error_and_never_nobody(ask: str) -> None:
    with pytest.raises(LookupError, match="nowhere"):
        getattr(rota(always("a")), ask)("nowhere", utc(MONDAY))
    for range_ask in ("final", "duties", "gaps"):
        with pytest.raises(LookupError, match="nowhere"):
            getattr(rota(always("a")), range_ask)("nowhere", utc(MONDAY), utc(TUESDAY))
    with pytest.raises(LookupError, match="nowhere"):
        rota(always("a")).schedule("nowhere")
    with pytest.raises(LookupError, match="nowhere"):
        rota(always("a")).with_adjustments("nowhere", [])


def test_without_any_schedule_there_is_no_name() -> None:
    assert Rota().names() == ()
    assert Rota().invalid == {}
    assert Rota().when("a", utc(MONDAY), utc(TUESDAY)) == ()


# --- tables of the handbook are schedules like all others ------------------------------------------------------


def test_lesson_16_a_column_of_a_table_takes_overrides_like_every_schedule() -> None:
    found = Rota(tables=[table("a/A", "b/B")])
    changed = found.with_adjustments("primary", [fix(1, "set", "2026-01-07", "2026-01-08", users=("x",))])
    assert changed.who("primary", utc("2026-01-07")) == ("x",)
    assert changed.who("secondary", utc("2026-01-07")) == ("A",)
    assert [i.people for i in changed.final("primary", utc("2026-01-06"), utc("2026-01-20"))] == [
        ("a",),
        ("x",),
        ("a",),
        ("b",),
        ("a",),
    ]
    assert found.who("primary", utc("2026-01-07")) == ("a",), "the rota itself is as before"


def test_several_tables_with_a_column_count_together_and_one_that_ends_becomes_a_gap() -> None:
    found = Rota(tables=[table("a/A", repeats=False), table("z", "y", repeats=False), table()])
    people = [i.people for i in found.final("primary", utc("2026-01-05"), utc("2026-02-01"))]
    assert people == [(), ("a", "z"), ("y",), ()]
    assert [i.people for i in found.final("secondary", utc("2026-01-06"), utc("2026-02-01"))] == [("A",), ()]


def test_a_table_with_a_row_without_the_column_has_a_hole_there() -> None:
    found = Rota(tables=[table("a/A", "b/")])
    assert [found.who("secondary", utc(at)) for at in ("2026-01-06", "2026-01-13")] == [("A",), ()]


def test_a_table_in_an_unknown_zone_is_invalid_and_the_other_schedules_go_on() -> None:
    for repeats in (True, False):
        lost = table("a", repeats=repeats, tz="Mars/Olympus")
        found = Rota([Schedule("ops", "UTC", (always("o"),))], [lost])
        assert list(found.invalid) == ["primary"]
        assert "T11" in found.invalid["primary"]
        assert found.who("primary", utc("2026-01-07")) == ()
        assert found.who("ops", utc("2026-01-07")) == ("o",)


# --- what cannot be computed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (layer(turns("2026-01-05 09:00", "week", "a"), tz="Mars/Olympus"), "T11"),
        (always("a", role="ghost"), "L6"),
        (always("a", since=utc("1972-01-01")), "T12"),
        (layer([shift("a", "1972-01-01", "2026-01-01")]), "T12"),
    ],
)
def test_a_layer_that_cannot_be_computed_says_the_rule_and_answers_nobody(wrong: Layer, rule: str) -> None:
    found = rota(always("x"), wrong)
    assert rule in found.invalid["ops"]
    assert who(found, MONDAY) == "-"
    assert shown(found, MONDAY, TUESDAY) == ["05 00:00 -"]
    assert found.names() == ("ops",)


def test_a_schedule_in_an_unknown_zone_is_invalid_too() -> None:
    assert "T11" in rota(always("a"), tz="Europe/Nowhere").invalid["ops"]


# --- ranges ----------------------------------------------------------------------------------------------------


def test_a_range_is_covered_exactly_and_an_empty_one_has_nothing() -> None:
    found = rota(always("a"))
    assert found.final("ops", utc(MONDAY), utc(TUESDAY)) == (Interval(utc(MONDAY), utc(TUESDAY), ("a",)),)
    for ask in ("final", "duties", "gaps"):
        assert getattr(found, ask)("ops", utc(MONDAY), utc(MONDAY)) == ()
        assert getattr(found, ask)("ops", utc(TUESDAY), utc(MONDAY)) == ()


def test_instants_are_rounded_down_to_the_minute_and_their_zone_does_not_matter() -> None:
    found = rota(layer(turns("2026-01-05 09:00", "week", "a b")))
    handoff = utc("2026-01-12 09:00")
    assert who(found, handoff - timedelta(microseconds=1)) == "a"
    assert who(found, handoff.astimezone(timezone(timedelta(hours=5)))) == "b"
    piece = found.final("ops", handoff + timedelta(seconds=59), handoff + timedelta(minutes=1, seconds=59))
    assert piece == (Interval(handoff, handoff + timedelta(minutes=1), ("b",)),)


def test_a_question_about_a_minute_says_the_same_before_and_after_the_timeline_was_computed() -> None:
    def fresh() -> Rota:
        return rota(
            always("z"),
            layer(turns("2026-01-05 09:00", "hour", "a b c", length=7), "hours", priority=1),
            fixes=[fix(1, "remove", "2026-03-01", "2026-05-01", remove="b")],
        )

    compiled = fresh()
    compiled.final("ops", utc("2025-12-01"), utc("2026-12-01"))
    for hour in range(0, 24 * 300, 5):
        at = utc("2026-01-01") + timedelta(hours=hour)
        assert who(compiled, at) == who(fresh(), at)


def test_centuries_are_possible_and_the_memo_stays_bounded() -> None:
    found = rota(layer(turns("2026-01-05 09:00", "month", "a b")))
    assert len(found.final("ops", utc("2026-01-05 09:00"), utc("2126-01-05 09:00"))) == 1200
    assert len(found._book("ops")._leaves) <= 64
    for at in ("0001-01-01", "9999-12-31 23:59"):
        assert who(found, at) in {"a", "b", "-"}


def test_until_says_when_the_people_change_next_and_looks_a_good_year_ahead() -> None:
    found = rota(layer(turns("2026-01-05 09:00", "week", "a a b")))
    assert found.until("ops", utc("2026-01-05 09:00")) == utc("2026-01-19 09:00")
    assert found.until("ops", utc("2026-01-18")) == utc("2026-01-19 09:00")
    assert found.until("ops", utc("2026-01-01")) == utc("2026-01-05 09:00"), "a gap ends too"
    assert rota(always("a")).until("ops", utc(MONDAY)) is None
    far = rota(always("a"), fixes=[fix(1, "set", "2027-02-01", "2027-02-02", users=("b",))])
    assert far.until("ops", utc("2026-01-05")) == utc("2027-02-01")
    assert far.until("ops", utc("2025-12-01")) is None


def test_duties_are_cut_at_turns_and_say_where_they_come_from() -> None:
    fixes = [
        fix(7, "replace", "2026-01-06 12:00", "2026-01-06 18:00", remove="a", add="x"),
        fix(8, "replace", "2026-01-05 12:00", "2026-01-05 18:00", remove="nobody", add="x"),
        fix(9, "set", "2026-01-07 00:00", "2026-01-07 06:00", users=("y",), layer="days"),
    ]
    found = rota(layer(turns("2026-01-05 00:00", "day", "a"), "days"), fixes=fixes)
    lines = [
        (f"{d.start:%d %H:%M}", " ".join(d.people), d.origins)
        for d in found.duties("ops", utc("2026-01-05"), utc("2026-01-08"))
    ]
    replaced = (Origin("days", 1), Origin(adjustments=(7,)))
    assert lines == [
        ("05 00:00", "a", (Origin("days", 0),)),
        ("06 00:00", "a", (Origin("days", 1),)),
        ("06 12:00", "x", replaced),
        ("06 18:00", "a", (Origin("days", 1),)),
        ("07 00:00", "y", (Origin("days", 2, (9,)),)),
        ("07 06:00", "a", (Origin("days", 2),)),
    ]
    assert [d.origins for d in rota().duties("ops", utc(MONDAY), utc(TUESDAY))] == [()]


def test_when_somebody_is_on_call_over_all_schedules_with_her_turns_joined() -> None:
    one = Schedule("one", "UTC", (layer(turns("2026-01-05 00:00", "day", "a+b a b")),))
    two = Schedule("two", "UTC", (always("b"),))
    found = Rota([one, two])
    assert found.when("a", utc("2026-01-05"), utc("2026-01-09")) == (
        ("one", utc("2026-01-05"), utc("2026-01-07")),
        ("one", utc("2026-01-08"), utc("2026-01-09")),
    )
    assert [name for name, *_ in found.when("b", utc("2026-01-05"), utc("2026-01-09"))] == [
        "one",
        "one",
        "two",
    ]
    assert found.when("c", utc("2026-01-05"), utc("2026-01-09")) == ()


def test_a_preview_adds_adjustments_and_replaces_one_of_the_same_number() -> None:
    first = fix(1, "set", "2026-01-05", "2026-01-08", users=("x",))
    found = rota(always("a"), fixes=[first])
    more = found.with_adjustments("ops", [fix(2, "set", "2026-01-06", "2026-01-07", users=("y",))])
    assert shown(more, MONDAY, "2026-01-09") == [
        "05 00:00 x",
        "06 00:00 y",
        "07 00:00 x",
        "08 00:00 a",
    ]
    ended = found.with_adjustments("ops", [replace(first, revoked_at=utc("2026-01-06"))])
    assert shown(ended, MONDAY, "2026-01-09") == ["05 00:00 x", "06 00:00 a"]
    assert ended.names() == found.names()


def test_members_of_whom_nobody_asked_do_not_matter() -> None:
    found = rota(always("a"), members=[Member("z", "Mars/Olympus", utc(MONDAY), utc(TUESDAY))])
    assert not found.invalid
    assert who(found, utc(MONDAY) + DAY) == "a"
