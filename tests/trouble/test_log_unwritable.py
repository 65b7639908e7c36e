"""The log cannot be written: the incident goes on, alarmz names the file, and the row is written by itself later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.domain import events as ev
from trouble.conftest import House, eventually

TRIES = 4
WRITTEN_BY_HAND = "# What we know\n" + "".join(
    f"\n## {name}\n\nWe know it.\n"
    for name in ("Timeline", "Root cause", "Blast radius", "Fixes", "Preventions")
)


@dataclass(frozen=True)
class Trouble:
    """What is done to the log, what undoes it, and a word that says what it is."""

    begin: Callable[[House], None]
    end: Callable[[House], None]
    says: str


def aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.aside")


def conflict(house: House) -> None:
    shutil.copy(house.log, aside(house.log))
    text = house.log.read_text("utf-8")
    house.log.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n", "utf-8")


def folder_there(house: House) -> None:
    house.log.rename(aside(house.log))
    house.log.mkdir()


def folder_gone(house: House) -> None:
    house.log.rmdir()
    aside(house.log).rename(house.log)


def file_in_the_way(house: House) -> None:
    ops = house.log.parent
    ops.rename(aside(ops))
    ops.write_text("in the way", "utf-8")


def way_is_free(house: House) -> None:
    ops = house.log.parent
    ops.unlink()
    aside(ops).rename(ops)


def edit(old: str, new: str) -> Callable[[House], None]:
    def edit_log(house: House) -> None:
        text = house.log.read_text("utf-8")
        shutil.copy(house.log, aside(house.log))
        assert old in text
        house.log.write_text(text.replace(old, new), "utf-8")

    return edit_log


def put_back(house: House) -> None:
    aside(house.log).replace(house.log)


TROUBLES = {
    "conflict": Trouble(conflict, put_back, "conflict markers"),
    "a folder of that name": Trouble(folder_there, folder_gone, "Is a directory"),
    "a file instead of the handbook folder": Trouble(file_in_the_way, way_is_free, "Not a directory"),
    "another header": Trouble(edit("| Impact |", "| Effect on customers |"), put_back, "header"),
    "a row edited by hand": Trouble(edit("Everything is down", "All is well"), put_back, "not as it was written last"),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_a_log_that_cannot_be_written(house: House, name: str) -> None:
    trouble = TROUBLES[name]
    ref = house.declare()
    eventually(lambda: "SEV1" in house.row(ref), "the first row")
    eventually(lambda: house.quiet(ref), "everything is carried out")
    trouble.begin(house)
    before = {p.name: p.read_bytes() for p in house.folder.rglob("*") if p.is_file() and p.suffix == ".md"}

    house.do(ref, "severity", level="SEV2", reason="half of it is back")
    eventually(house.has(ref, ev.DocumentRefused), "the refusal stands on the timeline")
    eventually(lambda: house.tries(ref, "Write") >= TRIES, "it is tried again")

    said = house.alarms()
    assert "docs/ops/incidents.md" in said
    assert trouble.says in said
    (refused,) = house.events(ref, ev.DocumentRefused)
    assert trouble.says in refused.reason
    assert refused.path == "docs/ops/incidents.md"
    after = {p.name: p.read_bytes() for p in house.folder.rglob("*") if p.is_file() and p.suffix == ".md"}
    assert after == before, "nothing of the team's was touched"

    house.do(ref, "ack")
    house.do(ref, "note", text="the incident goes on")
    assert house.ready()

    trouble.end(house)
    eventually(lambda: "SEV2" in house.row(ref), "the row is written by itself")
    eventually(lambda: house.alarms() == "", "the alarm is cleared")
    assert len(house.events(ref, ev.DocumentRefused)) == 1
    assert house.events(ref, ev.DocumentWritten)[-1].path == "docs/ops/incidents.md"


def test_a_log_that_cannot_be_written_from_the_start(house: House) -> None:
    house.log.write_text("<<<<<<< HEAD\n=======\n>>>>>>> other\n", "utf-8")
    first, second = house.declare("One"), house.declare("Two")
    for ref in (first, second):
        eventually(house.has(ref, ev.DocumentRefused), "refused")
        assert ref in house.alarms()
    eventually(lambda: house.tries(first, "Write") >= TRIES, "it is tried again")

    house.log.unlink()

    eventually(lambda: house.row(first) and house.row(second), "both rows")
    eventually(lambda: house.alarms() == "", "the alarms are cleared")
    assert [len(house.events(ref, ev.DocumentRefused)) for ref in (first, second)] == [1, 1]


def test_a_postmortem_that_was_begun_before_the_end_is_published_as_it_is(house: House) -> None:
    ref = house.declare()
    eventually(lambda: house.row(ref), "the first row")
    begun = house.log.parent / "postmortems" / f"{ref}.md"
    begun.parent.mkdir(exist_ok=True)
    begun.write_text(WRITTEN_BY_HAND, "utf-8")

    house.do(ref, "resolve", confirmed="seen", impact_ended="no tickets", errors_normal="0.1%")
    eventually(lambda: house.quiet(ref), "everything is carried out, the draft by leaving it alone")
    assert house.alarms() == ""
    house.do(ref, "postmortem", where=f"docs/ops/postmortems/{ref}.md")
    house.do(ref, "close")

    eventually(lambda: house.quiet(ref), "nothing is owed")
    assert house.events(ref, ev.DocumentRefused) == []
    assert begun.read_text("utf-8") == WRITTEN_BY_HAND


def test_a_row_that_somebody_took_out_is_written_again(house: House) -> None:
    """The way out for a team that has edited it: without the row of its own, tocsin writes it anew."""
    ref = house.declare()
    eventually(lambda: house.row(ref), "the first row")
    edit("Everything is down", "All is well")(house)
    edit("| Impact |", "| Impact on customers |")(house)
    house.do(ref, "severity", level="SEV2", reason="half of it is back")
    eventually(house.has(ref, ev.DocumentRefused), "refused")

    lines = house.log.read_text("utf-8").splitlines(keepends=True)
    house.log.write_text("".join(line for line in lines if ref not in line), "utf-8")

    eventually(lambda: "SEV2" in house.row(ref), "the row is written anew, below the team's header")
    assert "Impact on customers" in house.log.read_text("utf-8")
    eventually(lambda: house.alarms() == "", "the alarm is cleared")
