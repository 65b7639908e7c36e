"""The postmortem: when it is due, what is still to be written, where it is published.

`--check` looks at the file in this checkout by the handbook that lies here, or that the server here reads: the one
that is being written is not on the server yet.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import find_incident, looks_like_reference
from tocsin.cli.client import connected
from tocsin.cli.failure import REFUSED, misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import STDOUT, day_time, emit_json, plain
from tocsin.cli.reading import read_here
from tocsin.cli.telling import say_state
from tocsin.domain.blame import hints
from tocsin.handbook.documents import POSTMORTEMS
from tocsin.handbook.sections import incomplete

app = typer.Typer(rich_markup_mode=None)
_FULL: Final = re.compile(r"(?:INC|CHG)-[0-9]{4}-[0-9]{4,9}")


@app.command()
def postmortem(
    ref: Reference = None,
    where: Annotated[
        str | None, typer.Argument(show_default=False, help="Link or path at which it is published.")
    ] = None,
    published: Annotated[
        str | None, typer.Option("--where", metavar="WHERE", help="The same as an option.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Name what is still to be written; nothing is published.")
    ] = False,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Say where the postmortem is published; without a place: when it is due.

    With --check: exit code 1 while a section is still to be written. Words that judge people are pointed out,
    and stop nothing. With a file instead of a reference no server is asked.

    Examples:
      tocsin postmortem 7
      tocsin postmortem 7 --check
      tocsin postmortem 7 docs/ops/postmortems/INC-2026-0007.md
    """
    if ref is not None and where is None and not looks_like_reference(ref):
        ref, where = None, ref
    place = where or published
    if check:
        _check(_file(ref, place, server, person), as_json)
    elif place is not None:
        act(ref, "postmortem", {"where": place}, server, person, as_json, stage="resolved")
    else:
        _say_due(ref, server, person, as_json)


def _say_due(ref: str | None, server: str | None, person: str | None, as_json: bool) -> None:
    with connected(server, person) as client:
        incident = client.get(f"incidents/{find_incident(client, ref, 'resolved')}")
    due, done = incident.get("postmortem_due"), incident.get("postmortem_published")
    if as_json:
        said = {"ref": incident["ref"], "stage": incident["stage"]}
        emit_json({**said, "due": None if done else due, "published": bool(done)})
        return
    say_state(incident)
    if done:
        STDOUT.line("postmortem published")
        return
    STDOUT.line(f"postmortem {'due ' + day_time(due) if due else 'not due'}")
    STDOUT.line(f"what is missing? tocsin postmortem {plain(incident['ref'])} --check")
    STDOUT.line(f"published it? tocsin postmortem {plain(incident['ref'])} WHERE")


def _file(ref: str | None, place: str | None, server: str | None, person: str | None) -> Path:
    """The file that is meant: a path from here or from the repository's root, else the draft of an incident."""
    reading, folder = read_here()
    if place is not None:
        given = Path(place)
        return given if given.exists() else reading.root / given
    if ref is None or not _FULL.fullmatch(ref.strip().upper()):
        with connected(server, person) as client:
            ref = find_incident(client, ref, "resolved")
    return folder / POSTMORTEMS / f"{ref.strip().upper()}.md"


def _check(path: Path, as_json: bool) -> None:
    """Say what is missing. Raises Exit 1 while something is."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise misused(
            f"{path} cannot be read: {why}", "the draft is written here when the incident is resolved"
        ) from None
    policy = read_here()[0].policy
    sections = tuple(note.text for note in policy.postmortem_sections) if policy else ()
    missing, told = incomplete(text, sections), hints(text)
    if as_json:
        emit_json({"file": str(path), "missing": list(missing), "hints": list(told)})
    else:
        _say(path, missing, told)
    if missing:
        raise typer.Exit(REFUSED)


def _say(path: Path, missing: tuple[str, ...], told: tuple[str, ...]) -> None:
    STDOUT.line(plain(path))
    for name in missing:
        STDOUT.line(f"{STDOUT.style('still to be written', 'yellow')}  {plain(name)}")
    for hint in told:
        STDOUT.line(f"hint  {plain(hint)}")
    if not missing:
        STDOUT.line("every section is written")
