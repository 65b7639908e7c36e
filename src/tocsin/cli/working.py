"""Work during an incident: tasks, the backup check, restores, evidence."""

from __future__ import annotations

import mimetypes
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.asked import find_incident, moment, number_of, seconds, wanted
from tocsin.cli.client import Client, connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Reference
from tocsin.cli.output import STDERR, STDOUT, day_time, emit_json, plain
from tocsin.cli.telling import say_answer
from tocsin.cli.words import do, take_apart

app = typer.Typer(rich_markup_mode=None)
EVIDENCE_LIMIT = 20 * 1024 * 1024
TASK_VERBS = {"add": 1, "start": 1, "assign": 2, "approve": 1, "done": 1, "drop": 1}
GATE_VERBS = {"show": 0, "check": 0, "confirm": 1, "override": 1, "point": 1}
Owner = Annotated[str | None, typer.Option("--owner", metavar="HANDLE", help="Who does it.")]
Because = Annotated[str | None, typer.Option("--because", "--reason", metavar="TEXT", help="Why.")]


@app.command()
def task(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[REF] add TEXT|start N|assign N HANDLE|approve N|done N|drop N", help="What to do."
        ),
    ],
    owner: Owner = None,
    minutes: Annotated[
        int | None,
        typer.Option("--minutes", metavar="N", help="Time box; at its end the owner is asked once."),
    ] = None,
    db_change: Annotated[
        bool, typer.Option("--db-change", help="Changes the database: needs the backup check to start.")
    ] = False,
    second: Annotated[
        bool, typer.Option("--two-people", help="Somebody else has to approve before it starts.")
    ] = False,
    result: Annotated[str | None, typer.Option("--result", metavar="TEXT", help="What came of it.")] = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Tasks: who does what, for how long.

    Examples:
      tocsin task add "Find the bad release" --owner priya --minutes 10
      tocsin task 7 add "Copy the rows back" --owner jonas --db-change
      tocsin task 7 start 2
      tocsin task done 1 --result "23/23 sent again"
    """
    ref, verb, rest = take_apart(words, TASK_VERBS)
    given: dict[str, Any] = {"do": "open" if verb == "add" else verb}
    if verb == "add":
        given |= {"text": rest[0], "owner": _handle(owner), "minutes": minutes}
        given |= {"db_change": db_change or None, "second": second or None}
    else:
        given |= {"task": number_of(rest[0], "task"), "result": result, "reason": because}
        given |= {"owner": _handle(rest[1])} if verb == "assign" else {}
    do(ref, "task", given, server, person, as_json)


def _handle(text: str | None) -> str | None:
    return text.lstrip("@") if text else None


@app.command()
def gate(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[REF] show|check|confirm N|override TASK|point TIME", help="What to do."),
    ],
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            metavar="ok|failed|exception: TEXT",
            help="One for each point, in order, with its evidence.",
        ),
    ] = None,
    restore_point: Annotated[
        str | None, typer.Option("--restore-point", metavar="TIME", help="The moment to return to.")
    ] = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """The backup check before a database change.

    `check` asks for each point on a terminal, with the last answer beside it.

    Examples:
      tocsin gate 7 show
      tocsin gate 7 check --answer "ok: newest recovery point 2m old" --answer "ok: back to Monday"
      tocsin gate confirm 2 --as mei
      tocsin gate override 3 --because "every minute loses orders"
      tocsin gate 9 point 16:19:40
    """
    ref, verb, rest = take_apart(words, GATE_VERBS)
    with connected(server, person) as client:
        full = find_incident(client, ref)
        if verb == "show":
            _show_gates(client.get(f"incidents/{full}/gates"), as_json)
            return
        body: dict[str, Any] = {"do": verb, "reason": because}
        if verb == "check":
            body["answers"] = _answers(answers, client, full)
            body["restore_point"] = moment(restore_point, "--restore-point")
        elif verb == "point":
            body |= {"restore_point": moment(rest[0], "TIME"), "note": because}
            body.pop("reason")
        else:
            body["check" if verb == "confirm" else "task"] = number_of(rest[0], verb)
        answer = client.command(f"incidents/{full}/gate", body)
    emit_json(answer) if as_json else say_answer(answer)


def _answers(given: list[str] | None, client: Client, ref: str) -> list[dict[str, str]]:
    """What was typed as options; on a terminal each point is asked for."""
    if given:
        return [_answer(text) for text in given]
    gates = client.get(f"incidents/{ref}/gates")["gates"]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        points = "; ".join(f"{p['point']}. {plain(p['text'])}" for g in gates for p in g["points"])
        raise misused("--answer is missing", f"one for each point: {points}")
    found = []
    for point in (p for one in gates[:1] for p in one["points"]):
        STDERR.line(f"{point['point']}. {plain(point['text'])}")
        last = point.get("last")
        if last:
            STDERR.line(
                f"   last: {plain(last['answer'])}: {plain(last['evidence'])} ({day_time(last['at'])})"
            )
        ways = "ok/failed/exception" if point["exceptions"] else "ok/failed"
        answer = typer.prompt(f"   {ways}", default="ok", err=True)
        found.append({"answer": answer, "evidence": typer.prompt("   what shows it", err=True)})
    return found


def _answer(text: str) -> dict[str, str]:
    answer, colon, evidence = text.partition(":")
    if not colon or answer.strip() not in {"ok", "failed", "exception"}:
        raise misused(
            f"--answer {text!r} is no answer", 'write "ok: what shows it", "failed: ..." or "exception: ..."'
        )
    return {"answer": answer.strip(), "evidence": evidence.strip()}


def _show_gates(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    if not found["gates"]:
        STDOUT.line("the handbook names no check before a database change")
    for one in found["gates"]:
        valid = one.get("valid_until")
        state = f"counts until {day_time(valid)}" if valid else "no check counts now"
        STDOUT.line(f"{plain(one['name'])}: {state}")
        for point in one["points"]:
            STDOUT.line(f"  {point['point']}. {plain(point['text'])}")
            last = point.get("last")
            if last:
                said = f"{plain(last['answer'])}: {plain(last['evidence'])}"
                STDOUT.line(f"     last {day_time(last['at'])}, {said}")


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
    rto: Annotated[str | None, typer.Option("--rto", metavar="SPAN", help="Time it took: 48m, 2h.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Record a restore or a restore drill: a row of the restore log.

    Examples:
      tocsin restored 7 --source "recovery point 16:19:40" --to "new project" --validation "all rows" --rto 48m
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
    do(ref, "restored", body, server, person, as_json)


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
      tocsin evidence 7 errors.png --note "error rate at 13:05"
    """
    ref, name = (words[0], words[-1]) if len(words) == 2 else (None, words[-1])
    if len(words) > 2:
        raise misused(f"expected [REF] FILE, got {len(words)} words", "put names with spaces into quotes")
    content = _read(Path(name))
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    with connected(server, person) as client:
        path = f"incidents/{find_incident(client, ref)}/evidence"
        answer = client.upload(path, content, media_type, name=Path(name).name, note=note)
    emit_json(answer) if as_json else say_answer(answer)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > EVIDENCE_LIMIT:
            raise misused(f"{path} is larger than 20 MB", "cut it down, or link it in a note")
        return path.read_bytes()
    except OSError as error:
        raise misused(f"{path} cannot be read: {error.strerror}") from None
