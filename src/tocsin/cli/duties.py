"""What is owed beyond the fix: actions, legal deadlines, statements to people outside, tickets."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

import typer

from tocsin.cli.acting import act
from tocsin.cli.asked import handle, moment, number_of, present, seconds, split_reference, wanted
from tocsin.cli.client import connected
from tocsin.cli.failure import misused
from tocsin.cli.options import AsJson, AsPerson, AtServer, Because, Owner
from tocsin.cli.output import STDOUT, columns, emit_json
from tocsin.cli.words import take_apart

app = typer.Typer(rich_markup_mode=None)
ACTION_VERBS: Final = {"add": "TEXT", "change": "N", "prove": "N", "drop": "N"}
LEGAL_VERBS: Final = {"start": "REGIME", "decide": "REGIME DECISION"}
STATEMENT_VERBS: Final = {"draft": "", "approve": "N", "sent": "N"}


@app.command()
def action(
    words: Annotated[
        list[str], typer.Argument(metavar="[REF] add TEXT|change N|prove N|drop N", help="What to do.")
    ],
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="prevent, detect, mitigate or process.")
    ] = None,
    owner: Owner = None,
    due: Annotated[str | None, typer.Option("--due", metavar="DATE", help="Until when: 2026-12-01.")] = None,
    proof: Annotated[
        str | None, typer.Option("--proof", metavar="TEXT", help="What shows that it holds in production.")
    ] = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Action items: what is done afterwards, by whom, until when, and the proof.

    Examples:
      tocsin action 7 add "Alert on refused events" --kind detect --owner priya --due 2026-12-01
      tocsin action 7 prove 1 --proof "fired in yesterday's drill"
      tocsin actions --overdue
    """
    ref, verb, rest = take_apart(words, ACTION_VERBS)
    given: dict[str, Any] = {"do": verb, "kind": kind, "owner": handle(owner), "due": due, "proof": proof}
    if verb == "add":
        given["text"] = rest[0]
    else:
        given["action"] = number_of(rest[0], "action")
    if verb == "prove":
        given["proof"] = wanted(proof, "--proof", "What shows that it holds in production?")
    if verb == "drop" or because is not None:
        given["reason"] = wanted(because, "--because", "Why is it not done?")
    act(ref, "action", given, server, person, as_json)


@app.command()
def actions(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their day.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Done and dropped ones too.")] = False,
    owner: Owner = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Actions of all incidents, the most urgent first.

    Examples:
      tocsin actions
      tocsin actions --overdue --owner priya
    """
    if overdue and everything:
        raise misused("--overdue and --all exclude each other", "what is done or dropped is not overdue")
    with connected(server, person) as client:
        found = client.get("actions", state="all" if everything else None, owner=handle(owner))
    today = present().date()
    rows = [row for row in found["actions"] if not overdue or _late(row, today)]
    if as_json:
        emit_json({**found, "actions": rows})
        return
    for line in columns([_row(row, today) for row in rows]):
        STDOUT.line(line)
    if not rows:
        STDOUT.line("no actions")


def _late(row: dict[str, Any], today: date) -> bool:
    """Open although its day is over (UTC)."""
    return bool(row["state"] == "open" and row.get("due") and date.fromisoformat(row["due"]) < today)


def _row(row: dict[str, Any], today: date) -> tuple[Any, ...]:
    state = "OVERDUE" if _late(row, today) else row["state"]
    drill = "DRILL " if row.get("drill") else ""
    who, due = row.get("owner") or "nobody", row.get("due") or "no date"
    return (row["ref"], row["number"], state, due, who, row["kind"], f"{drill}{row['text']}")


@app.command()
def legal(
    words: Annotated[
        list[str], typer.Argument(metavar="[REF] start REGIME|decide REGIME DECISION", help="What to do.")
    ],
    aware: Annotated[
        str | None, typer.Option("--aware", metavar="TIME", help="When somebody was aware of it.")
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="SPAN", help="A shorter limit, by contract: 24h.")
    ] = None,
    owner: Owner = None,
    because: Because = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """A legal deadline, and the decision that ends it.

    72 h unless a shorter limit is named; it runs on after resolve. DECISION is notified or "not notifiable".
    What the law wants of you is for a lawyer to say.

    Examples:
      tocsin legal 7 start gdpr --aware 16:40 --because "personal data is gone"
      tocsin legal 7 decide gdpr "not notifiable" --because "restored, nothing exposed"
    """
    ref, verb, rest = take_apart(words, LEGAL_VERBS)
    given: dict[str, Any] = {"do": verb, "regime": rest[0], "reason": because, "owner": handle(owner)}
    given |= {"aware": moment(aware, "--aware"), "limit_s": seconds(limit, "--limit")}
    if verb == "start":
        given["aware"] = moment(wanted(aware, "--aware", "When was somebody aware of it?"), "--aware")
    else:
        given["decision"] = rest[1]
        given["reason"] = wanted(because, "--because", "Why? It is kept with the decision.")
    act(ref, "legal", given, server, person, as_json)


@app.command()
def statement(
    words: Annotated[list[str], typer.Argument(metavar="[REF] draft|approve N|sent N", help="What to do.")],
    audience: Annotated[
        str | None, typer.Option("--audience", metavar="TEXT", help="Who reads it, and where.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="What they read.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="TEXT", help="What is known of their data.")
    ] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="TEXT", help="Where it was sent.")] = None,
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """A text for people outside: drafted, approved, sent.

    Whoever has to approve is named in the draft; a person sends it and says where. Nothing leaves by itself.

    Examples:
      tocsin statement 7 draft --audience "status page" --text "Contacts are missing." --data "nothing exposed"
      tocsin statement 7 approve 1 --as mei
      tocsin statement 7 sent 1 --where https://status.acme.example
    """
    ref, verb, rest = take_apart(words, STATEMENT_VERBS)
    given: dict[str, Any] = {"do": verb, "audience": audience, "text": text, "data": data, "where": where}
    if verb == "draft":
        given["audience"] = wanted(audience, "--audience", "Who reads it, and where?")
        given["text"] = wanted(text, "--text", "What do they read?")
        given["data"] = wanted(data, "--data", "What is known of their data?")
    else:
        given["statement"] = number_of(rest[0], "statement")
    if verb == "sent":
        given["where"] = wanted(where, "--where", "Where was it sent?")
    act(ref, "statement", given, server, person, as_json)


@app.command()
def ticket(
    words: Annotated[list[str], typer.Argument(metavar="[REF] ADDRESS", help="The ticket's address.")],
    server: AtServer = None,
    person: AsPerson = None,
    as_json: AsJson = False,
) -> None:
    """Link a ticket; it stands for the log row.

    Examples:
      tocsin ticket 7 https://github.com/acme/portal/issues/12
    """
    ref, rest = split_reference(words)
    if len(rest) != 1:
        raise misused(f"expected [REF] ADDRESS, got {len(words)} words")
    act(ref, "ticket", {"where": rest[0]}, server, person, as_json)
