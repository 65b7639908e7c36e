"""`tocsin route test`: where an alert would go, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import moment
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, columns, day_time, emit_json, plain
from tocsin.cli.plan import At, say_uncovered

app = typer.Typer(rich_markup_mode=None)
route = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Routes: where an alert would go.")
app.add_typer(route, name="route")
_COLOURS = {"won": "green"}


@route.callback()
def routes() -> None:
    """Routes: where an alert would go."""


@route.command("test")
def route_test(
    integration: Annotated[str, typer.Option(metavar="NAME", help="Where the alert comes from.")] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label; any number.")
    ] = None,
    severity: Annotated[str, typer.Option(metavar="WORD", help="The sender's own word, e.g. critical.")] = "",
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the alert says.")] = "",
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="The service that the alert names.")
    ] = None,
    at: At = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Try an alert against the routes: which one wins, why the others do not, and who would be called.

    Nothing is opened and nobody is called.

    Examples:
      tocsin route test --integration prometheus --label team=billing --severity critical
      tocsin route test --service portal --at 2026-12-24T23:00Z --json
    """
    for one in label or ():
        if not one.partition("=")[1] or one.startswith("="):
            raise misused(f"--label: {one!r} is no label", "write NAME=VALUE")
    asked = {"integration": integration, "severity": severity, "title": title, "service": service}
    with connected(server, person) as client:
        when = moment(at, "--at", ahead=True)
        found = client.get(
            "routes/test", label=label or None, at=when, **{k: v or None for k, v in asked.items()}
        )
    if as_json:
        emit_json(found)
    else:
        _say(found)


def _say(found: dict[str, Any]) -> None:
    for one in found["routes"]:
        line = f"{plain(one['file'])}:{one['line']}  {plain(one['why'])}"
        STDOUT.line(STDOUT.style(line, _COLOURS[one["outcome"]]) if one["outcome"] in _COLOURS else line)
    if not found["routes"]:
        STDOUT.line("the handbook has no routes")
    STDOUT.line()
    decided = found["why"][-3:]
    for line in columns(
        [
            ("service", found["service"] or "none"),
            ("level", found["level"]),
            ("escalation", found["escalation"]),
        ]
    ):
        STDOUT.line(line)
    for line in decided:
        STDOUT.line(f"  {plain(line)}")
    STDOUT.line()
    called = ", ".join(plain(row["text"]) for row in found["called"])
    STDOUT.line(f"called at {day_time(found['at'])}: {called or 'nobody'}")
    say_uncovered(found["uncovered"])
