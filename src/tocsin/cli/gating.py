"""The backup check before a database change: going through it, what counts now, going past it."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer

from tocsin.cli.asked import find_incident, moment, number_of, wanted
from tocsin.cli.client import Client, connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Because
from tocsin.cli.output import STDERR, STDOUT, day_time, emit_json, plain
from tocsin.cli.telling import ago, say_answer
from tocsin.cli.words import take_apart

app = typer.Typer(rich_markup_mode=None)
Json = dict[str, Any]
GATE_VERBS: Final = {"show": "", "check": "", "confirm": "N", "override": "TASK", "point": "TIME"}
ANSWERS: Final = ("ok", "failed", "exception")
HOW: Final = 'write "ok: what shows it", "failed: ..." or "exception: ..."'
GateWords = Annotated[
    list[str],
    typer.Argument(metavar="[REF] show|check|confirm N|override TASK|point TIME", help="What to do."),
]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        metavar="ok|failed|exception: TEXT",
        help="One for each point, in order, with its evidence.",
    ),
]
Point = Annotated[
    str | None, typer.Option("--restore-point", metavar="TIME", help="The moment to return to.")
]
Key = Annotated[
    str | None, typer.Option("--gate", metavar="KEY", help="Which check, where the handbook has several.")
]


@app.command()
def gate(
    words: GateWords,
    answers: Answers = None,
    restore_point: Point = None,
    key: Key = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """The backup check before a database change.

    `check` asks for each point on a terminal, with the last answer and its age beside it.

    Examples:
      tocsin gate 7 show
      tocsin gate 7 check --answer "ok: newest recovery point 2m old" --answer "ok: back to Monday"
      tocsin gate confirm 2 --as mei
      tocsin gate override 3 --because "every minute loses orders"
      tocsin gate 9 point 16:19:40
    """
    ref, verb, rest = take_apart(words, GATE_VERBS)
    body: Json = {"gate": key, "restore_point": moment(restore_point, "--restore-point")}
    body |= _part(verb, rest, because)
    given = [_answer(text) for text in answers or []]
    with connected(server, person) as client:
        full = find_incident(client, ref)
        if verb == "show":
            _show(client.get(f"incidents/{full}/gates"), key, as_json)
            return
        if verb == "check" or given:
            body["answers"] = given or _ask(client, full, key)
        answer = client.command(f"incidents/{full}/gate", body)
    emit_json(answer) if as_json else say_answer(answer)


def _part(verb: str, rest: list[str], because: str | None) -> Json:
    """What belongs to one thing that can be done with a check."""
    match verb:
        case "confirm":
            return {"do": verb, "check": number_of(rest[0], "check"), "reason": because}
        case "override":
            reason = wanted(
                because, "--because", "Why can it not wait for the check? It stays in the record."
            )
            return {"do": verb, "task": number_of(rest[0], "task"), "reason": reason}
        case "point":
            return {"do": verb, "restore_point": moment(rest[0], "TIME"), "note": because}
        case _:
            return {"do": verb, "reason": because}


def _answer(text: str) -> Json:
    answer, colon, evidence = text.partition(":")
    if not colon or answer.strip() not in ANSWERS:
        raise misused(f"--answer {text!r} is no answer", HOW)
    return {"answer": answer.strip(), "evidence": evidence.strip()}


def _ask(client: Client, ref: str, key: str | None) -> list[Json]:
    """Each point in turn, on a terminal. Raises Failure naming the points elsewhere."""
    gates = _chosen(client.get(f"incidents/{ref}/gates"), key)
    points = gates[0]["points"] if gates else []
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        named = "; ".join(f"{point['point']}. {plain(point['text'])}" for point in points)
        raise misused("--answer is missing", f"{HOW}; one for each point, in order: {named}")
    return [_asked(point) for point in points]


def _asked(point: Json) -> Json:
    """One point; what was said last stands beside it, with its age, and Enter says it again."""
    last = point.get("last") or {}
    STDERR.line(f"{point['point']}. {plain(point['text'])}")
    if last:
        STDERR.line(f"   last, {ago(last['at'])}: {plain(last['answer'])}: {plain(last['evidence'])}")
    ways = [way for way in ANSWERS if way != "exception" or point["exceptions"]]
    before = last["answer"] if last.get("answer") in ways else None
    answer = typer.prompt(f"   {'/'.join(ways)}", default=before, err=True)
    while answer not in ways:
        answer = typer.prompt(f"   one of {', '.join(ways)}", err=True)
    shown = plain(last["evidence"]) if last.get("answer") == answer else None
    return {"answer": answer, "evidence": typer.prompt("   what shows it", default=shown, err=True)}


def _chosen(found: Json, key: str | None) -> list[Json]:
    return [one for one in found["gates"] if key in (None, one["key"])]


def _show(found: Json, key: str | None, as_json: bool) -> None:
    gates = _chosen(found, key)
    if as_json:
        emit_json({**found, "gates": gates})
        return
    if not gates:
        STDOUT.line("the handbook names no check before a database change")
    for one in gates:
        counts = f", counts until {day_time(one['valid_until'])}" if one.get("valid_until") else ""
        STDOUT.line(f"{plain(one['name'])}: {plain(one['state'])}{counts}")
        STDOUT.line(f"  {plain(one['why'])}")
        for point in one["points"]:
            STDOUT.line(f"  {point['point']}. {plain(point['text'])}")
            last = point.get("last")
            if last:
                STDOUT.line(f"     {plain(last['answer'])}, {ago(last['at'])}: {plain(last['evidence'])}")
    if found.get("restore_point"):
        STDOUT.line(f"restore point  {day_time(found['restore_point'], exact=True)}")
