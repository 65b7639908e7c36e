"""What people in the room do: acknowledge, seats, severity, notes, decisions, updates."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import find_incident, looks_like_reference, moment, split_reference, wanted
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import emit_json
from tocsin.cli.telling import say_answer

app = typer.Typer(rich_markup_mode=None)
Because = Annotated[
    str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why; needed for lowering.")
]


def act(
    ref: str | None,
    verb: str,
    body: dict[str, Any],
    server: str | None,
    person: str | None,
    as_json: bool,
    *,
    stage: str = "open",
) -> None:
    """Send one verb for one incident (without `ref`: the only one of that stage) and say what it did."""
    with connected(server, person) as client:
        answer = client.command(f"incidents/{find_incident(client, ref, stage)}/{verb}", body)
    if as_json:
        emit_json(answer)
    else:
        say_answer(answer)


def _words(words: list[str], names: str, least: int, most: int) -> tuple[str | None, list[str]]:
    """The reference and the other words. Raises Failure naming what is expected."""
    ref, rest = split_reference(words) if len(words) > least else (None, words)
    if not least <= len(rest) <= most:
        raise misused(f"expected [REF] {names}, got {len(words)} words", "put text with spaces into quotes")
    return ref, rest


def _seat(words: list[str] | None) -> tuple[str | None, str]:
    """`7 scribe`, `7`, `scribe` or nothing: which incident, which role."""
    given = words or []
    if given and looks_like_reference(given[0]):
        ref, rest = given[0], given[1:]
    else:
        ref, rest = None, given
    if len(rest) > 1:
        raise misused(f"expected [REF] [ROLE], got {len(given)} words")
    return ref, rest[0] if rest else "ic"


@app.command()
def ack(
    ref: Reference = None, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """Acknowledge: you take it, paging stops.

    Examples:
      tocsin ack
      tocsin ack 7 --as mei
    """
    act(ref, "ack", {}, server, person, as_json)


@app.command()
def take(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[REF] [ROLE]", help="Which seat; default: ic.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Take an empty seat.

    Examples:
      tocsin take
      tocsin take 7 scribe
    """
    ref, seat = _seat(words)
    act(ref, "take", {"role": seat}, server, person, as_json)


@app.command()
def role(
    words: Annotated[list[str], typer.Argument(metavar="[REF] ROLE PERSON", help="Which role, and who.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Give a role to somebody; they are told.

    Examples:
      tocsin role comms tomas
      tocsin role 7 scribe jonas
    """
    ref, (which, whom) = _words(words, "ROLE PERSON", 2, 2)
    act(ref, "role", {"role": which, "person": whom.lstrip("@")}, server, person, as_json)


@app.command()
def handoff(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF] [ROLE] PERSON", help="Which seat (default: ic), and to whom."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="HANDLE", help="The person, instead of the last word.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Offer your seat to somebody; it counts when they accept.

    Examples:
      tocsin handoff priya
      tocsin handoff 7 ic priya
      tocsin handoff 7 --to priya
    """
    given = [*(words or []), *([to] if to else [])]
    ref, rest = _words(given, "[ROLE] PERSON", 1, 2)
    seat = rest[0] if len(rest) == 2 else "ic"
    act(ref, "handoff", {"role": seat, "to": rest[-1].lstrip("@")}, server, person, as_json)


@app.command()
def accept(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF] [ROLE]", help="The seat that was offered; default: ic."),
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Accept a seat that is offered to you.

    Examples:
      tocsin accept --as priya
      tocsin accept 7 comms
    """
    ref, seat = _seat(words)
    act(ref, "accept", {"role": seat}, server, person, as_json)


@app.command()
def severity(
    words: Annotated[list[str], typer.Argument(metavar="[REF] LEVEL", help="The new level.")],
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Change the severity. Raising calls people anew; lowering needs a reason.

    Examples:
      tocsin severity SEV1
      tocsin severity 7 SEV3 --because "one tenant only"
    """
    ref, (level,) = _words(words, "LEVEL", 1, 1)
    act(ref, "severity", {"level": level, "reason": because}, server, person, as_json)


@app.command()
def note(
    words: Annotated[list[str], typer.Argument(metavar="[REF] TEXT", help="What to write down.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When it happened, if not now.")
    ] = None,
    replaces: Annotated[
        int | None,
        typer.Option(
            "--replaces", metavar="N", help="The entry that this one replaces: `[31]` in tocsin show."
        ),
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Write a note into the timeline. The number before it is the one to replace it by.

    Examples:
      tocsin note "Rolled back to 214"
      tocsin note 7 "First complaint" --at 12:58
      tocsin note 7 "Rolled back to 213" --replaces 31
    """
    ref, (text,) = _words(words, "TEXT", 1, 1)
    body = {"text": text, "at": moment(at, "--at"), "replaces": replaces}
    act(ref, "note", body, server, person, as_json)


@app.command()
def decide(
    words: Annotated[list[str], typer.Argument(metavar="[REF] DECISION", help="What was decided.")],
    why: Annotated[str | None, typer.Option("--why", "--because", metavar="TEXT", help="The reason.")] = None,
    objections: Annotated[
        bool, typer.Option("--objections/--no-objections", help="Whether somebody objected.")
    ] = False,
    proposal: Annotated[
        int | None, typer.Option("--proposal", metavar="N", help="The proposal that it answers.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Record a decision and its reason.

    Examples:
      tocsin decide "Roll back" --why "the deploy fits the time"
    """
    ref, (decision,) = _words(words, "DECISION", 1, 1)
    body = {"decision": decision, "why": why, "objections": objections, "proposal": proposal}
    act(ref, "decide", body, server, person, as_json)


@app.command()
def update(
    ref: Reference = None,
    impact: Annotated[str | None, typer.Option(metavar="TEXT", help="Who notices what.")] = None,
    eta: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Expected end; `unknown` is an answer.")
    ] = None,
    next_steps: Annotated[
        str | None, typer.Option("--next", metavar="TEXT", help="What is done next.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Post the update that is due; the update clock starts over.

    On a terminal it asks for what is missing.

    Examples:
      tocsin update 7 --impact "nobody can sign in" --eta unknown --next "rolling back"
    """
    body = {
        "impact": wanted(impact, "--impact", "Impact: who notices what?"),
        "eta": wanted(eta, "--eta", "ETA (may be unknown)"),
        "next_steps": wanted(next_steps, "--next", "Next steps"),
    }
    act(ref, "update", body, server, person, as_json)
