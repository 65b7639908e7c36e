"""What the command says about itself, and that asking costs little."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
import typer.main

from tocsin.cli import app
from tocsin.cli.lazy import CATALOG

HEAVY = ["sqlalchemy", "fastapi", "uvicorn", "markdown_it", "aiosmtpd", "rich"]


def every_command(command, path=()):
    children = getattr(command, "commands", None)
    if not children:
        return [(path, command)]
    return [found for name, child in children.items() for found in every_command(child, (*path, name))]


COMMANDS = every_command(typer.main.get_command(app))


@pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_with_examples_and_json(path, command):
    assert "Examples:" in command.help, path
    assert f"tocsin {' '.join(path)}" in command.help
    assert "--json" in [option for parameter in command.params for option in parameter.opts]
    assert all(p.help for p in command.params if p.name != "help")


def test_the_catalog_says_what_the_commands_say():
    tops = typer.main.get_command(app).commands
    assert set(tops) == set(CATALOG)
    for name, place in CATALOG.items():
        assert tops[name].hidden is place.hidden
        first = (tops[name].help or "").split("\n")[0].split(". ")[0].split("; ")[0].split(":")[0].rstrip(".")
        assert place.line.startswith(first[:12]), name


def test_the_demo_is_not_listed_but_documented(shell):
    assert "demo" not in shell.run("--help").stdout.split()
    assert "mailbox" in shell.run("demo", "--help").stdout


def imported(*words):
    """Heavy modules that a command imports before it speaks to anybody."""
    script = (
        "import sys, atexit; sys.argv = ['tocsin', *sys.argv[1:]]\n"
        f"atexit.register(lambda: print('IMPORTED', [m for m in {HEAVY!r} if m in sys.modules]))\n"
        "from tocsin.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    return done.stdout.rsplit("IMPORTED", 1)[1].strip()


@pytest.mark.parametrize("words", [["--help"], ["declare", "--help"], ["ack", "7", "--server", "no address"]])
def test_help_and_remote_commands_load_nothing_heavy(words):
    assert imported(*words) == "[]"


def processor_seconds(shell, *words):
    """What a command costs, whatever else the machine does meanwhile: the best of three."""
    costs = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shell.run(*words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(costs)


def test_a_cold_start_is_quick(acme, served):
    assert processor_seconds(acme, "--help") < 0.4
    assert processor_seconds(acme, "list") < 0.4


def test_a_misspelt_command_is_wrong_use_and_names_the_nearest(shell):
    done = shell.run("declar", expect=2)
    assert "declare" in done.stderr


def test_an_unknown_option_is_wrong_use(shell):
    shell.run("list", "--nonsense", expect=2)
