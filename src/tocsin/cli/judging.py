"""Whether promises were kept, and the incident as text: score, brief, export."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import find_incident
from tocsin.cli.client import connected
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import STDOUT, clock_time, columns, day_time, emit_json, plain

app = typer.Typer(rich_markup_mode=None)
MARKS = {"met": "kept", "missed": "MISSED", "open": "open", "void": "not judged"}


@app.command()
def score(
    ref: Annotated[str, typer.Argument(metavar="REF", help="Reference or its number.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Whether the handbook was followed: each promise, with times.

    Examples:
      tocsin score 7
    """
    with connected(server, person) as client:
        found = client.get(f"incidents/{find_incident(client, ref)}/score")
    if as_json:
        emit_json(found)
        return
    STDOUT.line(
        f"{plain(found['ref'])}  kept {found['kept']}, missed {found['missed']}, open {found['open']}"
    )
    for line in columns([_line(one) for one in found["lines"]]):
        STDOUT.line(line)


def _line(one: dict[str, Any]) -> tuple[str, ...]:
    due = day_time(one["due"]) if one.get("due") else ""
    at = clock_time(one["at"]) if one.get("at") else ""
    mark = MARKS.get(one["verdict"], one["verdict"])
    return (mark, one["promise"], one.get("promised") or "", due, at, one.get("note") or "")


@app.command()
def brief(
    ref: Reference = None, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """What somebody who takes over has to know.

    State, impact, seats, tasks, decisions, the next update, checks, legal deadlines.

    Examples:
      tocsin brief 7
    """
    with connected(server, person) as client:
        found = client.get(f"incidents/{find_incident(client, ref)}/brief")
    emit_json(found) if as_json else STDOUT.line(plain(found["brief"], lines=True))


@app.command()
def export(
    ref: Annotated[str, typer.Argument(metavar="REF", help="Reference or its number.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """The timeline as text, byte-stable, in UTC.

    A later export begins with an earlier one, byte for byte.

    Examples:
      tocsin export 7 > INC-2026-0007.txt
    """
    with connected(server, person) as client:
        full = find_incident(client, ref)
        text = client.text(f"incidents/{full}/export")
    if as_json:
        emit_json({"ref": full, "text": text})
    else:
        STDOUT.line(plain(text, lines=True).rstrip("\n"))
