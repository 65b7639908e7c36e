"""The way out: mitigate, resolve, close; or dismiss what was none. Not here: the postmortem (`writeup`)."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import moment, wanted
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference

app = typer.Typer(rich_markup_mode=None)


@app.command()
def mitigate(
    ref: Reference = None,
    evidence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What shows that the harm has stopped.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Say that the harm has stopped, with evidence.

    Examples:
      tocsin mitigate 7 --evidence "sign-in works for 20 of 20 tries"
    """
    proof = wanted(evidence, "--evidence", "What shows that the harm has stopped?")
    act(ref, "mitigate", {"evidence": proof}, server, person, as_json)


@app.command()
def resolve(
    ref: Reference = None,
    confirmed: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Where the fix is seen to work.")
    ] = None,
    impact_ended: Annotated[
        str | None,
        typer.Option("--impact-ended", metavar="TEXT", help="What shows that nobody is hit any more."),
    ] = None,
    errors_normal: Annotated[
        str | None,
        typer.Option("--errors-normal", metavar="TEXT", help="What shows that error rates are ordinary."),
    ] = None,
    impact_end: Annotated[
        str | None, typer.Option("--impact-end", metavar="TIME", help="When nobody was hit any more.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """End the incident: three points, each with evidence.

    On a terminal it asks for what is missing.

    Examples:
      tocsin resolve 7
      tocsin resolve 7 --confirmed "release 215" --impact-ended "no complaint" --errors-normal "0.1 %"
    """
    body = {
        "confirmed": wanted(confirmed, "--confirmed", "Confirmed: where is the fix seen to work?"),
        "impact_ended": wanted(impact_ended, "--impact-ended", "What shows that nobody is hit any more?"),
        "errors_normal": wanted(
            errors_normal, "--errors-normal", "What shows that error rates are ordinary?"
        ),
        "impact_end": moment(impact_end, "--impact-end"),
    }
    act(ref, "resolve", body, server, person, as_json)


@app.command()
def close(
    ref: Reference = None, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """Close it when nothing is owed any more; what still is, is named.

    Examples:
      tocsin close 7
    """
    act(ref, "close", {}, server, person, as_json, stage="resolved")


@app.command()
def dismiss(
    ref: Reference = None,
    because: Annotated[
        str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why it is no incident.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """It was none: end a triage incident, with the reason.

    Examples:
      tocsin dismiss 7 --because "planned maintenance"
    """
    reason = wanted(because, "--because", "Why is it no incident?")
    act(ref, "dismiss", {"reason": reason}, server, person, as_json)
