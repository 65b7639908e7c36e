"""What an edit of a schedule changes, and times that a clock shows twice or never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.preview import SOON, preview
from tocsin.domain.readings import after_jump, instants_of, with_offset
from tocsin.domain.schedules import Adjustment, Layer, Member, Rotation, Schedule

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(weeks=8)
PEOPLE = ("ann", "bo", "cy")
HOURS = st.integers(0, 8 * 7 * 24)


def rota(*adjustments: Adjustment) -> Rota:
    rotation = Rotation("2026-01-05T09:00", "week", tuple((p,) for p in PEOPLE))
    layer = Layer("first", 1, "Europe/Berlin", rotation=rotation)
    schedule = Schedule("platform", "Europe/Berlin", (layer,), adjustments)
    return Rota([schedule], (), [Member(p) for p in (*PEOPLE, "dee")])


def made(kind: str, start: int, end: int, **other: object) -> Adjustment:
    return Adjustment(9, kind, START + timedelta(hours=start), START + timedelta(hours=end), **other)  # type: ignore[arg-type]


@given(st.sampled_from(["set", "add", "remove", "replace"]), HOURS, HOURS, st.sampled_from([*PEOPLE, "dee"]))
def test_what_is_gained_and_lost_is_the_difference_of_both_schedules(
    kind: str, one: int, other: int, person: str
) -> None:
    """oncall.md V5: for everybody, time after = time before + gained - lost."""
    fields: dict[str, object] = {
        "set": {"users": (person,)},
        "add": {"add": person},
        "remove": {"remove": person},
        "replace": {"remove": "ann", "add": person},
    }[kind]
    before, after = rota(), rota(made(kind, min(one, other), max(one, other), **fields))
    found = preview(before, after, "platform", START, END)
    shares = {share.person: share.gained - share.lost for share in found.shares}
    for who in (*PEOPLE, "dee"):
        assert held(after, who) - held(before, who) == shares.get(who, timedelta(0))


def held(asked: Rota, person: str) -> timedelta:
    pieces = asked.final("platform", START, END)
    return sum((p.end - p.start for p in pieces if person in p.people), timedelta(0))


def test_nothing_changes_by_nothing() -> None:
    found = preview(rota(), rota(), "platform", START, END)
    assert (found.differences, found.shares, found.gaps) == ((), (), ())


def test_only_new_gaps_are_new() -> None:
    """oncall.md F5: a gap that was there before is not this edit's."""
    old = made("set", 24, 48)
    both = (old, Adjustment(10, "set", START + timedelta(hours=12), START + timedelta(hours=72)))
    found = preview(rota(old), rota(*both), "platform", START, END)
    hours = [
        ((gap.start - START) // timedelta(hours=1), (gap.end - START) // timedelta(hours=1))
        for gap in found.gaps
    ]
    assert hours == [(12, 24), (48, 72)]
    assert found.gaps_soon(START) == found.gaps
    assert found.gaps_soon(START - SOON + timedelta(hours=12)) == ()


def test_somebody_inactive_makes_a_gap() -> None:
    """oncall.md A8: an override by a ghost is a gap."""
    gone = Rota(rota().schedules.values(), (), [*map(Member, PEOPLE), Member("dee", inactive_from=START)])
    after = gone.with_adjustments("platform", [made("set", 5, 6, users=("dee",))])
    [gap] = preview(gone, after, "platform", START, END).gaps
    assert (gap.start, gap.end) == (START + timedelta(hours=5), START + timedelta(hours=6))


# --- readings (T9) ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "reading", "found"),
    [
        ("Europe/Stockholm", "2026-07-01T09:00", ["2026-07-01T09:00+02:00"]),
        ("Europe/Stockholm", "2026-10-25T02:30", ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]),
        ("Europe/Stockholm", "2026-03-29T02:30", []),
        ("Australia/Lord_Howe", "2026-10-04T02:10", []),
        ("Australia/Lord_Howe", "2026-04-05T01:45", ["2026-04-05T01:45+11:00", "2026-04-05T01:45+10:30"]),
        ("UTC", "2026-03-29T02:30", ["2026-03-29T02:30+00:00"]),
    ],
)
def test_a_reading_is_one_instant_or_two_or_none(zone: str, reading: str, found: list[str]) -> None:
    at = datetime.fromisoformat(reading)
    assert [with_offset(one, zone) for one in instants_of(at, zone)] == found


def test_where_there_is_none_the_jump_is_proposed() -> None:
    at = datetime.fromisoformat("2026-03-29T02:30")
    assert with_offset(after_jump(at, "Europe/Stockholm"), "Europe/Stockholm") == "2026-03-29T03:00+02:00"


ZONES = ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
FROM = datetime.fromisoformat("2005-01-01T00:00")


@given(st.integers(0, 25 * 365 * 24 * 60), st.sampled_from(ZONES))
def test_every_instant_found_reads_as_what_was_typed(minutes: int, zone: str) -> None:
    at = FROM + timedelta(minutes=minutes)
    for one in instants_of(at, zone):
        assert with_offset(one, zone)[:16] == f"{at:%Y-%m-%dT%H:%M}"
