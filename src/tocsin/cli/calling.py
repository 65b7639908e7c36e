"""Who is called, by hand: the next step now, a pause, further people, passing on, taking an acknowledgement back."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import looks_like_reference, moment, seconds, split_reference, wanted
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference

app = typer.Typer(rich_markup_mode=None)
Because = Annotated[str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why; one line.")]


def _why(because: str | None) -> str:
    return wanted(because, "--because", "Why?")


@app.command()
def escalate(
    ref: Reference = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Call the next step of the escalation now.

    What was acknowledged or snoozed is called anew; behind the last step comes the first.

    Examples:
      tocsin escalate
      tocsin escalate 7 --because "the database is beyond me"
    """
    act(ref, "escalate", {"reason": _why(because)}, server, person, as_json)


@app.command("pass")
def pass_on(
    ref: Reference = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Pass on the page that calls you.

    It ends, and the next step is called at once.

    Examples:
      tocsin pass
      tocsin pass 7 --because "on a train"
    """
    act(ref, "pass", {"reason": because} if because else {}, server, person, as_json)


@app.command()
def snooze(
    ref: Reference = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 45m or 2h; at most 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until when.")] = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Call nobody for a while.

    Then people are called as if it were new. A higher severity, an acknowledgement or its end ends it.

    Examples:
      tocsin snooze --for 45m
      tocsin snooze 7 --until 2026-03-29T06:00Z --because "the provider repairs it at six"
    """
    if (length is None) == (until is None):
        raise misused("how long?", "give either --for or --until")
    body = {
        "for_s": seconds(length, "--for"),
        "until": moment(until, "--until", ahead=True),
        "reason": _why(because),
    }
    act(ref, "snooze", body, server, person, as_json)


@app.command()
def renew(
    ref: Reference = None, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """Still on it: the acknowledgement holds anew, for its whole time.

    Examples:
      tocsin renew
      tocsin renew 7 --as mei
    """
    act(ref, "renew", {}, server, person, as_json)


@app.command()
def unack(
    ref: Reference = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Take the acknowledgement back.

    People are called from the first step on.

    Examples:
      tocsin unack 7 --because "I have to leave"
    """
    act(ref, "unack", {"reason": _why(because)}, server, person, as_json)


People = Annotated[
    list[str], typer.Argument(metavar="[REF] PERSON...", help="Handles; schedule:NAME and role:KEY work too.")
]


def _name(
    verb: str, words: list[str], because: str | None, server: str | None, person: str | None, as_json: bool
) -> None:
    """Send a verb that is about people."""
    ref, people = split_reference(words)
    if ref is None and looks_like_reference(people[0]):
        raise misused(f"whom? {people[0]} is an incident", f"tocsin {verb} {people[0]} mei")
    body = {"people": [one.removeprefix("@") for one in people], "reason": _why(because)}
    act(ref, verb, body, server, person, as_json)


@app.command()
def call(
    words: People,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Call further people in.

    They are called now and with high urgency; the steps of the escalation go on as they are.

    Examples:
      tocsin call henrik --because "the contract allows it only with him"
      tocsin call 7 priya jonas --because "two more hands for the restore"
    """
    _name("call", words, because, server, person, as_json)


@app.command()
def reassign(
    words: People,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Call other people instead.

    Nobody has it then but they are called; the steps begin if they do not answer in time.

    Examples:
      tocsin reassign 7 priya --because "it is her service"
    """
    _name("reassign", words, because, server, person, as_json)
