"""What people can see is named in docs/reference, links lead somewhere, and cited rules exist.

A name counts when it stands in a code span or a fenced block of any page below docs/reference: prose that happens to
contain the word "note" does not document a command.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import click
import msgspec
import pytest
import typer.main
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PROSE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAME = re.compile(r"[\w./{}<>:*-]+")


# --- what is written ------------------------------------------------------------------------------------------------


def tokens(text: str) -> list[Any]:
    """All tokens of a page, inline ones included."""
    flat = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        flat += [token, *(token.children or [])]
    return flat


@cache
def code_in_reference() -> str:
    """Everything in the reference that is set as code, one piece per line."""
    pieces: list[str] = []
    for page in sorted(REFERENCE.rglob("*.md")):
        pieces += [
            t.content
            for t in tokens(page.read_text("utf-8"))
            if t.type in {"code_inline", "fence", "code_block"}
        ]
    return "\n".join(pieces)


def undocumented(names: list[str]) -> list[str]:
    """The names that occur nowhere as code, as a whole: `ack` is not documented by `ack_timeout`."""
    code = code_in_reference()
    return sorted(
        name for name in set(names) if not re.search(rf"(?<![\w.\-/]){re.escape(name)}(?![\w\-/]|\.\w)", code)
    )


# --- what there is ---------------------------------------------------------------------------------------------------


def load(module: str, attribute: str) -> Any:
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as missing:
        pytest.fail(
            f"{module}.{attribute} is what the documentation is compared with: {missing}", pytrace=False
        )


def leaves(command: click.Command, path: str) -> list[str]:
    """Every command below, as it is typed."""
    children = getattr(command, "commands", None)
    if not children:
        return [path]
    return [
        leaf
        for name, child in children.items()
        if not child.hidden
        for leaf in leaves(child, f"{path} {name}")
    ]


def commands() -> list[str]:
    return leaves(typer.main.get_command(load("tocsin.cli", "app")), "tocsin")


def settings() -> list[str]:
    """Every key of tocsin.toml, and every variable of the environment that is ours."""
    keys = [re.sub(r" \(.*?\)", "", key) for key, _ in load("tocsin.config", "reference")()]
    variables = re.findall(r"\bTOCSIN_[A-Z_]+", Path(load("tocsin.config", "__file__")).read_text("utf-8"))
    return keys + variables


def routes() -> list[str]:
    """Paths of every route that is registered, mounted ones below their mount."""
    create_app = load("tocsin.web.app", "create_app")
    needed = [p for p in inspect.signature(create_app).parameters.values() if p.default is p.empty]
    table = create_app(
        **{p.name: MagicMock(name=p.name) for p in needed}
    ).routes  # routes need no engine behind them

    def walk(entries: Any, prefix: str) -> list[str]:
        paths: list[str] = []
        for route in entries:
            path = prefix + getattr(route, "path", "")
            inner = getattr(route, "routes", None)
            paths += walk(inner, path) if inner else [path]
        return paths

    return [path for path in walk(table, "") if path not in {"", "/"}]


def is_channel(module: Any) -> bool:
    """Whether a module defines something that sends, other than the port which describes it."""
    return any(
        hasattr(thing, "send") and not getattr(thing, "_is_protocol", False)
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__ == module.__name__
    )


def channels() -> list[str]:
    """One file per channel, named as the channel is."""
    names = [module.name for module in pkgutil.iter_modules(load("tocsin.channels", "__path__"))]
    return [name for name in names if is_channel(importlib.import_module(f"tocsin.channels.{name}"))]


def findings() -> list[str]:
    return list(load("tocsin.handbook.findings", "RULES"))


def event_kinds() -> list[str]:
    return list(load("tocsin.domain.events", "EVENT_KINDS"))


SUBJECTS = [commands, settings, routes, channels, findings, event_kinds]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.__name__)
def test_the_reference_names_everything(subject: Any) -> None:
    names = subject()
    assert names, f"no {subject.__name__} found at all"
    assert undocumented(names) == []


def test_a_name_that_is_not_there_is_missed() -> None:
    assert undocumented(["tocsin no-such-command", "E4-not-a-rule"]) == [
        "E4-not-a-rule",
        "tocsin no-such-command",
    ]


# --- links and citations ---------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    flat = tokens(page.read_text("utf-8"))
    return {slug(flat[i + 1].content) for i, token in enumerate(flat) if token.type == "heading_open"}


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for token in tokens(page.read_text("utf-8")):
        target = token.attrGet("href") or token.attrGet("src") or ""
        if not target or re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_cited_rules_exist() -> None:
    """`docs/reference/oncall.md E4` and `design rule 9` in the source point at a rule that is written down."""
    oncall = set(
        re.findall(r"^- \*\*([A-Z]\d+)\*\*", (REFERENCE / "oncall.md").read_text("utf-8"), re.MULTILINE)
    )
    rules = set(re.findall(r"^(\d+)\. \*\*", (REFERENCE / "rules.md").read_text("utf-8"), re.MULTILINE))
    missing = []
    for file in sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        text = file.read_text("utf-8")
        cited = re.findall(r"oncall\.md\s+([A-Z]\d+)(?:(?:,| and| to)\s+([A-Z]\d+))?", text)
        numbers = re.findall(r"design rules? (\d+)(?:(?:,| and)\s+(\d+))?", text)
        missing += [
            f"{file.name}: oncall.md {rule}" for pair in cited for rule in pair if rule and rule not in oncall
        ]
        missing += [f"{file.name}: design rule {n}" for pair in numbers for n in pair if n and n not in rules]
    assert missing == []


# --- events that were once written -----------------------------------------------------------------------------------


FROZEN = ROOT / "tests" / "fixtures" / "events"


def test_every_event_kind_has_a_frozen_example() -> None:
    assert sorted(event_kinds()) == sorted(path.stem for path in FROZEN.glob("*.json"))


@pytest.mark.parametrize("path", sorted(FROZEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_frozen_example_loads(path: Path) -> None:
    """An event that was written once can be read for ever. Add files here; never edit one that has been released."""
    kind = load("tocsin.domain.events", "EVENT_KINDS")[path.stem]
    event = msgspec.json.decode(path.read_bytes(), type=kind)
    assert event.at.tzinfo is not None
