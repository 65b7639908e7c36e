"""`tocsin policy`, `tocsin check`, `tocsin card`: what is understood of handbook files, what is wrong, what to print.

Local files only: neither a server nor a database is asked.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.asked import present
from tocsin.cli.client import load_settings, settings_here
from tocsin.cli.failure import MISUSED, REFUSED, Failure, misused
from tocsin.cli.options import AsJson
from tocsin.cli.output import STDERR, STDOUT, emit_json, plain
from tocsin.config import Settings
from tocsin.domain.policy import Policy
from tocsin.handbook.card import card as card_text
from tocsin.handbook.read import Reading, exit_code, read_handbook
from tocsin.handbook.render_policy import findings_json, policy_json, policy_text
from tocsin.wiring.people import directory

app = typer.Typer(rich_markup_mode=None)
_COLOURS = {"error": "red", "warning": "yellow", "info": "dim"}
Place = Annotated[
    Path | None,
    typer.Argument(
        metavar="[PATH]", show_default=False, help="Handbook folder or file; default: tocsin.toml's."
    ),
]


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


@app.command()
def policy(path: Place = None, as_json: AsJson = False) -> None:
    """Show what is understood of a handbook: levels, targets, people, ladders, each with its line.

    Exit code 0 whenever a policy came out, else 2.

    Examples:
      tocsin policy docs/ops
      tocsin policy docs/ops/incident_response.md --json
    """
    found = _policy(path)
    if as_json:
        emit_json(policy_json(found))
    else:
        STDOUT.stream.write(plain(policy_text(found), lines=True))


def _policy(path: Path | None) -> Policy:
    """The policy of the files. Raises Failure when none comes out."""
    reading = _read(path, settings_here())
    if reading.policy is None:
        first = next((f for f in reading.findings if f.level == "error"), None)
        why = f": {first.file}:{first.line} {first.message}" if first else ""
        raise Failure(f"no policy can be read{why}", MISUSED, "tocsin check names everything")
    return reading.policy


@app.command()
def card(path: Place = None, as_json: AsJson = False) -> None:
    """Print the card for the hour without network: who to call, how bad it is, what to do first.

    Markdown, from the handbook's files alone: neither server nor database is asked.

    Examples:
      tocsin card
      tocsin card docs/ops > card.md
    """
    found = _policy(path)
    people = directory(found, (), {}, ())
    text = card_text(found, people, found.rotations, present())
    emit_json({"card": text}) if as_json else STDOUT.stream.write(plain(text, lines=True))


@app.command()
def check(
    path: Place = None,
    shape: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Findings of level info count too.")] = False,
) -> None:
    """Check a handbook: what is missing, contradictory or unclear, and how to repair it.

    Exit code 0 without findings, 1 with findings but a usable policy, 2 without a usable policy.

    Examples:
      tocsin check
      tocsin check docs/ops --format json --strict
    """
    settings = load_settings(start=path if path.is_dir() else path.parent) if path else settings_here()
    reading = _read(path, settings)
    found = [*findings_json(reading.findings)["findings"], *_secrets(settings)]
    if as_json or shape is Format.JSON:
        emit_json({"findings": found})
    else:
        _say(found, reading)
    code = exit_code(reading, strict=strict)
    raise typer.Exit(code or (REFUSED if any(f["level"] != "info" for f in found) else 0))


def read_here() -> tuple[Reading, Path]:
    """The handbook of tocsin.toml with its folder. Raises Failure when it cannot be read."""
    settings = settings_here()
    folder = settings.handbook.path
    return _read(None, settings), folder if folder.is_dir() else folder.parent


def _read(path: Path | None, settings: Settings) -> Reading:
    folder = path or settings.handbook.path
    if not folder.exists():
        raise misused(f"{folder} is not there", "name the folder or file of the handbook")
    try:
        return read_handbook(None, folder, present(), channels=settings.channels)
    except OSError as error:
        raise misused(
            f"{folder} cannot be read: {error.strerror}", "name the folder or file of the handbook"
        ) from None


def _say(found: list[dict[str, Any]], reading: Reading) -> None:
    whys = {finding.rule: finding.why for finding in reading.findings}
    for f in found:
        level = STDOUT.style(str(f["level"]), _COLOURS[f["level"]])
        why = whys.get(f["rule"], LITERAL_WHY)
        STDOUT.line(f"{plain(f['file'])}:{f['line']}  {plain(f['rule'])}  {level}  {plain(f['message'])}")
        STDOUT.line(f"    why: {plain(why)}; repair: {plain(f['repair'])}")
    if not found:
        STDOUT.line("no findings")
        return
    counts = ", ".join(f"{n} {level}" for level in _COLOURS if (n := sum(f["level"] == level for f in found)))
    usable = "a usable policy" if reading.policy is not None else "NO usable policy"
    STDERR.line(f"{len(found)} findings ({counts}); {usable}")


LITERAL_WHY = "who can read the repository can read the secret"


def _secrets(settings: Settings) -> list[dict[str, Any]]:
    """Secrets that stand in tocsin.toml itself, as findings."""
    if settings.file is None:
        return []
    lines = settings.file.read_text(encoding="utf-8").splitlines()
    return [
        {
            "file": settings.file.name,
            "line": _line_of(key, lines),
            "rule": "secret-literal",
            "level": "warning",
            "message": f"{key} is written in the file itself",
            "repair": f'{key.rsplit(".", 1)[1]} = {{ env = "NAME" }} or {{ file = "path" }}',
        }
        for key in settings.literal_secrets
    ]


def _line_of(key: str, lines: list[str]) -> int:
    """The line of `channel.mail.password`: the key below its table, as tables are usually written; else 1."""
    table, _, name = key.rpartition(".")
    inside = False
    for number, line in enumerate(lines, 1):
        words = line.strip()
        if words.startswith("["):
            inside = words.split("#")[0].strip().strip("[] ").replace('"', "") == table
        elif inside and words.split("=")[0].strip().strip('"') == name:
            return number
    return 1
