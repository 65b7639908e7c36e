"""`tocsin readiness`: who can be reached, and what will hurt unless somebody repairs it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import handle
from tocsin.cli.client import connected
from tocsin.cli.failure import REFUSED
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, columns, day_time, emit_json, plain
from tocsin.domain.spans import span

app = typer.Typer(rich_markup_mode=None)
_COLOURS = {"error": "red", "warning": "yellow"}


@app.command()
def readiness(
    who: Annotated[
        str | None, typer.Argument(metavar="PERSON", show_default=False, help="Only this person.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Show who can be reached, and what will hurt; exit code 1 when there are errors or warnings.

    Examples:
      tocsin readiness
      tocsin readiness mei --json
    """
    with connected(server, person) as client:
        found = client.get("readiness", person=handle(who))
    if as_json:
        emit_json(found)
    else:
        _say(found, whole=who is None)
    if any(one["level"] != "info" for one in found["findings"]):
        raise typer.Exit(REFUSED)


def _say(found: dict[str, Any], *, whole: bool) -> None:
    people = [one for one in found["people"] if one["called"] or not whole]
    for line in columns([_row(one) for one in people]):
        STDOUT.line(line)
    if whole and len(people) < len(found["people"]):
        others = ", ".join(plain(one["handle"]) for one in found["people"] if not one["called"])
        STDOUT.line(f"called by nothing: {others}")
    if not whole:
        _methods(found["people"][0])
    for one in found["findings"]:
        STDOUT.line()
        head = f"{one['level']}  {plain(one['rule'])}  {plain(one['message'])}"
        STDOUT.line(STDOUT.style(head, _COLOURS[one["level"]]) if one["level"] in _COLOURS else head)
        STDOUT.line(f"    {plain(one['repair'])}")
    STDOUT.line()
    STDOUT.line(f"{len(found['findings'])} findings" if found["findings"] else "no findings")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    state = "ready" if one["ready"]["high"] else "NOT READY"
    ways = ", ".join(_way(way) for way in one["ways"]["high"]) or "no way"
    proven = f"proven {day_time(one['proven_at'])}" if one["proven_at"] else "never proven"
    return one["handle"], state, ways, proven


def _way(way: dict[str, Any]) -> str:
    return f"{way['channel']} after {span(way['after_s'])}" if way["after_s"] else str(way["channel"])


def _methods(one: dict[str, Any]) -> None:
    low = ", ".join(_way(way) for way in one["ways"]["low"]) or "no way"
    STDOUT.line(f"low urgency: {plain(low)}")
    for line in columns([(m["channel"], *_state(m)) for m in one["methods"]]):
        STDOUT.line(line)


def _state(method: dict[str, Any]) -> tuple[str, ...]:
    """Whether it is used, where its address comes from, how it did last."""
    if method["disabled"]:
        return ("switched off", method["disabled"])
    if method["verified_at"]:
        source = f"verified {day_time(method['verified_at'])}"
    else:
        source = "by the handbook" if method["roster"] else "not verified"
    failed = f"failed {day_time(method['failed_at'])} {method['detail']}" if method["failing"] else ""
    proven = f"arrived {day_time(method['proven_at'])}" if method["proven_at"] else "never tried"
    return ("used" if method["usable"] else "not used", source, failed or proven)
