"""What the three incidents leave in the repository is what docs/examples shows, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from stories import papers


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("papers")
    story = papers.three_incidents(folder)
    found = papers.papers(story, folder)
    story.close()
    return found


def test_every_example_is_as_the_program_writes_it(written: dict[str, str]) -> None:
    files = [
        path for path in papers.EXAMPLES.rglob("*") if path.is_file() and papers.NOT_OURS not in path.parts
    ]
    shown = {str(path.relative_to(papers.EXAMPLES)): path.read_text("utf-8") for path in files}

    assert sorted(shown) == sorted(written), "python tests/stories/papers.py writes them anew"
    for name, text in written.items():
        assert shown[name] == text, f"{name}: python tests/stories/papers.py writes it anew"


def test_the_log_holds_a_row_for_each_newest_on_top(written: dict[str, str]) -> None:
    rows = [line for line in written["incidents.md"].splitlines() if line.startswith("| 2026-")]

    assert [row.split("|")[2].strip() for row in rows[:3]] == ["SEV1", "SEV2", "SEV1"]
    assert len(rows) == 3 + 4, "three checks and a restore stand in the second table"


def test_what_was_missed_stands_in_the_row(written: dict[str, str]) -> None:
    lost = next(line for line in written["incidents.md"].splitlines() if "Contacts missing" in line)

    assert "resolve missed by 9m" in lost


@pytest.mark.shared
def test_the_specimen_handbook_gives_the_same_verdicts(shared: Path, tmp_path: Path) -> None:
    from tocsin.handbook.read import read_handbook

    policy = read_handbook(None, shared / "specimens" / "docs" / "ops").policy
    story = papers.three_incidents(tmp_path, policy)
    rows = story.store.incidents(stage=None, level=None, q=None, before=None, limit=9)
    said = papers.scores(story, [row.ref for row in rows if row.level])
    story.close()

    assert said.count("**missed**") == 1, "the two hours to resolve"
