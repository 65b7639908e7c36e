"""What is said in the room beside notes: proposals, further reports, suspected changes, shadows, restriction."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import handle, looks_like_reference, moment, split_reference, wanted
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Because, Reference

app = typer.Typer(rich_markup_mode=None)


def _one(words: list[str], what: str) -> tuple[str | None, str]:
    """The reference, if any, and the one text."""
    ref, rest = split_reference(words)
    if len(rest) != 1:
        raise misused(f"expected [REF] {what}, got {len(words)} words", "put text with spaces into quotes")
    return ref, rest[0]


@app.command()
def propose(
    words: Annotated[list[str], typer.Argument(metavar="[REF] TEXT", help="What you propose.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Propose a decision; it gets a number.

    Examples:
      tocsin propose "Roll back to 9f3c1ab"
      tocsin decide "Roll back" --proposal 1 --why "last known good"
    """
    ref, text = _one(words, "TEXT")
    act(ref, "propose", {"text": text}, server, person, as_json)


@app.command()
def report(
    words: Annotated[list[str], typer.Argument(metavar="[REF] TEXT", help="What was reported.")],
    source: Annotated[str, typer.Option("--source", metavar="WHO", help="Who reported it.")] = "",
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Add a further report of the same trouble: no second incident, nobody is called.

    Examples:
      tocsin report 7 "another customer sees a pending payment" --source support
    """
    ref, text = _one(words, "TEXT")
    act(ref, "report", {"text": text, "source": source}, server, person, as_json)


@app.command()
def suspect(
    words: Annotated[list[str], typer.Argument(metavar="[REF] WHAT", help="The change.")],
    author: Annotated[
        str | None, typer.Option("--author", metavar="HANDLE", help="Who made it: not proposed as IC.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When it went out.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Name a change that may have caused it.

    Examples:
      tocsin suspect 7 "migration merge_contacts" --author jonas --at 16:20:05
    """
    ref, what = _one(words, "WHAT")
    body = {"what": what, "author": handle(author), "happened": moment(at, "--at")}
    act(ref, "suspect", body, server, person, as_json)


@app.command()
def shadow(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[REF] [HANDLE]", help="Who; default: you.")
    ] = None,
    leave: Annotated[bool, typer.Option("--leave", help="No longer.")] = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Shadow the IC: see everything, do nothing, be listed apart.

    Examples:
      tocsin shadow 7
      tocsin shadow 7 --leave
    """
    given = list(words or [])
    ref = given.pop(0) if given and looks_like_reference(given[0]) else None
    if len(given) > 1:
        raise misused(f"expected [REF] [HANDLE], got {len(words or [])} words")
    whom = handle(given[0]) if given else None
    act(ref, "shadow", {"person": whom, "leave": leave or None}, server, person, as_json)


@app.command()
def restrict(
    ref: Reference = None,
    codename: Annotated[
        str | None, typer.Option("--codename", metavar="WORD", help="What everybody else hears instead.")
    ] = None,
    readers: Annotated[
        list[str] | None, typer.Option("--reader", metavar="HANDLE", help="May read it; repeat for more.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Everybody may read it again.")] = False,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Let only named readers and those at work see it, from now on; every read is written down.

    Examples:
      tocsin restrict 7 --codename Heron --reader aisha --because "a tenant's data"
      tocsin restrict 7 --lift --because "the customers were told"
    """
    body: dict[str, Any] = {"lift": lift or None, "reason": because}
    if not lift:
        body |= {
            "codename": wanted(codename, "--codename", "Which codename?"),
            "readers": [handle(reader) for reader in readers or []],
        }
    act(ref, "restrict", body, server, person, as_json)
