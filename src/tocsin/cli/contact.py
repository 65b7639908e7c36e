"""Your own contact methods: further addresses, each proven by a code that was sent to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDOUT, columns, emit_json, plain
from tocsin.cli.telling import ago

app = typer.Typer(rich_markup_mode=None)
contact = typer.Typer(
    help="Your own contact methods, each proven by a code.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(contact, name="contact")
CODE_DIGITS = 8
Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel of tocsin.toml, such as mail.")]


@contact.command("list")
def listed(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """Where your pages go, and when one last arrived there.

    Examples:
      tocsin contact list
    """
    with connected(server, person) as client:
        found = client.get("contacts")
    if as_json:
        emit_json(found)
        return
    for line in columns([_row(one) for one in found["contacts"]]):
        STDOUT.line(line)
    if not found["contacts"]:
        STDOUT.line("no page can reach you: tocsin contact add, or ask for a row in the roster")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    """Channel, address, whose it is, how it does, what waits for its code."""
    whose = "your own" if one["own"] else "of the roster" if one["address"] else ""
    proven = one["state"] == "proven"
    state = f"last arrived {ago(one['proven_at'])}" if proven else _STATES[one["state"]]
    more = f"FAILED: {one['disabled']}" if one["disabled"] else ""
    waits = f"{one['waiting']} waits for its code" if one["waiting"] else ""
    return (one["channel"], one["address"] or "-", whose, state, more, waits)


_STATES = {
    "usable": "never proven: tocsin page test",
    "disabled": "only where nothing else is left",
    "none": "not used yet",
}


@contact.command()
def add(
    channel: Channel,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Your address on it.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Use another address on a channel; a code is sent there, and it counts once you have entered that.

    Examples:
      tocsin contact add mail mei@home.example
    """
    with connected(server, person) as client:
        found = client.command("contacts", {"channel": channel, "address": address})
    if as_json:
        emit_json(found)
    else:
        STDOUT.line(f"a code is on its way to {plain(found['waiting'])}; until it is entered nothing changes")
        STDOUT.line(f"then: tocsin contact verify {channel} CODE")


@contact.command()
def verify(
    channel: Channel,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The eight digits that were sent.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Enter the code that was sent to your new address.

    Examples:
      tocsin contact verify mail 12345678
    """
    digits = "".join(code.split())
    if not (len(digits) == CODE_DIGITS and digits.isascii() and digits.isdecimal()):
        raise misused(f"{code!r} is no code", "a code is the eight digits that were sent")
    with connected(server, person) as client:
        found = client.command(f"contacts/{channel}/verify", {"code": digits})
    if as_json:
        emit_json(found)
    else:
        STDOUT.line(
            f"pages on {channel} go to {plain(found['address'])} from now on; try it: tocsin page test"
        )


@contact.command()
def remove(
    channel: Channel, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """Take your own address on a channel away; the roster's is used again.

    Examples:
      tocsin contact remove mail
    """
    with connected(server, person) as client:
        client.delete(f"contacts/{channel}")
    if as_json:
        emit_json({"removed": channel})
    else:
        STDOUT.line(f"your own address on {channel} is gone; tocsin contact list shows what is used now")
