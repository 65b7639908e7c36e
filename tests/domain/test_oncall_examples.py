"""The five schedules of docs/examples/oncall: what is printed there is what the rules say, and what the resolver says.

`python tests/domain/test_oncall_examples.py` writes the JSON files anew, by the slow resolver.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also as a script

from oncall_reference.resolver import Reference
from tocsin.domain.schedules import Interval
from tocsin.handbook.read import read_handbook
from tocsin.wiring.people import directory, members_of, rota_of

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "oncall"
DOCUMENTS = sorted(path for path in EXAMPLES.glob("*.md") if path.name != "README.md")
COMMAND = re.compile(r"`(tocsin oncall (\S+) --from (\S+) --until (\S+) --json)`")

each = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


def asked(document: Path) -> tuple[str, str, datetime, datetime]:
    """The command that the document names, its schedule and its range."""
    found = COMMAND.search(document.read_text("utf-8"))
    assert found, f"{document.name} does not say how it is asked"
    start, end = (datetime.fromisoformat(found[i]) for i in (3, 4))
    return found[1], found[2], start, end


def printed(intervals: tuple[Interval, ...]) -> list[dict[str, Any]]:
    def said(at: datetime) -> str:
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"

    return [{"start": said(i.start), "end": said(i.end), "people": sorted(i.people)} for i in intervals]


def understood(document: Path) -> Any:
    reading = read_handbook(EXAMPLES, document)
    assert [finding.message for finding in reading.findings] == []
    assert reading.policy is not None
    return reading.policy


def by_the_rules(document: Path) -> list[dict[str, Any]]:
    policy = understood(document)
    _, name, start, end = asked(document)
    (schedule,) = [entry for entry in policy.schedules if entry.name == name]
    return printed(Reference(schedule, members_of(directory(policy, (), {}, ()))).final(start, end))


def test_there_are_the_five_that_are_promised() -> None:
    assert [path.stem for path in DOCUMENTS] == [
        "dst-week",
        "member-windows",
        "replace-chain",
        "temporary-with-holes",
        "weekdays-only",
    ]


@each
def test_what_is_printed_follows_from_the_rules(document: Path) -> None:
    assert json.loads(document.with_suffix(".json").read_text("utf-8")) == by_the_rules(document)


@each
def test_the_resolver_says_what_is_printed(document: Path) -> None:
    policy = understood(document)
    _, name, start, end = asked(document)
    final = rota_of(policy, directory(policy, (), {}, ())).final(name, start, end)
    assert printed(final) == json.loads(document.with_suffix(".json").read_text("utf-8"))


@each
def test_the_page_about_the_examples_shows_it_as_it_is(document: Path) -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert f"]({document.name})" in page
    assert asked(document)[0] in page


def write_anew() -> None:
    for document in DOCUMENTS:
        lines = ",\n".join(f"  {json.dumps(entry)}" for entry in by_the_rules(document))
        document.with_suffix(".json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    write_anew()
