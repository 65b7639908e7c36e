"""The three incidents on one repository: what stands in the log, the drafts and the scores afterwards.

`python tests/stories/papers.py` writes them into `docs/examples`, where `test_papers` compares them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stories import contacts, payments, scripts
from stories.cast import DAY, ROOT, acme_policy, live
from tocsin.domain import actions
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import Policy, RotationRow, RotationTable
from tocsin.domain.score import ScoreLine, score
from tocsin.domain.source import BUILT_IN
from tocsin.handbook.documents import Documents
from tocsin.handbook.inert import inert_line
from tocsin.testing import Story
from tocsin.wiring.export import timeline_text

EXAMPLES = ROOT / "docs" / "examples"
NOT_OURS = "oncall"
"""Schedules as examples: `domain/test_oncall_examples.py` keeps these."""
WEEKS = (
    ("2026-01-19", "mei", "priya"),
    ("2026-01-26", "priya", "jonas"),
    ("2026-02-02", "jonas", "mei"),
)
ABOUT = """What `tocsin score` says of three incidents at Acme, against the handbook in `examples/acme`. The times
follow from what happened, which `tests/stories` tells minute by minute; a test keeps this page as the program
writes it."""
MARKS = {"met": "kept", "missed": "**missed**", "void": "not judged", "open": "open"}


def three_incidents(folder: Path, policy: Policy | None = None) -> Story:
    """Sign-in outage, late payments, lost contacts, one after the other, written into a copy of the handbook."""
    shutil.copytree(ROOT / "examples" / "acme", folder / "acme")
    home = folder / "acme" / "docs" / "ops"
    log = home / "incidents.md"
    log.write_text(
        log.read_text("utf-8").replace("2026-10-12", "2025-12-15"), "utf-8"
    )  # it happens in January
    rows = tuple(
        RotationRow(starts, (("primary", first), ("secondary", second)), BUILT_IN)
        for starts, first, second in WEEKS
    )
    rotation = RotationTable(rows, BUILT_IN, 0, "09:00", "Europe/Stockholm")
    cast = live(policy or acme_policy())
    cast = replace(cast, policy=replace(cast.policy, rotations=(rotation,)), rota=Rota(tables=(rotation,)))
    paper = Documents(folder / "acme", home, "docs/ops/incidents.md")
    story = Story(f"sqlite:///{folder / 'story.db'}", cast, at=DAY, paper=paper)
    scripts.outage_to_the_end(story)
    story.at = payments.DAY
    payments.until_closed(story)
    story.do(actions.prove, by="priya", action=3, proof="fired in a rehearsal")
    story.do(actions.change, by="mei", action=2, due=date(2026, 3, 13))
    story.at = contacts.DAY
    contacts.lost_contacts(story)
    return story


def papers(story: Story, folder: Path) -> dict[str, str]:
    """File name to text: the log, each draft, each score, one timeline."""
    home = folder / "acme" / "docs" / "ops"
    found = {"incidents.md": (home / "incidents.md").read_text("utf-8")}
    refs = [path.stem for path in sorted((home / "postmortems").glob("*.md"))]
    found |= {
        f"postmortems/{ref}.md": (home / "postmortems" / f"{ref}.md").read_text("utf-8") for ref in refs
    }
    found["scores.md"] = scores(story, refs)
    found[f"timelines/{refs[0]}.txt"] = timeline_text(story.store.timeline(refs[0], limit=10_000))
    return found


def scores(story: Story, refs: list[str]) -> str:
    """A table for each incident, as the room shows it."""
    parts = ["# Scores of three incidents", ABOUT]
    for ref in refs:
        state = story.state(ref)
        context = story.engine.contexts.pinned(state.policy)
        events = [record.event for record in story.store.timeline(ref, limit=10_000)]
        found = score(state, context, events, story.clock.at)
        head = f"Kept {found.kept}, missed {found.missed}, open {found.open}."
        table = ["| Promise | Promised | Due (UTC) | At (UTC) | Verdict | |", "|---|---|---|---|---|---|"]
        parts += [f"## {ref}: {state.title}", head, "\n".join([*table, *map(_row, found.lines)])]
    return "\n\n".join(parts) + "\n"


def _row(line: ScoreLine) -> str:
    times = [f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in (line.due, line.at)]
    cells = [
        inert_line(line.promise),
        inert_line(line.promised),
        *times,
        MARKS[line.verdict],
        inert_line(line.note),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write them."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        story = three_incidents(folder)
        found = papers(story, folder)
        story.close()
    for path in EXAMPLES.iterdir():
        if path.is_dir() and path.name != NOT_OURS:
            shutil.rmtree(path)
    for name, text in found.items():
        (EXAMPLES / name).parent.mkdir(parents=True, exist_ok=True)
        (EXAMPLES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
