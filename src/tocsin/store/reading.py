"""What pages, API and commands read: ordinary queries, newest first, never in the way of a write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, text, tuple_

from tocsin.domain.incident import Incident
from tocsin.store import sql
from tocsin.store.batch import alert_of
from tocsin.store.codec import split_words
from tocsin.store.contract import AlertRow, DocumentMemory, EffectRow, IncidentRow, PageRow, Recorded
from tocsin.store.instants import instant
from tocsin.store.link import Database
from tocsin.store.streams import recorded, states_of
from tocsin.store.tables import LIVE, OPEN_STAGES, TROUBLE, alert, document, effect, page, stream

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
        self, *, stage: str | None, level: str | None, q: str | None, before: str | None, limit: int
    ) -> list[IncidentRow]:
        """Newest first; `q` looks into title and reference, its wildcards meaning themselves."""
        query = select(*[stream.c[name] for name in LIST_COLUMNS])
        query = query.order_by(stream.c.opened_at.desc(), stream.c.ref.desc()).limit(limit)
        if stage is not None:
            query = query.where(stream.c.stage.in_(RUNNING) if stage == "open" else stream.c.stage == stage)
        if level is not None:
            query = query.where(stream.c.level == level)
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

    def open_refs(self) -> list[str]:
        """Every incident that is not closed or dismissed, oldest first."""
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
)


def escaped(q: str) -> str:
    """A search text whose wildcards stand for themselves."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def incident_row(row: Any) -> IncidentRow:
    """The list columns of an incident."""
    ref, title, stage, paging, level, service, opened_at, updated_at, next_due, version = row
    return IncidentRow(
        *(ref, title, stage, paging, level, service),
        *(instant(opened_at), instant(updated_at), instant(next_due), version),
    )


def page_row(row: Any) -> PageRow:
    """A page from its columns."""
    return PageRow(
        *(row.ref, row.number, row.person, row.rung, instant(row.requested_at), row.outcome),
        *(bool(row.sent), split_words(row.failed), row.seq),
    )


def effect_row(row: Any) -> EffectRow:
    """An effect from its columns; while it is leased, it is due again when the lease ends."""
    due_at = row.free_at if row.state == "leased" else row.due_at
    return EffectRow(
        *(row.key, row.ref, row.kind, row.lane, row.topic, row.state, row.attempts),
        *(instant(due_at), instant(row.created_at), instant(row.settled_at)),
        *(row.detail, row.person, row.about),
    )
