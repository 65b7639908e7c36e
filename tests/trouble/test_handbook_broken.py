"""The handbook breaks under a running node, or was never there: declaring and paging go on, and alarmz says it."""

from __future__ import annotations

import shutil

import pytest

from tocsin.domain import events as ev
from tocsin.domain.people import Person
from tocsin.engine.live import BUILT_IN_HASH
from trouble.conftest import Builder, House, eventually

BROKEN_TABLE = "| Level | Ack |\n|---|---|\n| SEV1 | 5 |\n| SEV2 | 15m |\n"


def severities_as(house: House, text: str) -> None:
    """Replace the list of severities."""
    whole = house.handbook.read_text("utf-8")
    before, _, after = whole.partition("- **SEV1:**")
    house.handbook.write_text(f"{before}{text}\n{after[after.index('## Roles') :]}", "utf-8")


def nothing_left(house: House) -> None:
    severities_as(house, "")


def number_without_unit(house: House) -> None:
    severities_as(house, BROKEN_TABLE)


def not_utf8(house: House) -> None:
    house.handbook.with_name("a_neighbour.md").write_text("# What we keep\n", "utf-8")
    house.handbook.write_bytes(house.handbook.read_bytes() + b"caf\xe9\n")


def folder_gone(house: House) -> None:
    shutil.rmtree(house.handbook.parent)


BREAKS = {
    "a number without unit": (number_without_unit, "incident_response.md:13"),
    "no severities": (nothing_left, "defines no level"),
    "not UTF-8": (not_utf8, "not UTF-8"),
    "the folder is gone": (folder_gone, "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_handbook_that_breaks_while_running(house: House, name: str) -> None:
    break_it, says = BREAKS[name]
    good = house.handbook.read_text("utf-8")
    before = house.engine.contexts.live.policy_hash
    break_it(house)

    answer = house.ask("POST", "/api/v1/handbook/reload", by="")

    assert answer.status_code == 200, answer.text
    assert house.engine.contexts.live.policy_hash == before
    assert says in house.alarms()
    assert house.ready()
    ref = house.declare()
    declared = house.program.store.incident(ref)
    assert declared is not None
    assert declared.policy == before
    eventually(lambda: house.post.pages(ref)["ann@test.example"], "ann is called as the good one says")
    eventually(lambda: house.post.pages(ref)["bea@test.example"], "and then bea")
    house.do(ref, "ack")
    if not house.handbook.parent.exists():
        eventually(house.has(ref, ev.DocumentRefused), "there is nowhere to write the log, and it is said")
        assert not house.handbook.parent.exists(), "no folder is made for the team"

    house.handbook.parent.mkdir(parents=True, exist_ok=True)
    house.handbook.write_text(good.replace("ack < 15m", "ack < 10m"), "utf-8")
    house.program.reload()

    eventually(lambda: house.alarms() == "", "the alarm is gone")
    eventually(lambda: house.row(ref), "the row is there")
    assert house.engine.contexts.live.policy_hash != before
    second = house.declare("The next one", "SEV2")
    stored = house.program.store.incident(second)
    assert stored is not None
    assert stored.policy == house.engine.contexts.live.policy_hash


def test_a_node_that_starts_with_a_broken_handbook_goes_on_with_the_last_good_one(build: Builder) -> None:
    first = build()
    before = first.engine.contexts.live.policy_hash
    first.engine.stop()
    first.program.close()
    build.houses.clear()
    severities_as(first, BROKEN_TABLE)

    house = build(handbook=False)

    assert house.engine.contexts.live.policy_hash == before
    assert "incident_response.md:13" in house.alarms()
    assert house.declare()


ADMINS = '[people]\nadmins = ["ada"]\n'


def test_without_any_handbook_every_admin_with_an_address_is_called(build: Builder) -> None:
    house = build(handbook=False, start=False, toml=ADMINS)
    store = house.program.store
    for person in (
        Person("ada", "Ada One", email="ada@test.example"),
        Person("bob", "Bob Two", email="bob@test.example", standing="admin"),
        Person("cyd", "Cyd Three", standing="admin"),
        Person("dan", "Dan Four", email="dan@test.example", standing="responder"),
    ):
        store.save_person(person)
    house.program.refresh_people()
    house.engine.start()

    assert "the handbook cannot be read: No such file or directory" in house.alarms()
    assert house.engine.contexts.live.policy_hash == BUILT_IN_HASH
    assert house.ready()
    ref = house.declare()

    called = {"ada@test.example", "bob@test.example"}
    eventually(lambda: house.post.pages(ref).keys() >= called, "the admins are called")
    assert house.post.pages(ref).keys() == called
    assert "the built-in policy applies" in house.alarms()
    assert "reached" not in house.alarms()
    assert house.events(ref, ev.Declared)[0].level == "SEV1"
    eventually(house.has(ref, ev.DocumentRefused), "there is no log to write into, and it is said")
    house.do(ref, "ack", by="ada")

    house.handbook.parent.mkdir(parents=True)
    (house.handbook).write_text(
        "# Incident handbook\n\n## Severity\n\n- **SEV1:** down. Target: ack < 5m.\n", "utf-8"
    )
    house.program.reload()
    eventually(lambda: ref in house.row(ref), "the row is written once there is a handbook")
    eventually(lambda: house.alarms() == "", "alarmz is quiet")
