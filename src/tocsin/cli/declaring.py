"""`tocsin declare`: something is wrong. Nothing is asked; people are called in the same commit."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tocsin.cli.asked import find_incident, moment, wanted
from tocsin.cli.client import Client, Wire, connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, emit_json, plain
from tocsin.cli.telling import say_state, say_warnings, soon, upcoming

app = typer.Typer(rich_markup_mode=None)
OVER: Final = frozenset({"resolved", "closed", "dismissed"})
SAME: Final = {"title": "known_as", "sev": "level", "service": "service", "drill": "drill"}
"""What a new incident takes over from the one that it follows, unless it is said anew: never a restricted title."""

Title = Annotated[str | None, typer.Argument(show_default=False, help="What is wrong, in one line.")]
Triage = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="REF",
        help="Declare a triage incident that alerts opened, or go back to an older one.",
    ),
]
Level = Annotated[
    str | None, typer.Option("--sev", metavar="LEVEL", help="Level; default: by the handbook's criteria.")
]
Hit = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Service of the handbook that is hit.")
]
Detected = Annotated[
    str | None,
    typer.Option("--detected", metavar="TIME", help="When it was noticed: ISO, or HH:MM today in UTC."),
]
ImpactStart = Annotated[
    str | None, typer.Option("--impact-start", metavar="TIME", help="Since when users are hit.")
]

Drill = Annotated[bool, typer.Option("--drill", help="A rehearsal: marked everywhere, not counted.")]
NearMiss = Annotated[
    bool, typer.Option("--near-miss", help="It almost happened: kept without severity and clocks.")
]
Change = Annotated[
    bool, typer.Option("--change", help="A planned change, for its backup check; nobody is called.")
]


@app.command()
def declare(
    title: Title = None,
    from_: Triage = None,
    sev: Level = None,
    service: Hit = None,
    detected: Detected = None,
    impact_start: ImpactStart = None,
    drill: Drill = False,
    near_miss: NearMiss = False,
    change: Change = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Declare an incident: people are called at once.

    Prints the reference first, then who is called and what is due.

    Examples:
      tocsin declare "Sign-in loops for all users"
      tocsin declare "Checkout fails" --sev SEV2 --detected 13:05
      tocsin declare --from 7 --sev SEV1
      tocsin declare "Rehearsal: the portal is down" --drill
      tocsin declare "Migration merge_contacts" --change
    """
    kind = _kind(near_miss, change)
    if from_ is None:
        title = wanted(title, "TITLE", "What is wrong, in one line?")
    body = {"title": title, "sev": sev, "service": service, "drill": drill or None, "kind": kind}
    body |= {"detected": moment(detected, "--detected")}
    body |= {"impact_start": moment(impact_start, "--impact-start")}
    with connected(server, person) as client:
        answer = client.command("incidents", body) if from_ is None else _go_on(client, from_, body)
        pages = client.get(f"incidents/{answer['ref']}/pages")["pages"]
        carried_here = not isinstance(client.way, Wire)
    if as_json:
        emit_json(answer)
    else:
        _say(answer, pages, carried_here=carried_here)


def _kind(near_miss: bool, change: bool) -> str | None:
    if near_miss and change:
        raise misused("--near-miss and --change exclude each other")
    return "near-miss" if near_miss else "change" if change else None


def _go_on(client: Client, typed: str, body: dict[str, Any]) -> Any:
    """A triage incident is declared; an older one that is over is followed by a new one."""
    ref = find_incident(client, typed)
    earlier = client.get(f"incidents/{ref}")
    given = {name: value for name, value in body.items() if value is not None}
    if earlier["stage"] in OVER:
        same = {name: earlier[of] or None for name, of in SAME.items()}
        return client.command("incidents", {**same, **given, "follows": ref})
    useless = [f"--{name.replace('_', '-')}" for name in given if name not in {"title", "sev", "kind"}]
    if useless or "kind" in given:
        raise misused(
            f"{ref} is {earlier['stage']}: {', '.join(useless) or 'another kind'} cannot be said while declaring it",
            "declare it, then correct times with tocsin time",
        )
    return client.command(f"incidents/{ref}/declare", given)


def _called(pages: list[dict[str, Any]], *, carried_here: bool) -> str:
    """Who is called. What this command carried itself either got out by now, or was a try."""
    waiting = [page for page in pages if not page["outcome"]]
    people = ", ".join(dict.fromkeys(plain(page["person"]) for page in waiting))
    in_vain = carried_here and waiting and not any(page["sent"] for page in pages)
    return f"{'tried to call' if in_vain else 'called'}  {people or 'nobody'}"


def _say(answer: dict[str, Any], pages: list[dict[str, Any]], *, carried_here: bool) -> None:
    incident = answer["incident"]
    STDOUT.line(plain(answer["ref"]))
    say_state(incident)
    STDOUT.line(plain(answer.get("url") or incident.get("url") or ""))
    if incident["stage"] == "recorded":
        return
    STDOUT.line(_called(pages, carried_here=carried_here))
    ack = next((c for c in incident.get("clocks") or [] if c["name"] == "ack" and not c.get("verdict")), None)
    if ack is not None:
        due = f"by {soon(ack['due'])}" if ack.get("due") else "(the handbook names no limit)"
        STDOUT.line(f"acknowledge {due}: tocsin ack {plain(answer['ref'])}")
    for line in upcoming(incident)[:3]:
        STDOUT.line(f"next  {line}")
    say_warnings(answer)
