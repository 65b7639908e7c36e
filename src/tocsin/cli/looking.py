"""Looking at incidents: list, show, and watch one live."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import find_incident
from tocsin.cli.client import Client, connected
from tocsin.cli.following import follow
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import STDOUT, columns, day_time, emit_json
from tocsin.cli.telling import Days, level_of, markdown, say_incident, say_state, say_timeline

app = typer.Typer(rich_markup_mode=None)
LIST_LIMIT = 50


@app.command("list")
def list_incidents(
    stage: Annotated[
        str | None,
        typer.Option(metavar="STAGE", help="open, triage, declared, mitigated, resolved, closed, dismissed."),
    ] = None,
    sev: Annotated[str | None, typer.Option("--sev", metavar="LEVEL", help="Only this level.")] = None,
    q: Annotated[
        str | None, typer.Option("--search", "-q", metavar="TEXT", help="Words of the title.")
    ] = None,
    tests: Annotated[bool, typer.Option("--tests", help="Test pages as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = LIST_LIMIT,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on after an earlier list.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first.

    Examples:
      tocsin list
      tocsin list --stage open --sev SEV1 --json
    """
    with connected(server, person) as client:
        found = client.get(
            "incidents", stage=stage, sev=sev, q=q, limit=limit, cursor=cursor, tests=tests or None
        )
    if as_json:
        emit_json(found)
        return
    rows = found["incidents"]
    for line in columns(
        [(r["ref"], level_of(r), r["stage"], r["paging"], _since(r), _title(r)) for r in rows]
    ):
        STDOUT.line(line)
    if not rows:
        STDOUT.line("no incidents")
    if found.get("next"):
        STDOUT.line(f"more: tocsin list{' --tests' if tests else ''} --cursor {found['next']}")


def _since(row: dict[str, Any]) -> str:
    return day_time(row.get("opened_at"))


def _title(row: dict[str, Any]) -> str:
    return f"DRILL {row['title']}" if row.get("drill") else str(row["title"])


def all_events(client: Client, ref: str) -> list[dict[str, Any]]:
    """The whole timeline of an incident."""
    found: list[dict[str, Any]] = []
    after: int | None = None
    while True:
        page = client.get(f"incidents/{ref}/timeline", after=after)
        found += page["events"]
        after = page.get("next")
        if after is None:
            return found


@app.command()
def show(
    ref: Reference = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown document.")] = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Show one incident: state, clocks, timeline.

    Examples:
      tocsin show 7
      tocsin show INC-2026-0007 --markdown > incident.md
    """
    with connected(server, person) as client:
        full = find_incident(client, ref)
        incident = client.get(f"incidents/{full}")
        events = all_events(client, full)
    if as_json:
        emit_json({**incident, "timeline": events})
    elif as_markdown:
        STDOUT.line(markdown(incident, events))
    else:
        say_incident(incident, events)


@app.command()
def watch(
    ref: Reference = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Follow an incident live, until it is over or Ctrl-C.

    With --json every event is one line.

    Examples:
      tocsin watch 7
    """
    with connected(server, person) as client:
        full = find_incident(client, ref)
        incident = client.get(f"incidents/{full}")
        if not as_json:
            say_state(incident)
        days = Days()
        follow(client, full, as_json=as_json, say=lambda events: say_timeline(events, days))
