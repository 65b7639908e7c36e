"""A commit as rows: what one batch decided, spread over the tables; pure, and the same for both databases.

Everything index-like follows from state and events here (design rule 5): list columns, claims, pages, effects with
their keys, and which waiting effects are no longer wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.domain.effects import Drop, Effect, Send, Write
from tocsin.domain.events import (
    SCHEMA,
    ActionAdded,
    ActionChanged,
    ActionDropped,
    ActionProven,
    Event,
    GateChecked,
    GateConfirmed,
    PageEnded,
    PageFailed,
    PageRequested,
    PageSent,
    RestorePointNoted,
    Restricted,
    TaskStarted,
    Unrestricted,
)
from tocsin.domain.fold import FOLD
from tocsin.domain.incident import Incident
from tocsin.domain.work import ActionItem, Check
from tocsin.store.codec import TextRow, join_words, part_texts, storable, to_json
from tocsin.store.contract import Commit, Settlement, StreamWrite
from tocsin.store.instants import micros
from tocsin.store.sql import Row

CHECK_FACTS: frozenset[type[Event]] = frozenset({GateChecked, GateConfirmed, RestorePointNoted, TaskStarted})
ACTION_FACTS: frozenset[type[Event]] = frozenset(
    {ActionAdded, ActionChanged, ActionProven, ActionDropped, Restricted, Unrestricted}
)
"""The facts that change rows of checks and actions: a commit without any of them does not look for such rows."""

URGENT_PAGE, PAGE, NOTICE, DOCUMENT = range(4)
"""The classes of oncall.md S5: what leaves first."""


@dataclass(slots=True)
class PageChange:
    """What the events of one commit do to a page: together, since a bulk UPDATE reaches each row once."""

    sent: int = 0
    failed: str = ""
    outcome: str | None = None


@dataclass(slots=True)
class Rows:
    """The rows of one commit, in the column order of the statements in `sql`. Event rows lack their seq."""

    opened: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    claimed: list[Row] = field(default_factory=list)
    freed: list[Row] = field(default_factory=list)
    events: list[tuple[str, int, Event]] = field(default_factory=list)
    event_rows: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    pages: list[Row] = field(default_factory=list)
    """With the position of the requesting event where the seq will stand."""
    page_changes: dict[tuple[str, int], PageChange] = field(default_factory=dict)
    checks: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    replaced: list[Row] = field(default_factory=list)
    effects: list[Row] = field(default_factory=list)


def rows_of(commit: Commit, epoch: str, held: Mapping[str, tuple[str, ...]]) -> Rows:
    """Spread a commit. `held` says which claims the loaded streams hold, so that only differences are written."""
    rows = Rows()
    at = micros(commit.at)
    texts: list[TextRow] = []
    for write in joined(commit.streams):
        _stream(rows, write, at)
        _claim(rows, write, held)
        _events(rows, write, at, texts)
        _work(rows, write)
        _effects(rows, write, at, epoch)
    rows.texts = [(t.hash, t.nonce, t.body) for t in texts]
    rows.claimed.sort()
    rows.freed.sort()
    return rows


def joined(writes: tuple[StreamWrite, ...]) -> Iterable[StreamWrite]:
    """One write per stream: what a later job of the batch decided goes on top of what an earlier one did."""
    by_ref: dict[str, StreamWrite] = {}
    for write in writes:
        earlier = by_ref.get(write.state.ref)
        if earlier is not None:
            write = StreamWrite(
                write.state,
                earlier.before,
                earlier.events + write.events,
                earlier.effects + write.effects,
                write.next_due,
            )
        by_ref[write.state.ref] = write
    return by_ref.values()


def list_columns(state: Incident, at: int, next_due: datetime | None) -> Row:
    """What a stream's row shows besides its reference, version and opening: derived from state."""
    return (
        FOLD,
        state.policy,
        state.stage.value,
        state.paging.value,
        state.level,
        state.service,
        storable(state.known_as),
        at,
        micros(next_due),
        to_json(state),
    )


def _stream(rows: Rows, write: StreamWrite, at: int) -> None:
    state = write.state
    columns = list_columns(state, at, write.next_due)
    if write.before == 0:
        # What a stream is (a drill, a change) was said when it was opened and stays.
        begun = (micros(state.opened_at), int(state.drill), state.kind)
        rows.opened.append((state.ref, state.version, *columns[:7], *begun, *columns[7:]))
    else:
        rows.changed.append((state.ref, write.before, state.version, *columns))


def _claim(rows: Rows, write: StreamWrite, held: Mapping[str, tuple[str, ...]]) -> None:
    """What is held now against what was: a stream that nobody loaded is asked to free whatever it may hold."""
    state = write.state
    holds = set(state.claims)
    before = held.get(state.ref) if write.before else ()
    freed = (set(state.all_claims) if before is None else set(before)) - holds
    taken = holds - set(before or ())
    rows.freed += [(key, state.ref) for key in freed]
    rows.claimed += [(key, state.ref) for key in taken]


def _events(rows: Rows, write: StreamWrite, at: int, texts: list[TextRow]) -> None:
    ref = write.state.ref
    for version, event in enumerate(write.events, start=write.before + 1):
        kind = type(event).__name__
        body = to_json(part_texts(event, texts))
        if isinstance(event, PageRequested | PageSent | PageFailed | PageEnded):
            _page(rows, ref, event, len(rows.events))
        rows.events.append((ref, version, event))
        rows.event_rows.append((ref, version, kind, SCHEMA[kind], micros(event.at), at, body))


def _page(
    rows: Rows, ref: str, event: PageRequested | PageSent | PageFailed | PageEnded, position: int
) -> None:
    if isinstance(event, PageRequested):
        rows.pages.append(
            (ref, event.page, position, event.person, event.rung, micros(event.at), None, 0, "")
        )
        return
    change = rows.page_changes.setdefault((ref, event.page), PageChange())
    match event:
        case PageSent():
            change.sent = 1
        case PageFailed():
            change.failed += join_words([event.channel])
        case PageEnded():
            change.outcome = event.outcome


def _work(rows: Rows, write: StreamWrite) -> None:
    """All checks or actions of a stream in which one changed, as they stand after the commit: an incident has few."""
    state = write.state
    if state.work.checks and not CHECK_FACTS.isdisjoint(map(type, write.events)):
        rows.checks += check_rows(state)
    if state.duties.actions and not ACTION_FACTS.isdisjoint(map(type, write.events)):
        rows.actions += action_rows(state)


def check_rows(state: Incident) -> list[Row]:
    """The rows of the checks that the state holds."""
    return [_check(state.ref, check) for check in state.work.checks]


def _check(ref: str, check: Check) -> Row:
    return (
        *(ref, check.number, check.gate, check.by, micros(check.at), int(check.passed), int(check.confirmed)),
        *(micros(check.valid_until), micros(check.restore_point), int(check.used)),
    )


def action_rows(state: Incident) -> list[Row]:
    """The rows of the actions that the state holds."""
    return [_action(state, action) for action in state.duties.actions]


def _said(action: ActionItem, state: Incident) -> str:
    """Lists are for everybody: of a restricted incident they say the codename only."""
    return action.text if state.room.restriction is None else state.known_as


def _action(state: Incident, action: ActionItem) -> Row:
    due = action.due.isoformat() if action.due else None
    return (
        *(state.ref, action.number, action.owner, due, action.kind, action.state),
        *(storable(_said(action, state)), int(state.drill)),
    )


def _effects(rows: Rows, write: StreamWrite, at: int, epoch: str) -> None:
    """Number the effects of each version, and drop in order: a Drop never reaches what comes after it."""
    ref = write.state.ref
    new: list[Row] = []
    count: dict[int, int] = {}
    for version, effect in write.effects:
        if isinstance(effect, Drop):
            rows.dropped.append((ref, effect.topic, at))
            new = [_unless_under(row, effect.topic, at) for row in new]
            continue
        if isinstance(effect, Write):
            rows.replaced.append((ref, effect.topic, at))
            new = [_unless_replaced(row, effect.topic, at) for row in new]
        n = count[version] = count.get(version, 0) + 1
        new.append(_effect(f"{epoch}/{ref}/{version}/{n}", ref, version, n, effect, at))
    rows.effects += new


_TOPIC, _STATE, _WANTED, _SETTLED = 6, 8, 15, 16


def _effect(key: str, ref: str, version: int, n: int, effect: Send | Write, at: int) -> Row:
    person, about = (effect.person, effect.about) if isinstance(effect, Send) else (None, None)
    rank = rank_of(effect)
    return (
        *(key, ref, version, n, type(effect).__name__, effect.lane, effect.topic, to_json(effect)),
        *("waiting", rank, at, at, at, 0, None, 1, None, "", person, about),
    )


def rank_of(effect: Effect) -> int:
    """The class in which an effect leaves (oncall.md S5): urgent pages, pages, notices, documents."""
    if not isinstance(effect, Send):
        return DOCUMENT
    if effect.page is None:
        return NOTICE
    return URGENT_PAGE if effect.urgent else PAGE


def _dropped(row: Row, at: int) -> Row:
    return (*row[:_STATE], "dropped", *row[_STATE + 1 : _WANTED], 0, at, *row[_SETTLED + 1 :])


def _unless_under(row: Row, topic: str, at: int) -> Row:
    waiting = row[_STATE] == "waiting"
    return _dropped(row, at) if waiting and row[_TOPIC].startswith(topic) else row


def _unless_replaced(row: Row, topic: str, at: int) -> Row:
    waiting = row[_STATE] == "waiting" and row[4] == "Write"
    return _dropped(row, at) if waiting and row[_TOPIC] == topic else row


TERMINAL = frozenset({"done", "failed", "in_doubt"})


def moved_rows(moved: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each incident with the one that goes on in the end: a merge into what was merged itself leads further."""
    goals: dict[str, str] = {}
    for ref, into in moved:
        goals = {earlier: into if goal == ref else goal for earlier, goal in goals.items()}
        goals[ref] = into
    return goals


def settled_rows(settlements: Iterable[Settlement], now: datetime) -> tuple[list[Row], list[Row]]:
    """Rows for the settled and for those to be tried again: sorted, the first word on each.

    Raises ValueError for an outcome that is none.
    """
    at = micros(now)
    done: dict[str, Row] = {}
    again: dict[str, Row] = {}
    for settlement in settlements:
        key, outcome = settlement.effect, settlement.outcome
        if outcome == "retry":
            due = micros(settlement.due_at or now)
            again.setdefault(key, (key, storable(settlement.detail), at, due, settlement.owner))
        elif outcome in TERMINAL:
            done.setdefault(key, (key, outcome, storable(settlement.detail), at))
        else:
            raise ValueError(f"no outcome of an effect: {outcome!r}")
    return [done[key] for key in sorted(done)], [again[key] for key in sorted(again)]
