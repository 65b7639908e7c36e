"""What holds for every schedule, drawn by chance; and the resolver against the slow one written from the rules.

Numbers in the names are those of the list in docs/oncall-proof.md. TOCSIN_SOAK_SCHEDULES and TOCSIN_SOAK_SEED say how
many schedules the long comparison draws, and from which seed on.
"""

from __future__ import annotations

import faulthandler
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random, SystemRandom

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oncall_reference.cases import PEOPLE, ZONES, Case, case
from oncall_reference.clocks import Skipping, changes, instant, minute, reading, wall
from oncall_reference.compare import Named, agrees, disagreement, moments, named, rota_of
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Layer,
    Member,
    Rotation,
    Schedule,
    Slot,
)

MINUTE = timedelta(minutes=1)
WEEK = timedelta(weeks=1)
LONG_AGO, FAR_AHEAD = datetime(1980, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
ALWAYS_THERE = Member("zoe")
FIGURES = Path(__file__).resolve().parents[2] / "var" / "oncall-proof.json"

seeds = st.integers(0, 2**40)
cases = seeds.map(case)
many = settings(max_examples=60)


def final(drawn: Case, start: datetime | None = None, end: datetime | None = None) -> Named:
    """The final schedule, people as sorted names."""
    return named(rota_of(drawn).final(drawn.schedule.name, start or drawn.start, end or drawn.end))


def changed(drawn: Case, **what: object) -> Case:
    return replace(drawn, schedule=replace(drawn.schedule, **what))


def with_layer(drawn: Case, extra: Layer) -> Case:
    return changed(drawn, layers=(*drawn.schedule.layers, extra))


def with_adjustment(drawn: Case, kind: str, start: datetime, end: datetime, **what: object) -> Case:
    extra = Adjustment(1_000_000, kind, start, end, **what)  # type: ignore[arg-type] # drawn by name
    return changed(drawn, adjustments=(*drawn.schedule.adjustments, extra))


def within(intervals: Named, start: datetime, end: datetime) -> Named:
    cut = [(max(a, start), min(b, end), people) for a, b, people in intervals]
    return joined([piece for piece in cut if piece[0] < piece[1]])


def joined(intervals: list[tuple[datetime, datetime, tuple[str, ...]]]) -> Named:
    found: list[tuple[datetime, datetime, tuple[str, ...]]] = []
    for start, end, people in intervals:
        if found and found[-1][2] == people:
            found[-1] = (found[-1][0], end, people)
        else:
            found.append((start, end, people))
    return tuple(found)


def somewhere(drawn: Case) -> datetime:
    """A minute strictly inside the range, the same for the same case."""
    length = (drawn.end - drawn.start) // MINUTE
    return drawn.start + Random(drawn.seed).randrange(1, length) * MINUTE


def without_last_words(drawn: Case) -> Case:
    """Only adjustments of layers: those of the schedule may remove whoever is there (A9)."""
    return changed(drawn, adjustments=tuple(a for a in drawn.schedule.adjustments if a.layer is not None))


def alone(rotation: Rotation, tz: str = "UTC", since: datetime | None = LONG_AGO) -> Rota:
    return Rota([Schedule("one", tz, (Layer("only", 0, tz, since=since, rotation=rotation),))])


def of_one(rotation: Rotation, tz: str, start: datetime, end: datetime) -> Named:
    return named(alone(rotation, tz).final("one", start, end))


# --- against the slow resolver --------------------------------------------------------------------------------------


@settings(max_examples=250)
@given(cases)
def test_the_resolver_says_what_the_rules_say(drawn: Case) -> None:
    agrees(drawn)


@pytest.mark.parametrize("tz", ZONES)
def test_the_resolver_says_what_the_rules_say_in_every_zone(tz: str) -> None:
    for seed in range(12):
        agrees(case(seed, (tz,)))


# --- the final schedule ---------------------------------------------------------------------------------------------


@many
@given(cases)
def test_1_2_3_and_16_intervals_cover_the_range_touch_and_differ(drawn: Case) -> None:
    intervals = final(drawn)
    assert (intervals[0][0], intervals[-1][1]) == (drawn.start, drawn.end)
    assert all(start < end for start, end, _ in intervals)
    assert all(one[1] == other[0] and one[2] != other[2] for one, other in pairwise(intervals))
    assert sum((end - start for start, end, _ in intervals), timedelta()) == drawn.end - drawn.start


@many
@given(cases)
def test_4_two_parts_are_the_whole(drawn: Case) -> None:
    between = somewhere(drawn)
    parts = [*final(drawn, end=between), *final(drawn, start=between)]
    assert joined(parts) == final(drawn)


@many
@given(cases)
def test_5_what_lies_around_does_not_matter(drawn: Case) -> None:
    wider = final(drawn, drawn.start - 11 * WEEK, drawn.end + 11 * WEEK)
    assert within(wider, drawn.start, drawn.end) == final(drawn)


@many
@given(cases)
def test_6_only_people_who_are_named_appear(drawn: Case) -> None:
    said = repr(drawn.schedule)
    assert all(f"'{person}'" in said for _, _, people in final(drawn) for person in people)


@many
@given(cases)
def test_7_nobody_appears_who_is_inactive(drawn: Case) -> None:
    left = {m.handle: m.inactive_from or FAR_AHEAD for m in drawn.members}
    came = {m.handle: m.active_from or LONG_AGO for m in drawn.members}
    for start, end, people in final(drawn):
        assert all(came[person] <= start and end <= left[person] for person in people)


@many
@given(cases)
def test_8_the_last_set_over_all_of_it_is_the_result(drawn: Case) -> None:
    drawn = replace(drawn, members=(*drawn.members, ALWAYS_THERE))
    over = with_adjustment(drawn, "set", drawn.start, drawn.end, users=("zoe",))
    assert final(over) == ((drawn.start, drawn.end, ("zoe",)),)


@many
@given(cases)
def test_9_a_swap_that_nobody_took_is_not_seen(drawn: Case) -> None:
    assert final(with_adjustment(drawn, "swap", drawn.start, drawn.end, remove="ana")) == final(drawn)


@many
@given(cases)
def test_10_what_only_touches_the_range_changes_nothing_in_it(drawn: Case) -> None:
    before = with_adjustment(drawn, "set", drawn.start - WEEK, drawn.start, users=("ana",))
    after = with_adjustment(drawn, "set", drawn.end, drawn.end + WEEK, users=("ana",))
    assert final(before) == final(after) == final(drawn)


@many
@given(cases)
def test_11_a_shadow_layer_changes_nothing(drawn: Case) -> None:
    rotation = Rotation("2020-01-06T09:00", "day", (("zoe",), ("ana", "bo")))
    shadow = Layer("shadow", 99, drawn.schedule.tz, role="shadow", since=LONG_AGO, rotation=rotation)
    assert final(with_layer(drawn, shadow)) == final(drawn)


@many
@given(cases)
def test_12_an_empty_layer_changes_nothing(drawn: Case) -> None:
    holes = Rotation("2020-01-06T09:00", "hour", ((), ()))
    empty = Layer("empty", 99, drawn.schedule.tz, since=LONG_AGO, rotation=holes)
    assert final(with_layer(drawn, empty)) == final(drawn)


@many
@given(cases)
def test_13_and_14_a_layer_below_all_fills_the_gaps_and_nothing_else(drawn: Case) -> None:
    drawn = without_last_words(replace(drawn, members=(*drawn.members, ALWAYS_THERE)))
    ghosts = {a.layer for a in drawn.schedule.adjustments if a.kind in {"set", "replace"}}
    assume(not ghosts or all(m.active_from is None and m.inactive_from is None for m in drawn.members))
    below = Layer(
        "below", -99, "UTC", since=LONG_AGO, rotation=Rotation("2020-01-06T09:00", "week", (("zoe",),))
    )
    filled = [(start, end, people or ("zoe",)) for start, end, people in final(drawn)]
    assert final(with_layer(drawn, below)) == joined(filled)


@many
@given(cases)
def test_15_other_names_give_the_same_schedule_with_other_names(drawn: Case) -> None:
    other = dict(zip(PEOPLE, ("hal", "ida", "jo", "kim", "lou", "max", "nia"), strict=True))
    renamed = replace(drawn, schedule=rename(drawn.schedule, other), members=rename(drawn.members, other))
    wanted = [(a, b, tuple(sorted(other[person] for person in people))) for a, b, people in final(drawn)]
    assert final(renamed) == tuple(wanted)


def rename(value: object, other: dict[str, str]) -> object:
    """Every string that is a person, wherever it stands."""
    if isinstance(value, str):
        return other.get(value, value)
    if isinstance(value, tuple):
        return tuple(rename(part, other) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(
            value, **{name: rename(getattr(value, name), other) for name in value.__dataclass_fields__}
        )  # type: ignore[type-var]
    return value


@many
@given(cases)
def test_17_a_question_about_a_minute_is_answered_by_its_interval(drawn: Case) -> None:
    rota = rota_of(drawn)
    intervals = rota.final(drawn.schedule.name, drawn.start, drawn.end)
    for at in moments(drawn, intervals):
        (found,) = [entry for entry in intervals if entry.start <= at < entry.end]
        assert sorted(rota.who(drawn.schedule.name, at)) == sorted(found.people), at


@many
@given(cases)
def test_29_point_questions_without_a_timeline_agree_with_the_timeline(drawn: Case) -> None:
    intervals = rota_of(drawn).final(drawn.schedule.name, drawn.start, drawn.end)
    for entry in intervals:
        never_compiled = rota_of(drawn)
        for at in (entry.start, entry.end - MINUTE):
            assert sorted(never_compiled.who(drawn.schedule.name, at)) == sorted(entry.people), at


@many
@given(cases)
def test_the_next_change_is_where_the_interval_ends(drawn: Case) -> None:
    rota = rota_of(drawn)
    intervals = rota.final(drawn.schedule.name, drawn.start, drawn.end)
    for entry in intervals[:-1]:
        assert rota.until(drawn.schedule.name, entry.start) == entry.end
        assert rota.until(drawn.schedule.name, entry.end - MINUTE) == entry.end


@many
@given(cases)
def test_duties_are_the_final_schedule_cut_at_turns(drawn: Case) -> None:
    rota = rota_of(drawn)
    duties = rota.duties(drawn.schedule.name, drawn.start, drawn.end)
    whole = rota.final(drawn.schedule.name, drawn.start, drawn.end)
    cut = [(entry.start, entry.end, tuple(sorted(entry.people))) for entry in duties]
    assert joined(cut) == named(whole)
    assert all(one[1] == other[0] for one, other in pairwise(cut))


@many
@given(cases)
def test_when_somebody_is_on_call_is_where_the_final_schedule_names_her(drawn: Case) -> None:
    rota = rota_of(drawn)
    intervals = rota.final(drawn.schedule.name, drawn.start, drawn.end)
    for person in PEOPLE:
        there = [(entry.start, entry.end, ("x",) if person in entry.people else ()) for entry in intervals]
        wanted = [(drawn.schedule.name, start, end) for start, end, people in joined(there) if people]
        assert list(rota.when(person, drawn.start, drawn.end)) == wanted


# --- rotations ------------------------------------------------------------------------------------------------------


@st.composite
def beats(draw: st.DrawFn) -> tuple[str, Rotation, datetime, datetime]:
    """A zone, a rotation of one layer without hours or changes, and a range around a change of the clock."""
    random = Random(draw(seeds))
    tz = random.choice(ZONES)
    middle = random.choice(changes(tz) or (reading("2026-03-29T01:00"),))
    unit, length = random.choice(
        (("hour", 1), ("hour", 5), ("hour", 12), ("day", 1), ("day", 3), ("week", 1), ("month", 1))
    )
    anchor = (
        wall(tz, middle) - random.randrange(0, 40) * 1440 + random.choice((-90, -60, -30, -1, 0, 1, 30, 60))
    )
    slots: tuple[Slot, ...] = tuple((person,) for person in PEOPLE[: random.randint(2, 7)])
    rotation = Rotation(f"{instant(anchor):%Y-%m-%dT%H:%M}", unit, slots, length)
    return tz, rotation, instant(middle - 9 * 1440), instant(middle + 12 * 1440)


@many
@given(beats())
def test_18_a_rotation_around_the_clock_has_no_gap_and_nobody_twice(
    beat: tuple[str, Rotation, datetime, datetime],
) -> None:
    tz, rotation, start, end = beat
    assert all(len(people) == 1 for _, _, people in of_one(rotation, tz, start, end))


@many
@given(beats())
def test_19_hand_offs_read_what_was_agreed_unless_the_clock_skips_it(
    beat: tuple[str, Rotation, datetime, datetime],
) -> None:
    tz, rotation, start, end = beat
    assume(rotation.unit != "month")
    step = rotation.length * {"hour": 60, "day": 1440, "week": 10080}[rotation.unit]
    for handoff, _, _ in of_one(rotation, tz, start, end)[1:]:
        u = minute(handoff)
        before, after = wall(tz, u - 1), wall(tz, u)
        nominal = reading(rotation.start) + -(-(before + 1 - reading(rotation.start)) // step) * step
        assert before < nominal <= after
        assert nominal == after or after > before + 1


@many
@given(beats())
def test_19_the_same_readings_give_the_same_turns_in_any_unit(
    beat: tuple[str, Rotation, datetime, datetime],
) -> None:
    tz, rotation, start, end = beat
    daily, by_hours = (replace(rotation, unit=unit, length=n) for unit, n in (("day", 1), ("hour", 24)))
    weekly, by_days = (replace(rotation, unit=unit, length=n) for unit, n in (("week", 1), ("day", 7)))
    assert of_one(daily, tz, start, end) == of_one(by_hours, tz, start, end)
    assert of_one(weekly, tz, start, end) == of_one(by_days, tz, start, end)


@many
@given(beats(), st.integers(1, 30))
def test_20_an_earlier_anchor_beyond_changes_of_the_clock_shifts_nothing(
    beat: tuple[str, Rotation, datetime, datetime], rounds: int
) -> None:
    tz, rotation, start, end = beat
    assume(rotation.unit != "month")
    one_round = (
        rotation.length * {"hour": 60, "day": 1440, "week": 10080}[rotation.unit] * len(rotation.slots)
    )
    earlier = instant(reading(rotation.start) - rounds * one_round)
    moved = replace(rotation, start=f"{earlier:%Y-%m-%dT%H:%M}")
    assert of_one(moved, tz, start, end) == of_one(rotation, tz, start, end)


@many
@given(beats(), st.integers(1, 60))
def test_21_everybody_serves_as_often_as_anybody_give_or_take_one(
    beat: tuple[str, Rotation, datetime, datetime], turns: int
) -> None:
    _, rotation, start, _ = beat
    rotation = replace(rotation, unit="day", start=f"{start:%Y-%m-%dT%H:%M}")
    length = timedelta(days=rotation.length)
    rota = alone(rotation)
    served = [rota.who("one", start + k * length)[0] for k in range(turns)]
    for (person,) in rotation.slots:
        assert abs(served.count(person) - turns / len(rotation.slots)) < 1


# --- changes of a rotation ------------------------------------------------------------------------------------------


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, Rotation, datetime, datetime, datetime]:
    """As `beats`, with an instant at which somebody changes the list."""
    tz, rotation, start, end = draw(beats())
    at = start + Random(draw(seeds)).randrange((end - start) // MINUTE) * MINUTE
    return tz, rotation, start, end, at


Edit = tuple[str, Rotation, datetime, datetime, datetime]


@many
@given(edits())
def test_22_a_new_member_at_the_end_changes_nobody_before_the_list_begins_anew(edit: Edit) -> None:
    tz, rotation, start, end, at = edit
    longer = replace(rotation, changes=(Change(at, slots=(*rotation.slots, ("zoe",))),))
    now, then = of_one(rotation, tz, start, end), of_one(longer, tz, start, end)
    (on_duty,) = alone(rotation, tz).who("one", at)
    left = len(rotation.slots) - 1 - rotation.slots.index((on_duty,))
    following = [entry for entry in now if entry[1] > at][: left + 1]
    assert then[: len([entry for entry in now if entry[1] <= at])] == tuple(
        entry for entry in now if entry[1] <= at
    )
    assert [entry for entry in then if entry[1] > at][: left + 1] == following
    if (after := [entry for entry in then if entry[1] > at][left + 1 : left + 2]) and rotation.unit != "hour":
        assert after[0][2] == ("zoe",)


@many
@given(edits(), st.integers(1, 6))
def test_23_removing_somebody_else_does_not_end_the_turn(edit: Edit, which: int) -> None:
    tz, rotation, start, end, at = edit
    (on_duty,) = alone(rotation, tz).who("one", at)
    others = [slot for slot in rotation.slots if slot != (on_duty,)]
    gone = others[which % len(others)]
    shorter = replace(rotation, changes=(Change(at, slots=tuple(s for s in rotation.slots if s != gone)),))
    (running,) = [entry for entry in of_one(rotation, tz, start, end) if entry[0] <= at < entry[1]]
    turn_goes_on = next(entry for entry in of_one(shorter, tz, start, end) if entry[0] <= at < entry[1])
    assert turn_goes_on[2] == running[2]
    assert turn_goes_on[0] == running[0]
    assert turn_goes_on[1] == running[1] or len(others) == 1


@many
@given(
    cases,
    st.sampled_from(["keep_current", "restart", "positional"]),
    st.sampled_from(["now", "next_handoff"]),
)
def test_24_no_change_reaches_back(drawn: Case, policy: str, when: str) -> None:
    at = somewhere(drawn)
    layers = tuple(
        entry
        if entry.rotation is None
        else replace(entry, rotation=replace(entry.rotation, changes=(*entry.rotation.changes, Change(
            at, when, policy, (("zoe",), ("bo",)), unit="day", length=1))))
        for entry in drawn.schedule.layers
    )  # fmt: skip
    assert final(changed(drawn, layers=layers), end=at) == final(drawn, end=at)


@many
@given(cases, st.sampled_from(["now", "next_handoff"]))
def test_25_a_change_to_the_same_list_changes_nothing(drawn: Case, when: str) -> None:
    at = somewhere(drawn)
    layers = tuple(
        entry
        if entry.rotation is None or entry.rotation.changes
        else replace(
            entry, rotation=replace(entry.rotation, changes=(Change(at, when, slots=entry.rotation.slots),))
        )
        for entry in drawn.schedule.layers
    )
    assert final(changed(drawn, layers=layers)) == final(drawn)


# --- windows, weeks, zones ------------------------------------------------------------------------------------------


@many
@given(cases)
def test_26_the_order_of_windows_and_saying_one_twice_mean_nothing(drawn: Case) -> None:
    layers = tuple(
        replace(entry, restrictions=(*reversed(entry.restrictions), *entry.restrictions))
        for entry in drawn.schedule.layers
    )
    assert final(changed(drawn, layers=layers)) == final(drawn)


@many
@given(seeds.map(lambda seed: case(seed, ("UTC",))), st.integers(-60, 60))
def test_27_whole_weeks_later_everything_is_whole_weeks_later(drawn: Case, weeks: int) -> None:
    assume("'month'" not in repr(drawn.schedule))
    by = weeks * WEEK
    later = shift(drawn, by)
    assert isinstance(later, Case)
    assert final(later) == tuple((start + by, end + by, people) for start, end, people in final(drawn))


def shift(value: object, by: timedelta) -> object:
    """Every instant, every local reading and every date, that much later."""
    if isinstance(value, datetime):
        return value + by
    if isinstance(value, str) and len(value) in {10, 16} and value[4:5] == value[7:8] == "-":
        return f"{datetime.fromisoformat(value) + by:%Y-%m-%dT%H:%M}"[: len(value)]
    if isinstance(value, tuple):
        return tuple(shift(part, by) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(
            value, **{name: shift(getattr(value, name), by) for name in value.__dataclass_fields__}
        )  # type: ignore[type-var]
    return value


@many
@given(seeds.map(lambda seed: case(seed, ("UTC", "Asia/Kolkata"))))
def test_28_where_the_clock_never_changes_elapsed_time_is_wall_time(drawn: Case) -> None:
    assume("'month'" not in repr(drawn.schedule))

    def by(clock: str) -> Case:
        return changed(drawn, layers=tuple(
            entry if entry.rotation is None
            else replace(entry, rotation=replace(entry.rotation, clock=clock, changes=tuple(
                replace(change, clock=clock) for change in entry.rotation.changes)))
            for entry in drawn.schedule.layers
        ))  # fmt: skip

    assert final(by("elapsed")) == final(by("wall"))


def test_first_of_a_reading_is_what_a_hand_off_means() -> None:
    """One line through all of it: the reading that Berlin skips is handed over at the jump (T2, R1)."""
    rotation = Rotation("2026-03-28T02:30", "day", (("ana",), ("bo",)))
    found = of_one(
        rotation, "Europe/Berlin", instant(reading("2026-03-28T12:00")), instant(reading("2026-03-29T12:00"))
    )
    assert found[1][0] == instant(Skipping.first("Europe/Berlin", reading("2026-03-29T02:30")))
    assert f"{found[1][0]:%H:%M}" == "01:00"


# --- the long comparison --------------------------------------------------------------------------------------------


def compared(chunk: tuple[int, int]) -> tuple[int, list[str], dict[str, int]]:
    """Points compared, what disagreed, schedules per zone."""
    points, found, zones = 0, [], dict.fromkeys(ZONES, 0)
    for seed in range(*chunk):
        drawn = case(seed)
        what, count = disagreement(drawn)
        points += count
        zones[drawn.schedule.tz] += 1
        found += [f"{seed}: {what}"] if what else []
    return points, found, zones


@pytest.mark.soak
def test_twenty_thousand_schedules_say_what_the_rules_say() -> None:
    count = int(os.environ.get("TOCSIN_SOAK_SCHEDULES", "20000"))
    seed = int(os.environ.get("TOCSIN_SOAK_SEED") or SystemRandom().randrange(10**9))
    faulthandler.cancel_dump_traceback_later()  # it takes longer than a test may that hangs
    begun = time.monotonic()
    chunks = [(at, min(at + 250, seed + count)) for at in range(seed, seed + count, 250)]
    with ProcessPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(compared, chunks))
    disagreements = [line for _, lines, _ in results for line in lines]
    figures = {
        "schedules": count,
        "zones": {tz: sum(zones[tz] for _, _, zones in results) for tz in ZONES},
        "points": sum(points for points, _, _ in results),
        "disagreements": len(disagreements),
        "seconds": round(time.monotonic() - begun),
        "seeds": [seed, seed + count - 1],
    }
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps({**figures, "found": disagreements[:20]}, indent=1), "utf-8")
    print(json.dumps(figures))
    assert disagreements == []
    assert min(figures["zones"].values()) > 0 or count < 200
