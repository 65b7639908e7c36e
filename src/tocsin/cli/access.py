"""People beside the roster and their sign-in links; tokens for programs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.client import connected
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import STDERR, STDOUT, columns, day_time, emit_json, plain

app = typer.Typer(rich_markup_mode=None)
user = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="People beside the handbook's roster; sign-in links."
)
token = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Tokens for programs.")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="The person's handle.")]


@user.command("add")
def add_user(
    handle: Handle,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Full name; needed for somebody new.")
    ] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="E-mail address.")] = None,
    phone: Annotated[str | None, typer.Option(metavar="NUMBER", help="Telephone number.")] = None,
    chat: Annotated[str | None, typer.Option(metavar="@NAME", help="Name in the chat.")] = None,
    standing: Annotated[
        str, typer.Option(metavar="WORD", help="observer, responder or admin.")
    ] = "responder",
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Add somebody who is in no roster, or change the standing of somebody who is.

    Examples:
      tocsin user add sam --name "Sam Roth" --email sam@acme.example --standing observer
      tocsin user add mei --standing admin
    """
    body = {"handle": handle.lstrip("@"), "name": name, "email": email, "phone": phone, "chat": chat}
    with connected(server, person) as client:
        answer = client.post("users", {**body, "standing": standing})
    _say_or_json(answer, f"{plain(handle.lstrip('@'))} is {plain(standing)}", as_json=as_json)


@user.command("list")
def list_users(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """List everybody, those of the roster included.

    Examples:
      tocsin user list
    """
    with connected(server, person) as client:
        found = client.get("users")
    if as_json:
        emit_json(found)
        return
    rows = found["users"]
    for line in columns([_user(row) for row in rows]):
        STDOUT.line(line)


def _user(row: dict[str, Any]) -> tuple[str, ...]:
    where = "roster" if row.get("in_roster") else "added"
    roles = ", ".join(row.get("can_act_as") or []) or "-"
    return (
        row["handle"],
        row.get("name") or "-",
        row.get("standing") or "-",
        where,
        roles,
        row.get("email") or "-",
    )


@user.command("link")
def link_user(
    handle: Handle, server: AtServer = None, person: AsPerson = None, as_json: AsJson = False
) -> None:
    """Print a sign-in link: for one use, within ten minutes.

    Examples:
      tocsin user link mei
    """
    with connected(server, person) as client:
        answer = client.post(f"users/{handle.lstrip('@')}/signin-link")
    if as_json:
        emit_json(answer)
        return
    STDOUT.line(plain(answer["url"]))
    STDERR.line(f"for one use, until {day_time(answer.get('expires_at'))}")


@token.command("create")
def create_token(
    scopes: Annotated[
        list[str],
        typer.Option("--scope", metavar="SCOPE", help="What it may do, e.g. incident:read; repeat it."),
    ],
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    owner: Annotated[
        str | None, typer.Option("--person", metavar="HANDLE", help="Whose it is; default: whoever asks.")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Days until it expires.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once, now, and stored only as a hash.

    Examples:
      tocsin token create --person mei --scope incident:read --label dashboard --days 90
    """
    body = {
        "scopes": scopes,
        "label": label,
        "expires_in_days": days,
        "person": owner.lstrip("@") if owner else None,
    }
    with connected(server, person) as client:
        answer = client.post("tokens", body)
    if as_json:
        emit_json(answer)
        return
    STDOUT.line(plain(answer["token"]))
    STDERR.line("this is the only time it is shown")


@token.command("list")
def list_tokens(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """List tokens, without their secrets.

    Examples:
      tocsin token list
    """
    with connected(server, person) as client:
        found = client.get("tokens")
    if as_json:
        emit_json(found)
        return
    rows = found["tokens"]
    for line in columns([_token(row) for row in rows]):
        STDOUT.line(line)
    if not rows:
        STDOUT.line("no tokens")


def _token(row: dict[str, Any]) -> tuple[str, ...]:
    until = day_time(row["expires_at"]) if row.get("expires_at") else "for ever"
    return (row["id"], row["person"], " ".join(row.get("scopes") or []), until, row.get("label") or "")


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `tocsin token list` shows it.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a token; it opens nothing any more.

    Examples:
      tocsin token revoke 3f9a2b7c1d0e4f55
    """
    with connected(server, person) as client:
        answer = client.delete(f"tokens/{token_id}")
    _say_or_json(answer, f"{plain(token_id)} is revoked", as_json=as_json)


def _say_or_json(answer: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(answer)
    else:
        STDOUT.line(words)
