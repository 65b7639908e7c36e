"""Options that many commands share, with their words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AtServer = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Address of the server; default: TOCSIN_URL, else the one that runs here.",
    ),
]
AsPerson = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="HANDLE", help="Act for this person (local operator only); default: TOCSIN_AS."
    ),
]
Because = Annotated[str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why.")]
Owner = Annotated[str | None, typer.Option("--owner", metavar="HANDLE", help="Who does it.")]
Reference = Annotated[
    str | None,
    typer.Argument(
        metavar="REF", show_default=False, help="Reference or its number; not needed while only one is open."
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="tocsin.toml or its folder; default: TOCSIN_CONFIG, else upwards."
    ),
]
