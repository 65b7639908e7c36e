"""`tocsin plan`: what would happen if nobody answered, as a timetable."""

from __future__ import annotations

import shutil
import textwrap
from typing import Annotated, Any, Final

import typer

from tocsin.cli.asked import moment
from tocsin.cli.client import connected
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, columns, day_time, emit_json, parse_instant, plain
from tocsin.domain.spans import span

app = typer.Typer(rich_markup_mode=None)
WIDE: Final = 100
"""Where the output is no terminal."""
NARROW: Final = 60
"""Below this width what happens stands on a line of its own, below its time."""
_COLOURS: Final = {"empty": "red", "clock": "yellow", "seat": "yellow"}

At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="When: ISO, or HH:MM today in UTC; default: now."),
]


@app.command()
def plan(
    sev: Annotated[
        str | None, typer.Option("--sev", metavar="LEVEL", help="Level; default: the worst.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="NAME", help="Service of the handbook.")
    ] = None,
    at: At = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Show who would be called, when and how, and when each promise runs out, if nobody answered.

    Nothing is opened and nobody is called: the same machine that calls people is played in memory.

    Examples:
      tocsin plan
      tocsin plan --sev SEV2 --service portal --at 2026-12-24T23:00Z
    """
    with connected(server, person) as client:
        found = client.get("plan", sev=sev, service=service, at=moment(at, "--at", ahead=True))
    if as_json:
        emit_json(found)
        return
    _head(found)
    for row in found["rows"]:
        say_row(row)
    _tail(found)


def _head(found: dict[str, Any]) -> None:
    urgency = "high" if found["urgent"] else "low"
    service = f", service {found['service']}" if found.get("service") else ""
    head = f"{found['level']}{service}, declared {day_time(found['at'])}"
    STDOUT.line(STDOUT.style(plain(head), "bold"))
    STDOUT.line(f"escalation {plain(found['escalation'])}, {urgency} urgency")
    for line in found["why"]:
        STDOUT.line(f"  {plain(line)}")
    STDOUT.line()


def say_row(row: dict[str, Any]) -> None:
    """A line of the timetable: how long after the beginning, when, what; the words wrapped to the terminal."""
    at = parse_instant(row["at"])
    clock = f"{at:%H:%M:%S}" if at else "-"
    when = f"{'+' + span(row['after_s']):>8}  {clock}  "
    words = f"{'   call ' if row['kind'] == 'call' else ''}{plain(row['text'])}"
    width = width_of()
    if width < NARROW:
        STDOUT.line(when.strip())
        lines = textwrap.wrap(words, max(20, width - 2), initial_indent="  ", subsequent_indent="  ")
    else:
        lines = textwrap.wrap(words, width, initial_indent=when, subsequent_indent=" " * (len(when) + 3))
    for line in lines:
        STDOUT.line(STDOUT.style(line, _COLOURS[row["kind"]]) if row["kind"] in _COLOURS else line)


def width_of() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size((WIDE, 24)).columns if STDOUT.stream.isatty() else WIDE


def _tail(found: dict[str, Any]) -> None:
    STDOUT.line()
    for line in columns(("after that", found["end"]) for _ in range(1)):
        STDOUT.line(line)
    fallback = found["fallback"]
    people = ", ".join(fallback["people"]) or "nobody"
    targets = ", ".join(fallback["targets"])
    STDOUT.line(f"fallback    {plain(targets or 'none')}{plain(f': {people}') if targets else ''}")
    promises = [
        (clock["name"], clock["target"] or "no time", f"until {day_time(clock['due'], exact=True)}")
        if clock["due"]
        else (clock["name"], clock["target"] or "no time", "")
        for clock in found["clocks"]
    ]
    for number, line in enumerate(columns(promises)):
        STDOUT.line(f"{'promises' if number == 0 else '':12}{line}")
    say_uncovered(found["uncovered"])


def say_uncovered(uncovered: list[str]) -> None:
    """What is missing, each on a line of its own."""
    for line in uncovered:
        STDOUT.line(STDOUT.style(f"uncovered   {plain(line)}", "red"))
    if not uncovered:
        STDOUT.line("uncovered   nothing")
