"""Layers on top of each other and what people change on top of them: L1 to L6, A1 to A11, R13."""

from __future__ import annotations

import pytest

from domain.oncall.parts import always, fix, layer, rota, shift, shown, turns, utc, who
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Adjustment, Member, Restriction

OFFICE = (Restriction("daily", "09:00", "17:00"),)
DAY_ONE, DAY_TWO = "2026-01-05", "2026-01-06"


def by(*fixes: Adjustment, people: str = "a+b") -> Rota:
    return rota(always(people), fixes=fixes)


def day(found: Rota) -> list[str]:
    return shown(found, DAY_ONE, DAY_TWO)


def over(seq: int, kind: str, hours: str = "00-24", **more: object) -> Adjustment:
    """An adjustment between two full hours of Monday."""
    start, _, end = hours.partition("-")
    until = f"{DAY_TWO} 00:00" if end == "24" else f"{DAY_ONE} {end}:00"
    return fix(seq, kind, f"{DAY_ONE} {start}:00", until, **more)


# --- layers --------------------------------------------------------------------------------------------------


def test_the_highest_priority_with_anybody_wins_and_an_empty_layer_shows_what_is_below() -> None:
    found = rota(always("low"), always("high", priority=1, restrictions=OFFICE))
    assert day(found) == ["05 00:00 low", "05 09:00 high", "05 17:00 low"]


def test_layers_of_one_priority_count_together_each_person_once_in_their_order() -> None:
    found = rota(always("b", priority=5), always("a+b", priority=5), always("never", priority=4))
    assert who(found, DAY_ONE) == "b a"


def test_a_layer_holds_from_since_until_until() -> None:
    found = rota(
        always("a", since=utc("2026-01-05 06:00"), until=utc("2026-01-05 18:00")), always("z", priority=-1)
    )
    assert day(found) == ["05 00:00 z", "05 06:00 a", "05 18:00 z"]


def test_somebody_inactive_is_passed_over_and_the_layer_below_shows() -> None:
    left = [Member("a", inactive_from=utc("2026-01-05 12:00:40"))]
    found = rota(always("z"), always("a", priority=1), members=left)
    assert day(found) == ["05 00:00 a", "05 12:00 z"]
    alone = rota(layer(turns("2026-01-05 00:00", "day", "a b")), members=left)
    lines = shown(alone, DAY_ONE, "2026-01-09")
    assert lines == ["05 00:00 a", "05 12:00 -", "06 00:00 b", "07 00:00 -", "08 00:00 b"], "places stay"


def test_somebody_who_is_not_there_yet_is_passed_over_until_she_is() -> None:
    found = rota(always("a+b"), members=[Member("b", active_from=utc("2026-01-05 08:00"))])
    assert day(found) == ["05 00:00 a", "05 08:00 a b"]


def test_a_shadow_layer_never_counts_and_is_asked_for_by_itself() -> None:
    trainee = always("t", "trainee", role="shadow", priority=9)
    second = always("u", "second", role="shadow", priority=3)
    found = rota(always("a"), trainee, second, fixes=[over(1, "set", users=("x",))])
    assert day(found) == ["05 00:00 x"]
    assert found.shadows("ops", utc(DAY_ONE)) == ("t", "u")
    assert who(rota(trainee), DAY_ONE) == "-"
    assert rota(trainee).gaps("ops", utc(DAY_ONE), utc(DAY_TWO))


def test_overlapping_shifts_count_together_in_the_order_of_the_list() -> None:
    shifts = [
        shift("b", f"{DAY_ONE} 06:00", f"{DAY_ONE} 12:00"),
        shift("a b", f"{DAY_ONE} 03:00", f"{DAY_ONE} 09:00"),
        shift("x", f"{DAY_ONE} 09:00", f"{DAY_ONE} 09:00"),
    ]
    assert day(rota(layer(shifts))) == [
        "05 00:00 -",
        "05 03:00 a b",  # until 09:00 the same two, although in another order from 06:00 on
        "05 09:00 b",
        "05 12:00 -",
    ]
    assert who(rota(layer(shifts)), f"{DAY_ONE} 07:00") == "b a"


# --- adjustments of the result -------------------------------------------------------------------------------


def test_every_kind_does_what_it_says() -> None:
    assert day(by(over(1, "set", "08-10", users=("x", "y", "x")))) == [
        "05 00:00 a b",
        "05 08:00 x y",
        "05 10:00 a b",
    ]
    assert who(by(over(1, "replace", remove="a", add="x")), DAY_ONE) == "x b"
    assert who(by(over(1, "replace", remove="q", add="x")), DAY_ONE) == "a b"
    assert who(by(over(1, "replace", remove="a", add="b")), DAY_ONE) == "b"
    assert who(by(over(1, "add", add="x")), DAY_ONE) == "a b x"
    assert who(by(over(1, "add", add="a")), DAY_ONE) == "a b"
    assert who(by(over(1, "remove", remove="a")), DAY_ONE) == "b"
    assert who(by(over(1, "set")), DAY_ONE) == "-"


def test_a_swap_counts_only_once_somebody_took_it() -> None:
    assert who(by(over(1, "swap", remove="a")), DAY_ONE) == "a b"
    assert who(by(over(1, "swap", remove="a", add="x")), DAY_ONE) == "x b"


def test_lesson_17_overriding_an_override_needs_no_surgery_and_the_earlier_one_comes_back() -> None:
    earlier = over(1, "set", "06-18", users=("x",))
    later = over(2, "set", "03-09", users=("y",))
    expected = ["05 00:00 a b", "05 03:00 y", "05 09:00 x", "05 18:00 a b"]
    assert day(by(earlier, later)) == day(by(later, earlier)) == expected


def test_lesson_18_an_override_of_one_person_leaves_the_layers_beside_her_alone() -> None:
    beside = rota(always("a", "one"), always("b", "two"), fixes=[over(1, "replace", remove="a", add="x")])
    assert who(beside, DAY_ONE) == "x b"
    one_layer = rota(
        always("a", "one"), always("b", "two"), fixes=[over(1, "set", users=("x",), layer="one")]
    )
    assert who(one_layer, DAY_ONE) == "x b"


def test_lesson_19_a_chain_of_replacements_depends_on_the_order_of_creation_everywhere() -> None:
    to_x, to_y = (
        over(1, "replace", "08-20", remove="a", add="x"),
        over(2, "replace", "10-12", remove="x", add="y"),
    )
    chain = by(to_x, to_y)
    assert day(chain) == ["05 00:00 a b", "05 08:00 x b", "05 10:00 y b", "05 12:00 x b", "05 20:00 a b"]
    assert day(by(to_x).with_adjustments("ops", [to_y])) == day(chain)
    swapped = by(
        over(2, "replace", "08-20", remove="a", add="x"), over(1, "replace", "10-12", remove="x", add="y")
    )
    assert who(swapped, f"{DAY_ONE} 11:00") == "x b"
    assert who(chain, f"{DAY_ONE} 11:00") == "y b"


def test_lesson_20_a_temporary_schedule_with_holes_shows_the_ordinary_one_in_them() -> None:
    shifts = (
        shift("x", f"{DAY_ONE} 08:00", f"{DAY_ONE} 10:00"),
        shift("y", f"{DAY_ONE} 12:00", f"{DAY_TWO} 12:00"),
    )
    base = by(over(1, "temporary", "06-18", shifts=shifts))
    assert day(base) == ["05 00:00 a b", "05 08:00 x", "05 10:00 a b", "05 12:00 y", "05 18:00 a b"]
    none = by(over(1, "temporary", "06-18", shifts=shifts, fallback="none"))
    assert day(none)[1:5] == ["05 06:00 -", "05 08:00 x", "05 10:00 -", "05 12:00 y"]


def test_a_revoked_adjustment_ends_then_and_one_revoked_at_its_start_never_was() -> None:
    cut = over(1, "set", "06-18", users=("x",), revoked_at=utc(f"{DAY_ONE} 09:00:30"))
    assert day(by(cut)) == ["05 00:00 a b", "05 06:00 x", "05 09:00 a b"]
    assert day(by(over(1, "set", "06-18", users=("x",), revoked_at=utc(f"{DAY_ONE} 06:00")))) == [
        "05 00:00 a b"
    ]
    late = over(1, "set", "06-18", users=("x",), revoked_at=utc(DAY_TWO))
    assert day(by(late)) == ["05 00:00 a b", "05 06:00 x", "05 18:00 a b"]


def test_an_adjustment_that_only_touches_the_range_changes_nothing() -> None:
    before = fix(1, "set", "2026-01-04 00:00", DAY_ONE, users=("x",))
    after = fix(2, "set", DAY_TWO, "2026-01-07", users=("x",))
    assert day(by(before, after)) == ["05 00:00 a b"]


def test_an_override_by_a_ghost_is_a_gap() -> None:
    ghost = [Member("x", inactive_from=utc("2026-01-05 12:00"))]
    found = rota(always("a"), fixes=[over(1, "set", users=("x",))], members=ghost)
    assert day(found) == ["05 00:00 x", "05 12:00 -"]
    scoped = rota(always("a"), fixes=[over(1, "set", users=("x",), layer="always")], members=ghost)
    assert day(scoped) == ["05 00:00 x", "05 12:00 -"]
    # who replaces a ghost in the layers replaces nobody
    gone = rota(always("x"), fixes=[over(1, "replace", remove="x", add="y")], members=ghost)
    assert day(gone) == ["05 00:00 y", "05 12:00 -"]


# --- adjustments of one layer --------------------------------------------------------------------------------


def test_an_adjustment_of_a_layer_does_not_extend_its_hours() -> None:
    office = always("a", "office", priority=1, restrictions=OFFICE)
    found = rota(always("z"), office, fixes=[over(1, "set", users=("x",), layer="office")])
    assert day(found) == ["05 00:00 z", "05 09:00 x", "05 17:00 z"]
    for hole in (always("-", "top", priority=1), always("gone", "top", priority=1)):
        ghosts = [Member("gone", inactive_from=utc("2026-01-01"))]
        found = rota(always("z"), hole, fixes=[over(1, "set", users=("x",), layer="top")], members=ghosts)
        assert who(found, DAY_ONE) == "z"
        assert day(found) == ["05 00:00 z"]


def test_a_removal_in_a_layer_shows_the_one_below_and_a_removal_from_the_schedule_does_not() -> None:
    layers = always("z"), always("a", "top", priority=1)
    assert who(rota(*layers, fixes=[over(1, "remove", remove="a", layer="top")]), DAY_ONE) == "z"
    assert who(rota(*layers, fixes=[over(1, "remove", remove="a")]), DAY_ONE) == "-"
    assert who(rota(*layers, fixes=[over(1, "set", layer="top")]), DAY_ONE) == "z"
    again = [over(1, "set", layer="top"), over(2, "set", "06-12", layer="top", users=("x",))]
    assert day(rota(*layers, fixes=again)) == ["05 00:00 z", "05 06:00 x", "05 12:00 z"]


def test_adjustments_of_layers_come_before_those_of_the_schedule_whenever_they_were_made() -> None:
    fixes = [over(1, "replace", remove="x", add="y"), over(2, "set", users=("x",), layer="always")]
    assert who(rota(always("a"), fixes=fixes), DAY_ONE) == "y"


def test_an_adjustment_of_a_layer_that_is_not_there_changes_nothing() -> None:
    assert who(rota(always("a"), fixes=[over(1, "set", users=("x",), layer="gone")]), DAY_ONE) == "a"


@pytest.mark.parametrize("wrong", [{"kind": "perhaps"}, {"kind": "temporary", "fallback": "maybe"}])
def test_an_unknown_kind_makes_the_schedule_invalid(wrong: dict[str, str]) -> None:
    found = by(over(1, **wrong))  # type: ignore[arg-type]
    assert "A" in found.invalid["ops"]
