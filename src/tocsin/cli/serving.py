"""`tocsin serve`: runs everything in this process until it is stopped."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from tocsin.cli.client import load_settings
from tocsin.cli.options import AsJson, Config
from tocsin.cli.output import STDOUT, plain
from tocsin.cli.running import plan_for, run
from tocsin.wiring.program import Program

app = typer.Typer(rich_markup_mode=None)


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    WEB = "web"
    ENGINE = "engine"


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default: tocsin.toml, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Port; default: tocsin.toml, else 8080.")
    ] = None,
    role: Annotated[
        Role, typer.Option("--role", help="all; web answers only; engine watches clocks and sends.")
    ] = Role.ALL,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run tocsin: web, API, pages and clocks. Ctrl-C or SIGTERM ends it, SIGHUP reads the handbook again.

    One friendly line on standard output, JSON log lines on standard error.

    Examples:
      tocsin serve
      tocsin serve --host 10.0.0.5 --port 8443 2>> tocsin.log
    """
    plan = plan_for(load_settings(config, need_secrets=True), host, port, role.value)

    def ready(program: Program) -> None:
        base = program.settings.server.base_url
        links = "" if base == plan.local_url else f" (links begin with {plain(base)})"
        if as_json:
            STDOUT.line(json.dumps({"url": plan.local_url, "links": base}))
        else:
            STDOUT.line(
                f"tocsin serves on {plan.local_url}{links}; sign in with: tocsin user link HANDLE; stop with Ctrl-C"
            )
        STDOUT.stream.flush()

    run(plan, ready)
