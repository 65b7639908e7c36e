"""docs/reference/cli.md has a section for every command, and names every option in it."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from tocsin.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text("utf-8")
EVERYWHERE = {"--json", "--server", "--as", "--help", "-h"}


def commands(command, path=("tocsin",)):
    children = getattr(command, "commands", None)
    if not children:
        return {" ".join(path): command}
    return {
        name: leaf for child, one in children.items() for name, leaf in commands(one, (*path, child)).items()
    }


def test_every_command_and_option_is_documented():
    sections = dict(re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
    found = commands(typer.main.get_command(app))
    assert sorted(found) == sorted(sections)
    for name, command in found.items():
        named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", sections[name]))
        ways = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts) if opt.startswith("-")}
        options = ways - EVERYWHERE
        assert options - named == set(), name
        assert named - options - EVERYWHERE == set(), name
