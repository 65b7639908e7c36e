"""What is owed as the room shows it: actions, legal deadlines, statements, the postmortem, and the score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from tocsin.domain import actions as rules
from tocsin.domain import events as ev
from tocsin.domain import postmortem
from tocsin.domain.blame import hints
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.work import ActionItem
from tocsin.handbook.sections import incomplete
from tocsin.store.contract import Recorded
from tocsin.web.show_clocks import named
from tocsin.web.verbs_duties import sections_of, text_in_repository
from tocsin.wiring.program import Program

HINTS_SHOWN: Final = 6
LOOKED_AT: Final = 64 * 1024
"""A longer draft is not gone through for the room; publishing looks at it."""
KINDS: Final = (
    ("prevent", "prevent it"),
    ("detect", "notice it sooner"),
    ("mitigate", "make it smaller"),
    ("process", "work better"),
)


@dataclass(frozen=True, slots=True)
class ActionShow:
    """An action. `lacks`: what closing still wants of it."""

    number: int
    text: str
    kind: str
    owner: str
    handle: str
    due: date | None
    phrase: str
    st: str
    word: str
    open: bool
    lacks: str = ""


def actions_of(state: Incident, context: Context, now: datetime) -> list[ActionShow]:
    """Open ones by their day, then the others."""
    shown = [_action(item, context, now) for item in state.duties.actions]
    return sorted(shown, key=lambda a: (not a.open, a.due is None, a.due or date.max, a.number))


def _action(item: ActionItem, context: Context, now: datetime) -> ActionShow:
    late = item.state == "open" and item.due is not None and rules.end_of(item.due) <= now
    st, word = {"proven": ("met", "proven"), "dropped": ("unk", "dropped")}.get(item.state, ("unk", "open"))
    lacks = ["owner"] if item.owner is None else []
    lacks += ["due day"] if item.due is None and item.calendar is None else []
    return ActionShow(
        number=item.number,
        text=item.text,
        kind=item.kind,
        owner=named(context, item.owner) if item.owner else "",
        handle=item.owner or "",
        due=item.due,
        phrase=item.calendar or "",
        st="late" if late else st,
        word="overdue" if late else word,
        open=item.state == "open",
        lacks=" and ".join(lacks) if item.state == "open" else "",
    )


@dataclass(frozen=True, slots=True)
class LegalShow:
    """A legal deadline. While it runs `left` is what stays of it in seconds."""

    regime: str
    aware: datetime
    due: datetime
    owner: str
    left: float
    whole: float
    st: str
    decision: str
    reason: str
    by: str


def legal_of(state: Incident, context: Context, now: datetime, records: list[Recorded]) -> list[LegalShow]:
    """Running ones first."""
    decided: dict[str, list[ev.LegalDecided]] = {}
    for record in records:
        if isinstance(record.event, ev.LegalDecided):
            decided.setdefault(record.event.regime, []).append(record.event)
    found = []
    for legal in state.duties.legal:
        end = decided.get(legal.regime, []).pop(0) if legal.decision and decided.get(legal.regime) else None
        left, whole = (legal.due - now).total_seconds(), (legal.due - legal.aware).total_seconds()
        st = "met" if legal.decision else "late" if left < 0 else "risk" if left < whole / 3 else ""
        found.append(
            LegalShow(
                regime=legal.regime,
                aware=legal.aware,
                due=legal.due,
                owner=named(context, legal.owner),
                left=left,
                whole=whole,
                st=st,
                decision=legal.decision or "",
                reason=end.reason if end else "",
                by=named(context, end.by) if end else "",
            )
        )
    return sorted(found, key=lambda shown: bool(shown.decision))


@dataclass(frozen=True, slots=True)
class StatementShow:
    """A text for people outside. `missing` are those who have still to approve it."""

    number: int
    audience: str
    text: str
    data: str
    author: str
    st: str
    word: str
    missing: tuple[str, ...]
    approves: bool
    sends: bool
    where: str = ""


def statements_of(state: Incident, context: Context, me: str, records: list[Recorded]) -> list[StatementShow]:
    """Newest first; what is sent is the public's."""
    sent = {r.event.statement: r.event.where for r in records if isinstance(r.event, ev.StatementSent)}
    words = {"drafted": ("risk", "to be approved"), "approved": ("met", "approved"), "sent": ("pub", "sent")}
    return [
        StatementShow(
            number=s.number,
            audience=s.audience,
            text=s.text,
            data=s.data,
            author=named(context, s.by),
            st=words[s.state][0],
            word=words[s.state][1],
            missing=tuple(named(context, p) for p in s.approvers if p not in s.approved)
            if s.state == "drafted"
            else (),
            approves=s.state == "drafted" and me in s.approvers and me not in s.approved,
            sends=s.state == "approved",
            where=sent.get(s.number, ""),
        )
        for s in reversed(state.duties.statements)
    ]


@dataclass(frozen=True, slots=True)
class PostmortemShow:
    """The write-up: until when, where its draft is, what is not written yet, which words to look at again."""

    due: datetime | None
    weekend: bool
    late: bool
    published: bool
    path: str
    missing: tuple[str, ...]
    hints: tuple[str, ...]


def postmortem_of(
    program: Program, state: Incident, context: Context, now: datetime, records: list[Recorded]
) -> PostmortemShow | None:
    """None as long as none is owed."""
    if state.stage not in {Stage.RESOLVED, Stage.CLOSED, Stage.RECORDED}:
        return None
    due = postmortem.due_at(state, context)
    path = next(
        (
            r.event.path
            for r in reversed(records)
            if isinstance(r.event, ev.DocumentWritten) and r.event.document == "postmortem"
        ),
        "",
    )
    if due is None and not path and not state.postmortem_published:
        return None
    looked = path and not state.postmortem_published
    text = text_in_repository(program, path, LOOKED_AT) if looked else None
    missing, judging = _gone_through(text, sections_of(context)) if text is not None else ((), ())
    return PostmortemShow(
        due=due,
        weekend=due is not None and postmortem.weekend(due),
        late=due is not None and due < now and not state.postmortem_published,
        published=state.postmortem_published,
        path=path,
        missing=missing,
        hints=judging,
    )


@lru_cache(maxsize=32)
def _gone_through(text: str, sections: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is not written yet, and words to look at again: once for each text, a room is shown all the time."""
    return incomplete(text, sections), hints(text)[:HINTS_SHOWN]
