"""Stories whose documents are really written, into a work tree with the example's handbook."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stories import cast, scripts
from tocsin.engine.ports import Lane
from tocsin.handbook.documents import Documents
from tocsin.testing import Story
from tocsin.wiring.surroundings import Surroundings
from tocsin.wiring.writing import documents_carry

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme"
LOG = "docs/ops/incidents.md"

Told = Callable[[cast.Script], Story]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The work tree, with a log that people keep."""
    shutil.copytree(ACME / "docs" / "ops", tmp_path / "tree" / "docs" / "ops")
    return tmp_path / "tree"


@pytest.fixture
def staged(tmp_path: Path, tree: Path) -> Iterator[Told]:
    """A story before its first line; what it writes lies in the tree."""
    told: list[Story] = []

    def stage(script: cast.Script) -> Story:
        story = script.staged(f"sqlite:///{tmp_path}/{len(told)}.db", scripts.acme_policy())
        told.append(story)
        documents = Documents(tree, tree / "docs" / "ops", LOG)
        around = Surroundings(
            story.store, lambda: story.engine.contexts, story.clock.now, "http://x", lambda: documents
        )
        story.engine.courier.lanes["documents"] = Lane("documents", documents_carry(around), slots=1)
        return story

    yield stage
    for story in told:
        story.close()


@pytest.fixture
def log(tree: Path) -> Callable[[], str]:
    """The log as it is now."""
    return lambda: (tree / LOG).read_text("utf-8")
