"""What pages, API and commands read: ordinary queries, newest first, never in the way of a write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select, text, tuple_

from tocsin.domain.incident import Incident
from tocsin.store import sql
from tocsin.store.batch import alert_of, newest_checks
from tocsin.store.codec import split_words
from tocsin.store.contract import (
    ActionRow,
    AlertRow,
    CheckRow,
    DocumentMemory,
    EffectRow,
    EvidenceRow,
    IncidentRow,
    PageRow,
    Recorded,
)
from tocsin.store.instants import instant
from tocsin.store.link import Database
from tocsin.store.streams import recorded, states_of
from tocsin.store.tables import (
    LIVE,
    OPEN_ACTIONS,
    OPEN_STAGES,
    TROUBLE,
    action_item,
    alert,
    document,
    effect,
    evidence,
    page,
    stream,
)

RUNNING = ("triage", "declared", "mitigated")


class Reading(Database):
    """The reading side of a store."""

    def next_due(self, without: Sequence[str] = ()) -> datetime | None:
        """The earliest wake-up, from the index alone."""
        with self.reading() as link:
            found = link.rows(sql.NEXT_DUE, link.listed(without))
        return instant(found[0][0]) if found else None

    def incident(self, ref: str) -> Incident | None:
        """The state of one incident."""
        with self.reading() as link:
            return states_of(link, link.rows(sql.READ_STATE, ref)).get(ref)

    def incidents(
        self,
        *,
        stage: str | None,
        level: str | None,
        q: str | None,
        before: str | None,
        limit: int,
        tests: bool = True,
    ) -> list[IncidentRow]:
        """Newest first; `q` looks into title and reference, its wildcards meaning themselves."""
        query = select(*[stream.c[name] for name in LIST_COLUMNS])
        query = query.order_by(stream.c.opened_at.desc(), stream.c.ref.desc()).limit(limit)
        if stage is not None:
            query = query.where(stream.c.stage.in_(RUNNING) if stage == "open" else stream.c.stage == stage)
        if level is not None:
            query = query.where(stream.c.level == level)
        if not tests:
            query = query.where(stream.c.kind != "test")
        if q:
            like = f"%{escaped(q)}%"
            query = query.where(
                stream.c.title.ilike(like, escape="\\") | stream.c.ref.ilike(like, escape="\\")
            )
        if before is not None:
            cursor = select(stream.c.opened_at, stream.c.ref).where(stream.c.ref == before)
            query = query.where(tuple_(stream.c.opened_at, stream.c.ref) < cursor.scalar_subquery())
        return [incident_row(row) for row in self._all(query)]

    def timeline(self, ref: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """Events of one incident, oldest first."""
        with self.reading() as link:
            return recorded(link, link.rows(sql.EVENTS_OF, ref, after, limit))

    def feed(self, after: int, limit: int = 500) -> list[Recorded]:
        """Events of all incidents, oldest first; what a newer program wrote is passed over, its stream alarms."""
        with self.reading() as link:
            while rows := link.rows(sql.FEED, after, limit):
                if found := recorded(link, rows, skip_unknown=True):
                    return found
                after = rows[-1][0]
        return []

    def last_seq(self) -> int:
        """The newest seq."""
        with self.reading() as link:
            last: int = link.rows(sql.LAST_SEQ)[0][0]
        return last

    def pages(self, ref: str | None, *, before: int | None = None, limit: int = 100) -> list[PageRow]:
        """Pages newest first."""
        query = select(page).order_by(page.c.seq.desc()).limit(limit)
        if ref is not None:
            query = query.where(page.c.ref == ref)
        if before is not None:
            query = query.where(page.c.seq < before)
        return [page_row(row) for row in self._all(query)]

    def effects(self, ref: str | None, *, state: str | None = None, limit: int = 200) -> list[EffectRow]:
        """Effects newest first."""
        query = select(effect).order_by(
            effect.c.created_at.desc(), effect.c.version.desc(), effect.c.n.desc()
        )
        if ref is not None:
            query = query.where(effect.c.ref == ref)
        if state is not None:
            # The state is said twice: the constant clause is what leads to the partial index.
            query = query.where(effect.c.state == state)
            query = query.where(text(LIVE)) if state in {"waiting", "leased"} else query
            query = query.where(text(TROUBLE)) if state in {"failed", "in_doubt"} else query
        return [effect_row(row) for row in self._all(query.limit(limit))]

    def alerts(self, ref: str) -> list[AlertRow]:
        """Alerts that point at the incident, oldest first."""
        query = select(alert).where(alert.c.ref == ref).order_by(alert.c.first_at, alert.c.dedup_key)
        return [alert_of(tuple(row)) for row in self._all(query)]

    def document(self, ref: str, document_: str) -> DocumentMemory | None:
        """What was last written for it."""
        query = select(document).where(document.c.ref == ref, document.c.document == document_)
        return next((DocumentMemory(*row) for row in self._all(query)), None)

    def checks(self, limit: int = 20, *, gate: str | None = None) -> list[CheckRow]:
        """Checks of all incidents (of one gate), newest first."""
        with self.reading() as link:
            return newest_checks(link, limit, gate)

    def actions(
        self, *, state: str | None = "open", owner: str | None = None, limit: int = 200
    ) -> list[ActionRow]:
        """Actions of all incidents: what is due first, or newest first where they are not asked for as open."""
        by = action_item.c
        query = select(action_item).limit(limit)
        if state == "open":
            query = query.where(text(OPEN_ACTIONS)).order_by(by.due.nulls_last(), by.ref, by.number)
        else:
            query = query.order_by(by.due.desc().nulls_last(), by.ref.desc(), by.number.desc())
            query = query if state is None else query.where(by.state == state)
        if owner is not None:
            query = query.where(by.owner == owner)
        return [action_row(row) for row in self._all(query)]

    def evidence(self, digest: str) -> tuple[EvidenceRow, bytes] | None:
        """A kept file with its bytes."""
        found = self._all(select(evidence).where(evidence.c.digest == digest))
        return next(((evidence_row(row), bytes(row.body)) for row in found), None)

    def open_refs(self) -> list[str]:
        """Every incident that is not closed, dismissed or merged, oldest first."""
        query = select(stream.c.ref).where(text(OPEN_STAGES)).order_by(stream.c.opened_at, stream.c.ref)
        return [ref for (ref,) in self._all(query)]

    def _all(self, query: Select[Any]) -> Sequence[Any]:
        with self.reading() as link:
            return link.core.execute(query).all()


LIST_COLUMNS = (
    "ref",
    "title",
    "stage",
    "paging",
    "level",
    "service",
    "opened_at",
    "updated_at",
    "next_due",
    "version",
    "drill",
    "kind",
)


def escaped(q: str) -> str:
    """A search text whose wildcards stand for themselves."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def incident_row(row: Any) -> IncidentRow:
    """The list columns of an incident."""
    ref, title, stage, paging, level, service, opened_at, updated_at, next_due, version, drill, kind = row
    return IncidentRow(
        *(ref, title, stage, paging, level, service),
        *(instant(opened_at), instant(updated_at), instant(next_due), version, bool(drill), kind),
    )


def page_row(row: Any) -> PageRow:
    """A page from its columns."""
    return PageRow(
        *(row.ref, row.number, row.person, row.rung, instant(row.requested_at), row.outcome),
        *(bool(row.sent), split_words(row.failed), row.seq),
    )


def action_row(row: Any) -> ActionRow:
    """An action from its columns."""
    due = date.fromisoformat(row.due) if row.due else None
    return ActionRow(row.ref, row.number, row.owner, due, row.kind, row.state, row.text, bool(row.drill))


def evidence_row(row: Any) -> EvidenceRow:
    """What is known of a kept file, without its bytes."""
    return EvidenceRow(row.digest, row.size, row.media_type, instant(row.created_at))


def effect_row(row: Any) -> EffectRow:
    """An effect from its columns; while it is leased, it is due again when the lease ends."""
    due_at = row.free_at if row.state == "leased" else row.due_at
    return EffectRow(
        *(row.key, row.ref, row.kind, row.lane, row.topic, row.state, row.attempts),
        *(instant(due_at), instant(row.created_at), instant(row.settled_at)),
        *(row.detail, row.person, row.about),
    )
