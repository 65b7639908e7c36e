"""Texts for people outside: drafted, approved by name, then sent by a person. Nothing leaves tocsin by itself."""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain import legal
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.spans import many
from tocsin.domain.work import Statement

AUDIENCE_LIMIT = 200
TEXT_LIMIT = 4000
STATEMENTS_LIMIT = 50


def approvers(state: Incident) -> tuple[str, ...]:
    """Who has to agree to a text: the IC, and the owner of every legal deadline that runs."""
    owners = (deadline.owner for deadline in legal.running(state))
    return tuple(dict.fromkeys(filter(None, (state.holder("ic"), *owners))))


def draft(
    state: Incident, context: Context, now: datetime, *, by: str, audience: str, text: str, data: str
) -> list[ev.Event]:
    """A text, for whom it is, and what it says of their data; its approvers are told.

    Raises Refused when one of the three is empty or too long, when nobody leads, or when it is over.
    """
    _refuse_over(state)
    given = {"audience": audience, "text": text, "data": data}
    empty = [name for name, words in given.items() if not words.strip()]
    if empty:
        raise Refused(f"a statement needs {', '.join(empty)}", "say what is known of their data, too")
    if len(audience) > AUDIENCE_LIMIT or max(len(text), len(data)) > TEXT_LIMIT:
        raise Refused(
            f"the statement is too long: {AUDIENCE_LIMIT} characters say for whom it is, "
            f"{TEXT_LIMIT} the text",
            "shorten it",
        )
    if state.holder("ic") is None:
        raise Refused("nobody is IC, and the IC approves every statement", "take the seat of ic first")
    if state.duties.statement_count >= STATEMENTS_LIMIT:
        raise Refused(f"{STATEMENTS_LIMIT} statements were drafted here", "post an update instead")
    drafted = ev.StatementDrafted(
        at=now,
        by=by,
        statement=state.duties.statement_count + 1,
        audience=Text(" ".join(audience.split())),
        text=Text(text.strip()),
        data=Text(data.strip()),
        approvers=approvers(state),
    )
    return Draft(state, context).add(drafted).events


def approve(state: Incident, context: Context, now: datetime, *, by: str, statement: int) -> list[ev.Event]:
    """One of its approvers agrees to the text as it stands. Raises Refused for anybody else."""
    _refuse_over(state)
    found = _known(state, statement)
    if found.state != "drafted":
        raise Refused(f"statement {statement} is {found.state} already", "draft another one")
    if by not in found.approvers:
        raise Refused(
            f"{many(found.approvers)} approve statement {statement}, not {by}",
            "ask them; drafted anew it waits for whoever leads by then",
        )
    if by in found.approved:
        raise Refused(f"{by} has approved statement {statement} already", _waits_for(found))
    return Draft(state, context).add(ev.StatementApproved(now, by, statement)).events


def sent(
    state: Incident, context: Context, now: datetime, *, by: str, statement: int, where: str
) -> list[ev.Event]:
    """A person sent it, and says where: it counts as an update. Raises Refused before everybody has approved."""
    _refuse_over(state)
    found = _known(state, statement)
    if found.state == "sent":
        raise Refused(f"statement {statement} was sent already", "draft another one")
    if found.state != "approved":
        raise Refused(f"statement {statement} is not approved", _waits_for(found))
    since = tuple(d.owner for d in legal.running(state) if d.owner not in found.approved)
    if since:
        raise Refused(
            f"a legal deadline runs since statement {statement} was drafted: {many(since)} must approve, too",
            "draft it again",
        )
    if not where.strip():
        raise Refused("say where it was sent", "a page, a list, an address")
    return (
        Draft(state, context).add(ev.StatementSent(now, by, statement, Text(" ".join(where.split())))).events
    )


def _refuse_over(state: Incident) -> None:
    if not (state.stage.running or state.stage == Stage.RESOLVED):
        instead = f"go on in {state.merged_into}" if state.merged_into else "keep a note instead"
        raise Refused(f"{state.ref} is {state.stage}: nothing is said about it any more", instead)


def _known(state: Incident, number: int) -> Statement:
    found = state.duties.statement(number)
    if found is None:
        known = ", ".join(str(s.number) for s in state.duties.statements if s.state != "sent")
        raise Refused(f"{state.ref} has no statement {number}", f"not sent yet: {known or 'none'}")
    return found


def _waits_for(statement: Statement) -> str:
    left = tuple(p for p in statement.approvers if p not in statement.approved)
    return f"it waits for {many(left)}"
