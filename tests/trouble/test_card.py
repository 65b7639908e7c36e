"""The card: there from the start, anew with the handbook, never written for nothing nor over somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tocsin.wiring import card as keeping
from trouble.conftest import Builder, House, eventually, for_a_while


def card_of(house: House) -> Path:
    return house.handbook.with_name("card.md")


def text_of(house: House) -> str:
    path = card_of(house)
    return path.read_text("utf-8") if path.is_file() else ""


def edit(house: House, old: str, new: str) -> None:
    text = house.handbook.read_text("utf-8")
    assert old in text
    house.handbook.write_text(text.replace(old, new), "utf-8")
    assert house.ask("POST", "/api/v1/handbook/reload", by="").status_code == 200


def unchanged(house: House) -> Callable[[], bool]:
    before = card_of(house).stat()
    return lambda: (
        (card_of(house).stat().st_ino, card_of(house).stat().st_mtime_ns)
        == (
            before.st_ino,
            before.st_mtime_ns,
        )
    )


def test_it_is_there_from_the_start_with_everybody_to_call(house: House) -> None:
    eventually(lambda: "ann@test.example" in text_of(house), "the card is written")
    for said in ("bea@test.example", "cem@test.example", "SEV1", "SEV2", "incidents.md"):
        assert said in text_of(house)


def test_it_follows_the_roster(house: House) -> None:
    eventually(lambda: text_of(house), "the card is written")
    edit(house, "bea@test.example", "bea@new.example")
    eventually(lambda: "bea@new.example" in text_of(house), "the card says the new address")


def test_what_says_the_same_is_not_written_again(house: House) -> None:
    eventually(lambda: text_of(house), "the card is written")
    same = unchanged(house)
    house.ask("POST", "/api/v1/handbook/reload", by="")
    edit(house, "The process tests' own", "The process tests' very own")
    for_a_while(same, 0.5, "the file is the one that was there")


def test_reading_the_handbook_again_finds_no_change_because_of_the_card(house: House) -> None:
    eventually(lambda: text_of(house), "the card is written")
    before = house.engine.contexts.live.policy_hash
    house.ask("POST", "/api/v1/handbook/reload", by="")
    assert house.engine.contexts.live.policy_hash == before
    assert house.alarms() == ""


def test_a_card_of_somebody_else_stays_and_that_is_said(build: Builder) -> None:
    own = build.folder / "docs" / "ops" / "card.md"
    own.parent.mkdir(parents=True)
    own.write_text("# Business cards we ordered\n", "utf-8")
    house = build()
    eventually(lambda: "card.md was not written by tocsin" in house.alarms(), "the alarm says so")
    assert own.read_text("utf-8") == "# Business cards we ordered\n"


def test_once_the_way_is_free_it_is_written(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "EVERY_S", 0.1)
    own = build.folder / "docs" / "ops" / "card.md"
    own.parent.mkdir(parents=True)
    own.write_text("# Business cards we ordered\n", "utf-8")
    house = build()
    eventually(lambda: "card" in house.alarms(), "the alarm")
    own.rename(own.with_name("cards-we-ordered.txt"))
    eventually(lambda: "ann@test.example" in text_of(house), "the card is written")
    eventually(lambda: house.alarms() == "", "the alarm is taken back")


def test_a_held_engine_writes_none(build: Builder) -> None:
    house = build(start=False)
    house.engine.hold("restored")
    house.engine.start()
    for_a_while(lambda: text_of(house) == "", 0.5, "nothing is written")
