"""The command line: one file per group of commands, loaded only when one of its commands is used.

`app` is the typer application, `main` the entry point. What a command prints for people goes to standard output,
what it says about itself to standard error; exit codes are in `failure`.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from tocsin import __version__
from tocsin.cli.failure import Failure, say_failure
from tocsin.cli.lazy import LazyGroup
from tocsin.cli.output import flush_or_give_up, open_closed_streams

app = typer.Typer(
    cls=LazyGroup,
    name="tocsin",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {__version__}")
        raise typer.Exit


@app.callback()
def tocsin(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Runs the incident handbook of your repository: pages people, keeps its clocks, writes the log.

    Examples:
      tocsin declare "Sign-in loops for all users" --sev SEV1
      tocsin ack
      tocsin check docs/ops
    """


def main() -> None:
    """The entry point of the `tocsin` command."""
    gc.disable()  # loading makes no garbage, and a command ends before there is any; an engine turns it on again
    open_closed_streams()
    try:
        app()
    except Failure as failure:
        sys.exit(say_failure(failure, as_json="--json" in sys.argv))
    finally:
        flush_or_give_up()
