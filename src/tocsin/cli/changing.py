"""What changes the course: corrected times, coming back, being the same as another one."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import find_incident, moment, split_reference, wanted
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import emit_json
from tocsin.cli.telling import say_answer

app = typer.Typer(rich_markup_mode=None)
Because = Annotated[str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why; needed.")]


@app.command()
def time(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[REF] NAME TIME",
            help="impact-start, detected, declared, acked, mitigated, impact-end or resolved, and when.",
        ),
    ],
    because: Because = None,
    was: Annotated[
        str | None, typer.Option("--was", metavar="TIME", help="Only if it still says this.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Set or correct one of the seven timestamps; clocks are judged anew, the old value stays to be seen.

    Examples:
      tocsin time impact-start 09:04 --because "first refused event"
      tocsin time 7 mitigated 13:14:20 --because "the graph shows it"
    """
    ref, rest = split_reference(words)
    if len(rest) != 2:
        raise misused(
            f"expected [REF] NAME TIME, got {len(words)} words", "write times as 13:05 or 2026-11-24T13:05Z"
        )
    body = {
        "name": rest[0].replace("-", "_"),
        "at": moment(rest[1], "TIME"),
        "because": wanted(because, "--because", "Why is it corrected?"),
        "was": moment(was, "--was"),
    }
    act(ref, "time", body, server, person, as_json)


@app.command()
def reopen(
    ref: Reference = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """It came back: the clocks run on, people are called anew.

    Within the handbook's time (a day unless it says otherwise). Later: tocsin declare --from REF.

    Examples:
      tocsin reopen 7 --because "customers are locked out again"
    """
    reason = wanted(because, "--because", "What came back?")
    act(ref, "reopen", {"reason": reason}, server, person, as_json, stage="resolved")


@app.command()
def merge(
    words: Annotated[
        list[str], typer.Argument(metavar="REF INTO", help="The duplicate, and where it goes on.")
    ],
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """It is the same as another one and goes on there.

    Examples:
      tocsin merge 8 7 --because "the same payments"
    """
    if len(words) != 2:
        raise misused(f"expected REF INTO, got {len(words)} words")
    reason = wanted(because, "--because", "Why is it the same?")
    with connected(server, person) as client:
        child, into = (find_incident(client, word) for word in words)
        answer = client.command(f"incidents/{child}/merge", {"into": into, "reason": reason})
    emit_json(answer) if as_json else say_answer(answer)
