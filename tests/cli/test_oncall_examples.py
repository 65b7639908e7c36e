"""The examples of docs/examples/oncall on the command line: a handbook in a folder, a command, what it prints."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "oncall"
DOCUMENTS = sorted(path for path in EXAMPLES.glob("*.md") if path.name != "README.md")
TOML = """\
[database]
url = "sqlite:///var/tocsin.db"
[handbook]
path = "ops"
"""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_the_command_prints_what_the_example_shows(shell, document):
    (shell.folder / "ops").mkdir()
    (shell.folder / "ops" / "incident_response.md").write_text(document.read_text("utf-8"), "utf-8")
    (shell.folder / "tocsin.toml").write_text(TOML, "utf-8")
    shell.git("init", "-q", "-b", "main")
    shell.git("add", "-A")
    shell.git("commit", "-q", "-m", "Handbook")
    command = re.search(r"`tocsin (oncall [^`]+ --json)`", document.read_text("utf-8"))
    assert command
    done = shell.run(*shlex.split(command[1]))
    assert json.loads(done.stdout) == json.loads(document.with_suffix(".json").read_text("utf-8"))
