"""The database as a whole: copy it, put a copy in its place, let a moved one send again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.asked import present
from tocsin.cli.client import Local, connected, load_settings
from tocsin.cli.failure import Failure, misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Config
from tocsin.cli.output import STDOUT, emit_json, plain
from tocsin.store.backup import restore as restore_store
from tocsin.store.contract import BackupElsewhere, StoreUnavailable

app = typer.Typer(rich_markup_mode=None)


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the copy goes; written on the server's machine.")
    ],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database while it runs: consistent, whole, checked.

    Examples:
      tocsin backup /backup/tocsin-monday.db
    """
    with connected(server, person) as client:
        answer = client.post("backup", {"file": str(Path.cwd() / file)})
    if as_json:
        emit_json(answer)
    else:
        STDOUT.line(f"written: {plain(answer.get('file') or file)}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy made by `tocsin backup`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in place of the database. The server must be stopped; the old file is kept beside it.

    Afterwards the engine starts held and sends nothing until `tocsin adopt`.

    Examples:
      tocsin restore /backup/tocsin-monday.db --yes
    """
    settings = load_settings(config)
    running = Local(settings).server()
    if running is not None:
        raise Failure(
            f"a server runs here (process {running.pid})",
            possible="stop it first: its next write would be lost",
        )
    _confirm(file, yes=yes)
    try:
        restore_store(str(file), settings.database.url.reveal(), present())
    except (StoreUnavailable, BackupElsewhere) as refused:
        raise Failure(str(refused), possible="nothing was changed") from None
    if as_json:
        emit_json({"restored": str(file), "held": True})
        return
    STDOUT.line(f"restored from {plain(file)}; the old database is kept beside it as .before-restore")
    STDOUT.line("nothing is sent until: tocsin adopt")


def _confirm(file: Path, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere --yes must say it."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise misused("--yes is missing", "it puts the backup in place of the database")
    if not typer.confirm(f"Put {plain(file)} in place of the database?", err=True):
        raise Failure("not restored", possible="nothing was changed")


@app.command()
def adopt(server: AtServer = None, person: AsPerson = None, as_json: AsJson = False) -> None:
    """Let a moved or restored database send again. What is overdue goes out now.

    Examples:
      tocsin adopt
    """
    with connected(server, person) as client:
        answer = client.command("adopt")
    if as_json:
        emit_json(answer)
    else:
        STDOUT.line("adopted: this is the database's home now, what is due is sent")
        for line in answer.get("told") or []:
            STDOUT.line(f"told  {plain(line)}")
