"""Work during an incident: tasks, restores, evidence. Not here: the backup check (`gating`)."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import find_incident, handle, looks_like_reference, number_of, seconds, wanted
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Because, Owner, Reference
from tocsin.cli.output import emit_json
from tocsin.cli.telling import say_answer
from tocsin.cli.words import take_apart

app = typer.Typer(rich_markup_mode=None)
EVIDENCE_LIMIT: Final = 20 * 1024 * 1024
TASK_VERBS: Final = {
    "add": "TEXT",
    "start": "N",
    "assign": "N HANDLE",
    "approve": "N",
    "done": "N",
    "drop": "N",
}
TaskWords = Annotated[
    list[str],
    typer.Argument(
        metavar="[REF] add TEXT|start N|assign N HANDLE|approve N|done N|drop N", help="What to do."
    ),
]
Minutes = Annotated[
    int | None, typer.Option("--minutes", metavar="N", help="Time box; at its end the owner is asked once.")
]
DbChange = Annotated[
    bool, typer.Option("--db-change", help="Changes the database: needs the backup check to start.")
]
TwoPeople = Annotated[
    bool, typer.Option("--two-people", help="Somebody else has to approve before it starts.")
]
Result = Annotated[str | None, typer.Option("--result", metavar="TEXT", help="What came of it.")]


@app.command()
def task(
    words: TaskWords,
    owner: Owner = None,
    minutes: Minutes = None,
    db_change: DbChange = False,
    second: TwoPeople = False,
    result: Result = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Tasks: who does what, for how long.

    A task with an owner starts at once, unless it waits for the backup check or a second person.

    Examples:
      tocsin task add "Find the bad release" --owner priya --minutes 10
      tocsin task 7 add "Copy the rows back" --owner jonas --db-change
      tocsin task 7 start 2
      tocsin task done 1 --result "23/23 sent again"
      tocsin task drop 2 --because "copied from the restore instead"
    """
    ref, verb, rest = take_apart(words, TASK_VERBS)
    given: dict[str, Any] = {"do": verb, "owner": handle(owner), "minutes": minutes, "result": result}
    given |= {"db_change": db_change or None, "second": second or None, "reason": because}
    if verb == "add":
        given |= {"do": "open", "text": rest[0]}
    else:
        given["task"] = number_of(rest[0], "task")
    if verb == "assign":
        given["owner"] = handle(rest[1])
    elif verb == "drop":
        given["reason"] = wanted(because, "--because", "Why is it not done?")
    act(ref, "task", given, server, person, as_json)


@app.command()
def restored(
    ref: Reference = None,
    kind: Annotated[str, typer.Option("--kind", metavar="restore|drill", help="What it was.")] = "restore",
    source: Annotated[str | None, typer.Option("--source", metavar="TEXT", help="From which backup.")] = None,
    target: Annotated[str | None, typer.Option("--to", metavar="TEXT", help="Restored to what.")] = None,
    validation: Annotated[
        str | None, typer.Option("--validation", metavar="TEXT", help="What was compared, and the result.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="It did not pass.")] = False,
    because: Because = None,
    rpo: Annotated[str | None, typer.Option("--rpo", metavar="SPAN", help="Data lost: 25s, 2m.")] = None,
    rto: Annotated[
        str | None, typer.Option("--rto", metavar="SPAN", help="Time it took: 48m, 1h 20m.")
    ] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Record a restore or a restore drill: a row of the restore log.

    Examples:
      tocsin restored 7 --source "point 16:19:40" --to "new project" --validation "all rows" --rto 48m
    """
    body = {
        "kind": kind,
        "source": wanted(source, "--source", "From which backup?"),
        "target": wanted(target, "--to", "Restored to what?"),
        "validation": wanted(validation, "--validation", "What was compared, and the result?"),
        "passed": not failed,
        "reason": because or "",
        "rpo_s": seconds(rpo, "--rpo"),
        "rto_s": seconds(rto, "--rto"),
    }
    act(ref, "restored", body, server, person, as_json)


@app.command()
def evidence(
    words: Annotated[list[str], typer.Argument(metavar="[REF] FILE", help="The file, up to 20 MB.")],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What it shows.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Keep a file with the incident: stored once, with its SHA-256, never executed.

    Examples:
      tocsin evidence errors.png
      tocsin evidence 7 errors.png --note "error rate at 13:05"
    """
    if len(words) > 2 or (len(words) == 2 and not looks_like_reference(words[0])):
        raise misused(f"expected [REF] FILE, got {len(words)} words", "one file at a time")
    ref, path = (words[0] if len(words) == 2 else None), Path(words[-1])
    content = _read(path)
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    with connected(server, person) as client:
        place = f"incidents/{find_incident(client, ref)}/evidence"
        answer = client.upload(place, content, media_type, name=path.name, note=note)
    emit_json(answer) if as_json else say_answer(answer)


def _read(path: Path) -> bytes:
    """The file. Raises Failure: before anything is sent it is known whether it can be."""
    try:
        if path.stat().st_size > EVIDENCE_LIMIT:
            raise misused(f"{path} is larger than 20 MB", "cut it down, or link it in a note")
        return path.read_bytes()
    except OSError as error:
        raise misused(f"{path} cannot be read: {error.strerror}") from None
