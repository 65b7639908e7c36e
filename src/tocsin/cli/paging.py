"""Pages by hand: to people, to whoever is on call, and to try out whether they arrive."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tocsin.cli.asked import handle
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer
from tocsin.cli.output import emit_json
from tocsin.cli.telling import say_answer

app = typer.Typer(rich_markup_mode=None)
TEST = "test"


@app.command()
def page(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WHO... TEXT", help="Handles or schedules, then one line. Or: test [PERSON]."),
    ],
    sev: Annotated[str | None, typer.Option("--sev", metavar="LEVEL", help="Default: as in doubt.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Page people by hand; `page test` proves that pages arrive.

    They are called until one of them answers; whoever is on call is named by the schedule.

    Examples:
      tocsin page mei "The invoice run looks wrong, can you look?"
      tocsin page platform "Does anybody know about the spike?" --sev SEV2
      tocsin page test
      tocsin page test henrik
    """
    if words[0] == TEST and len(words) <= 2 and sev is None:
        path, body = "pages/test", _tested(words[1:])
    elif len(words) < 2:
        raise misused("expected WHO TEXT", 'tocsin page mei "what it is about", or tocsin page test')
    else:
        path = "pages"
        body = {"to": [word.removeprefix("@") for word in words[:-1]], "text": words[-1], "sev": sev}
    with connected(server, person) as client:
        answer = client.command(path, body)
    if as_json:
        emit_json(answer)
    else:
        say_answer(answer)


def _tested(words: list[str]) -> dict[str, Any]:
    return {"person": handle(words[0])} if words else {}
