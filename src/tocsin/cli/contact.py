"""Your own contact methods: further addresses, each proven by a code that was sent to it."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.client import connected
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import emit_json

app = typer.Typer(rich_markup_mode=None)
contact = typer.Typer(help="Your own contact methods.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(contact, name="contact")
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
    for one in found["contacts"]:
        typer.echo(f"{one['channel']:<12} {one['address']:<34} {one['state']}")
    if not found["contacts"]:
        typer.echo("no page can reach you: add an address, or ask for a row in the roster")


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
        typer.echo(f"a code is on its way to {found['address']}; then: tocsin contact verify {channel} CODE")


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
    with connected(server, person) as client:
        found = client.command(f"contacts/{channel}/verify", {"code": code})
    if as_json:
        emit_json(found)
    else:
        typer.echo(f"pages on {channel} go to {found['address']} from now on; try it: tocsin page test")


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
        typer.echo(f"your own address on {channel} is gone")
