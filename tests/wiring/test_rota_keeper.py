"""Hand-offs and gaps as they come, hand-offs that moved with the zones, methods that do not work any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from store.specimens import save
from tocsin.config import EmailSettings
from tocsin.domain.policy import Policy
from tocsin.domain.schedules import Schedule
from tocsin.engine.live import Live
from tocsin.store import open_store
from tocsin.store.contract import Health, Store
from tocsin.testing import FakeClock
from tocsin.wiring.people import directory, rota_of
from tocsin.wiring.picture import by_schedule
from tocsin.wiring.rota_keeper import RotaKeeper
from tocsin.wiring.timeline import KEPT, Timeline
from wiring.rotas import HOUR, at, override, policy, weekly

MAIL = EmailSettings(name="mail", url="smtp://127.0.0.1:1025", sender="tocsin@test.example")
ZONES = "2026.6"


class House:
    """A keeper with its store, clock and handbook."""

    def __init__(self, store: Store, *schedules: Schedule) -> None:
        self.store = store
        self.clock = FakeClock(at(0, 10))
        self.policy: Policy = policy(*schedules)
        self.store.activate_policy("one", self.policy, None, self.clock.at)

    def live(self) -> Live:
        people = directory(self.policy, (), {"mail": MAIL}, (), self.store.contacts())
        return Live(
            "one", self.policy, people, rota_of(self.policy, people, by_schedule(self.store.adjustments()))
        )

    def look(self, now: datetime, zones: str = ZONES) -> float:
        self.clock.at = now
        return RotaKeeper(self.store, self.live, self.clock.now, lambda: False, zones=zones).look()

    def journal(self, *kinds: str) -> list[str]:
        return [row.detail for row in reversed(self.store.journal()) if row.kind in kinds]

    def alarms(self, prefix: str = "") -> dict[str, str]:
        return {a.key: a.reason for a in self.store.alarms() if a.key.startswith(prefix)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{tmp_path / 'tocsin.db'}")
    yield found
    found.close()


@pytest.fixture
def house(store: Store) -> House:
    return House(store, weekly("mei", "jonas"))


# --- hand-offs -----------------------------------------------------------------------------------------------------


def test_each_hand_off_is_recorded_once_at_its_own_time(house: House) -> None:
    """V2: also those that came while nobody looked."""
    house.look(at(0, 10))
    assert house.journal("handoff") == []
    house.look(at(14, 9, 5))
    house.look(at(14, 9, 6))
    assert house.journal("handoff") == [
        "primary: mei to jonas, 2026-03-09 09:00 UTC",
        "primary: jonas to mei, 2026-03-16 09:00 UTC",
    ]
    assert [row.at for row in house.store.journal() if row.kind == "handoff"] == [at(14, 9), at(7, 9)]


def test_the_next_look_is_at_the_next_hand_off(house: House) -> None:
    assert house.look(at(7, 8, 30)) == 30 * 60
    assert house.look(at(7, 9)) == 3600
    assert house.journal("handoff") == ["primary: mei to jonas, 2026-03-09 09:00 UTC"]


def test_somebody_who_takes_over_now_is_recorded_now(house: House) -> None:
    house.look(at(1, 10))
    house.store.add_adjustment("primary", override(at(2), at(3), "priya"), None)
    house.look(at(2, 0, 30))
    house.look(at(3, 1))
    assert house.journal("handoff") == [
        "primary: mei to priya, 2026-03-04 00:00 UTC",
        "primary: priya to mei, 2026-03-05 00:00 UTC",
    ]


def test_a_new_handbook_that_changes_who_is_on_duty_is_a_hand_off_of_now(house: House) -> None:
    house.look(at(1, 10))
    house.policy = policy(weekly("priya"), weekly("jonas", name="database"))
    house.look(at(1, 14))
    assert house.journal("handoff") == ["primary: mei to priya, 2026-03-03 14:00 UTC"]


# --- gaps ----------------------------------------------------------------------------------------------------------


def test_a_gap_is_noted_when_it_is_found_and_an_alarm_a_day_before(house: House) -> None:
    """F4, F5."""
    house.look(at(1))
    assert house.alarms("gap") == {}
    house.store.add_adjustment("primary", override(at(4), at(5)), None)
    words = "nobody is on call in schedule primary from 2026-03-06 00:00 to 2026-03-07 00:00 UTC"
    assert house.look(at(2)) == 3600
    assert house.journal("gap_found") == [words]
    assert house.alarms("gap") == {}
    assert house.look(at(2, 23, 30)) == 30 * 60
    house.look(at(3))
    assert house.alarms("gap") == {"gap:primary": words}
    house.look(at(4, 12))
    assert house.alarms("gap") == {"gap:primary": words}
    house.look(at(5))
    assert house.alarms("gap") == {}
    assert house.journal("gap_found", "gap_closed") == [words, f"{words}: over"]


def test_a_gap_that_somebody_fills_is_closed(house: House) -> None:
    made = house.store.add_adjustment("primary", override(at(2), at(3)), None)
    house.look(at(1, 12))
    assert house.alarms("gap")
    house.store.end_adjustment("primary", made.seq, at(1, 13), "tom")
    house.look(at(1, 13))
    assert house.alarms("gap") == {}
    assert [words.rsplit(": ")[-1] for words in house.journal("gap_closed")] == ["not any more"]


def test_a_gap_that_is_filled_in_part_is_told_as_it_is_now(house: House) -> None:
    made = house.store.add_adjustment("primary", override(at(2), at(3)), None)
    house.look(at(1, 12))
    house.store.add_adjustment("primary", override(at(2), at(2, 12), "jonas"), made.seq)
    house.look(at(1, 13))
    assert "from 2026-03-04 12:00 to 2026-03-05 00:00" in house.alarms("gap")["gap:primary"]


def test_a_gap_without_an_end_is_one_gap_however_often_it_is_seen(house: House) -> None:
    ends = replace(weekly("mei").layers[0], until=at(3))
    house.policy = policy(replace(weekly(), layers=(ends,)))
    for day in range(1, 9):
        house.look(at(day))
    assert len(house.journal("gap_found")) == 1
    assert house.journal("gap_closed") == []
    assert "from 2026-03-05 00:00" in house.alarms("gap")["gap:primary"]


def test_a_handbook_without_schedules_has_no_gaps(store: Store) -> None:
    house = House(store)
    assert house.look(at(1)) == 3600
    assert (house.alarms(), house.journal("gap_found", "handoff")) == ({}, [])


# --- zones ---------------------------------------------------------------------------------------------------------


def computed_with(house: House, zones: str, by: timedelta) -> None:
    """As if those zones had handed over on Mondays that much earlier."""
    kept = msgspec.json.decode(house.store.meta(KEPT) or "", type=Timeline)
    first, *rest = kept.schedules["primary"]
    moved = [replace(i, start=i.start - by, end=i.end - by) for i in rest]
    parts = (replace(first, end=first.end - by), *moved)
    changed = replace(kept, tzdata=zones, schedules={"primary": parts})
    house.store.set_meta(KEPT, msgspec.json.encode(changed).decode())


def test_hand_offs_that_moved_with_the_zones_are_named(house: House) -> None:
    """T10: in the journal, and for a day as an alarm."""
    house.look(at(1))
    computed_with(house, "2026.5", HOUR)
    house.look(at(8))
    (said,) = house.journal("tzdata_changed")
    assert said.startswith("time zones 2026.5 to 2026.6: hand-offs moved: ")
    assert "primary: 2026-03-09 08:00 UTC to 2026-03-09 09:00 UTC (jonas)" in said
    assert "primary: 2026-04-20 08:00 UTC to 2026-04-20 09:00 UTC (jonas)" in said
    words = "time zones 2026.5 to 2026.6: 8 hand-offs of the next weeks moved, the journal names them"
    assert house.alarms("tzdata") == {"tzdata": words}, "whoever may ask for alarms sees no people in them"
    house.look(at(9) - HOUR)
    assert house.alarms("tzdata")
    house.look(at(9))
    assert house.alarms("tzdata") == {}
    assert len(house.journal("tzdata_changed")) == 1


def test_other_zones_that_move_nothing_are_noted_only(house: House) -> None:
    house.look(at(1), zones="2026.5")
    house.look(at(1, 1))
    assert house.journal("tzdata_changed") == [
        "time zones 2026.5 to 2026.6: no hand-off of the next weeks moved"
    ]
    assert house.alarms("tzdata") == {}


def test_what_people_changed_meanwhile_is_not_taken_for_the_zones_doing(house: House) -> None:
    """The same handbook and overrides as then are computed with the new zones."""
    house.look(at(1), zones="2026.5")
    house.store.add_adjustment("primary", override(at(3), at(4), "priya", made_at=at(1, 2)), None)
    house.policy = policy(weekly("priya", "mei", start="2026-03-03T12:00"))
    house.store.activate_policy("two", house.policy, None, at(1, 3))
    house.look(at(1, 4))
    assert house.journal("tzdata_changed") == [
        "time zones 2026.5 to 2026.6: no hand-off of the next weeks moved"
    ]


# --- methods -------------------------------------------------------------------------------------------------------


def test_a_method_that_was_disabled_by_its_failures_is_an_alarm_until_it_works(house: House) -> None:
    """N10."""
    bad = Health("mei", "mail", at(1), False, True, "no such mailbox", "mei@test.example")
    save(house.store, at=at(1), health=(bad, bad))
    house.look(at(1))
    assert house.alarms("method") == {}
    save(house.store, at=at(1), health=(bad,))
    house.look(at(1, 1))
    assert len(house.live().directory.methods_of("mei")) == 1, "a way that may not work beats none"
    assert list(house.alarms("method")) == ["method:mei/mail"]
    (said,) = house.journal("method_disabled")
    assert said.startswith("mei is not called by mail as long as there is another way: 3 messages in a row")
    assert said.endswith("were refused for good: no such mailbox")
    assert "mei" not in house.alarms("method")["method:mei/mail"]
    house.look(at(1, 1))
    save(house.store, at=at(1, 2), health=(replace(bad, ok=True, permanent=False),))
    house.look(at(1, 2))
    assert house.alarms("method") == {}
    assert house.journal("method_disabled", "method_enabled")[1:] == ["mei/mail: it is used again"]


def test_of_two_nodes_that_look_at_once_one_records(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other node looks between what this one has read and what it writes."""
    house.look(at(1))
    house.store.add_adjustment("primary", override(at(8), at(9)), None)
    swap, others = house.store.swap_meta, []

    def late(*args: Any) -> bool:
        if not others:
            others.append(args)
            house.look(at(7, 9))
        return swap(*args)

    monkeypatch.setattr(house.store, "swap_meta", late)
    house.look(at(7, 9))
    assert others
    assert house.journal("handoff") == ["primary: mei to jonas, 2026-03-09 09:00 UTC"]
    assert len(house.journal("gap_found")) == 1
