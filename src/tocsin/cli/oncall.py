"""Who is on call, and a schedule as it comes out: asked of the server."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from tocsin.cli.asked import moment
from tocsin.cli.client import Client, connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDERR, STDOUT, columns, day_time, emit_json, plain
from tocsin.domain.spans import span

app = typer.Typer(rich_markup_mode=None)
Json = dict[str, Any]


Which = Annotated[str | None, typer.Argument(metavar="SCHEDULE", help="Which one; all unless it is said.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="When: ISO, or HH:MM today in UTC; default: now.")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="The schedule from then on; with --until.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="... until then, at most 400 days later.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="By what was known then; default: now.")
]


@app.command()
def oncall(
    schedule: Which = None,
    at: At = None,
    start: From = None,
    until: Until = None,
    as_of: AsOf = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Who is on call, until when, and who is next; or a whole stretch of a schedule.

    A stretch is in UTC, to the minute, without holes: nobody is a gap.

    Examples:
      tocsin oncall
      tocsin oncall platform --at 2026-12-24T09:00Z
      tocsin oncall platform --from 2026-03-28T00:00Z --until 2026-03-30T00:00Z --json
    """
    known = moment(as_of, "--as-of")
    with connected(server, person) as client:
        if start is not None or until is not None:
            _stretch(client, schedule, (at, start, until), known, as_json=as_json)
        else:
            _now(client, schedule, moment(at, "--at", ahead=True), known, as_json=as_json)


def _now(client: Client, schedule: str | None, at: str | None, known: str | None, *, as_json: bool) -> None:
    """Every schedule, or one, at one instant."""
    found = client.get("oncall", at=at, as_of=known, schedule=schedule)
    _say_floored(found)
    if as_json:
        emit_json(found)
        return
    for line in columns([_row(one) for one in found["schedules"]]):
        STDOUT.line(line)
    if not found["schedules"]:
        STDOUT.line("the handbook has no schedule: every IC is called")


def _say_floored(found: Json) -> None:
    if found.get("floored"):
        STDERR.line("tocsin: schedules are whole minutes: the seconds were left out")


def _row(one: Json) -> tuple[str, ...]:
    names = one["names"]
    people = ", ".join(_person(handle, names) for handle in one["people"]) or "NOBODY"
    if one.get("invalid"):
        return (one["name"], "NOBODY", f"cannot be computed: {one['invalid']}")
    shadows = f"shadow: {', '.join(one['shadows'])}" if one["shadows"] else ""
    if one["until"] is None:
        return (one["name"], people, "without an end in sight", shadows)
    following = ", ".join(_person(handle, names) for handle in one["next"]) or "NOBODY"
    return (one["name"], people, f"until {day_time(one['until'])}", f"then {following}", shadows)


def _person(handle: str, names: dict[str, str]) -> str:
    name = names.get(handle)
    return f"{handle} ({name})" if name else handle


def _stretch(
    client: Client,
    schedule: str | None,
    times: tuple[str | None, str | None, str | None],
    known: str | None,
    *,
    as_json: bool,
) -> None:
    """The final schedule between two instants. Raises Failure for half a range."""
    at, start, until = times
    if schedule is None:
        raise misused("which schedule is missing", "tocsin oncall SCHEDULE --from T --until T")
    if at is not None:
        raise misused("--at does not go with --from and --until", "ask for one instant or for a stretch")
    if start is None or until is None:
        raise misused(f"{'--from' if start is None else '--until'} is missing", "a stretch has both ends")
    given = {
        "from": moment(start, "--from", ahead=True),
        "until": moment(until, "--until", ahead=True),
        "as_of": known,
    }
    found = client.get(f"schedules/{quote(schedule, safe='')}/final", **given)
    _say_floored(found)
    if as_json:
        emit_json(found["intervals"])
        return
    if found.get("invalid"):
        STDOUT.line(f"cannot be computed: {plain(found['invalid'])}")
    for line in columns([_piece(one) for one in found["intervals"]]):
        STDOUT.line(line)
    for gap in found["gaps"]:
        STDERR.line(f"tocsin: nobody is on call from {day_time(gap['start'])} to {day_time(gap['end'])}")


def _piece(one: Json) -> tuple[str, ...]:
    length = datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"])
    lasts = span(int(length.total_seconds())).removesuffix("00s")
    return (day_time(one["start"]), day_time(one["end"]), lasts, ", ".join(one["people"]) or "NOBODY")
