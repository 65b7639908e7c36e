"""What is live: made anew as far as it changed, and a schedule that cannot be computed keeps its last good form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.config import load
from tocsin.domain.policy import RotationRow, RotationTable
from tocsin.domain.schedules import Schedule
from tocsin.domain.source import BUILT_IN
from tocsin.engine.live import Live
from tocsin.store import open_store
from tocsin.store.contract import ContactRow, Store
from tocsin.wiring.picture import Picture
from tocsin.wiring.timeline import KEPT, timeline_of, written
from wiring.rotas import MONDAY, at, override, policy, weekly

NOWHERE = "Mars/Olympus"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{tmp_path / 'tocsin.db'}")
    yield found
    found.close()


@pytest.fixture
def picture(store: Store, tmp_path: Path) -> Picture:
    (tmp_path / "tocsin.toml").write_text(
        '[channel.mail]\nkind = "email"\nurl = "smtp://127.0.0.1:1025"\nfrom = "tocsin@test.example"\n'
    )
    return Picture(store, load(tmp_path, {}))


def live(picture: Picture, *schedules: Schedule, tables: tuple[RotationTable, ...] = ()) -> Live:
    from dataclasses import replace

    return picture.of("hash", replace(policy(*schedules), rotations=tables), (), MONDAY)


def alarms(store: Store) -> dict[str, str]:
    return {alarm.key: alarm.reason for alarm in store.alarms()}


def test_an_override_is_in_the_next_picture(store: Store, picture: Picture) -> None:
    assert live(picture, weekly("mei")).rota.who("primary", at(1)) == ("mei",)
    made = store.add_adjustment("primary", override(at(1), at(2), "jonas"), None)
    assert live(picture, weekly("mei")).rota.who("primary", at(1)) == ("jonas",)
    store.end_adjustment("primary", made.seq, at(1, 12), "tom")
    after = live(picture, weekly("mei")).rota
    assert [after.who("primary", at(1, hour)) for hour in (11, 12)] == [("jonas",), ("mei",)]


def test_a_column_of_the_handbooks_table_is_overridden_too(store: Store, picture: Picture) -> None:
    row = RotationRow("2026-03-02", (("primary", "mei"), ("secondary", "priya")), BUILT_IN)
    table = RotationTable((row,), BUILT_IN, 0, "00:00", "UTC", repeats=True)
    store.add_adjustment("secondary", override(at(1), at(2), "jonas"), None)
    found = live(picture, tables=(table,)).rota
    assert found.who("primary", at(1)) == ("mei",)
    assert [found.who("secondary", at(day)) for day in (0, 1, 2)] == [("priya",), ("jonas",), ("priya",)]


def test_overrides_of_a_schedule_that_is_gone_are_kept_and_change_nothing(
    store: Store, picture: Picture
) -> None:
    store.add_adjustment("database", override(at(1), at(2), "jonas"), None)
    assert live(picture, weekly("mei")).rota.names() == ("primary",)
    assert live(picture, weekly("mei", name="database")).rota.who("database", at(1)) == ("jonas",)


def test_a_contact_is_in_the_next_picture(store: Store, picture: Picture) -> None:
    before = live(picture, weekly("mei"))
    store.save_contact(ContactRow("mei", "mail", "mei@home.example", MONDAY, verified_at=MONDAY))
    after = live(picture, weekly("mei"))
    assert [method.address for method in after.directory.methods_of("mei")] == ["mei@home.example"]
    assert after.rota is before.rota, "what was computed is not computed again"


def test_a_schedule_that_cannot_be_computed_keeps_its_last_good_form(store: Store, picture: Picture) -> None:
    """T11, with the overrides of now; never is another zone taken for the one that is unknown."""
    live(picture, weekly("mei", tz="Europe/Berlin"), weekly("priya", name="database"))
    store.add_adjustment("primary", override(at(3), at(4), "priya"), None)
    found = live(picture, weekly("jonas", tz=NOWHERE), weekly("jonas", name="database")).rota
    assert [found.who("primary", at(day)) for day in (1, 3)] == [("mei",), ("priya",)]
    assert found.who("database", at(1)) == ("jonas",), "the others are as the handbook says"
    assert NOWHERE in alarms(store)["schedule:primary"]
    assert "its last good form stays active" in alarms(store)["schedule:primary"]

    good = live(picture, weekly("jonas"), weekly("jonas", name="database")).rota
    assert good.who("primary", at(1)) == ("jonas",)
    assert alarms(store) == {}


def test_after_a_restart_the_last_good_form_comes_from_an_earlier_handbook(
    store: Store, picture: Picture
) -> None:
    store.activate_policy("one", policy(weekly("priya")), None, MONDAY)
    store.activate_policy("two", policy(weekly("mei")), None, at(1))
    store.activate_policy("three", policy(weekly("jonas", tz=NOWHERE)), None, at(2))
    assert live(picture, weekly("jonas", tz=NOWHERE)).rota.who("primary", at(1)) == ("mei",)


def test_where_no_handbook_helps_what_was_computed_last_is_served(store: Store, picture: Picture) -> None:
    """The zone was known until tocsin was installed anew: its hand-offs were computed while it was."""
    known = live(picture, weekly("mei", "jonas", tz="Europe/Berlin")).rota
    store.set_meta(KEPT, written(timeline_of(known, at(1), "2026.5")))
    store.activate_policy("one", policy(weekly("mei", "jonas", tz=NOWHERE)), None, MONDAY)
    fresh = Picture(store, picture._settings)
    found = live(fresh, weekly("mei", "jonas", tz=NOWHERE)).rota
    assert [found.who("primary", at(7, hour)) for hour in (7, 8)] == [("mei",), ("jonas",)]


def test_a_schedule_that_never_was_good_answers_nobody_and_says_so(store: Store, picture: Picture) -> None:
    found = live(picture, weekly("jonas", tz=NOWHERE)).rota
    assert found.who("primary", at(1)) == ()
    assert alarms(store)["schedule:primary"].endswith("it answers nobody")
