"""Folding again, auditing, mending: what keeps derived columns true to their events (design rule 19)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select, text, update

from tocsin.domain.fold import FOLD
from tocsin.domain.incident import Incident
from tocsin.store import sql
from tocsin.store.codec import decode_state
from tocsin.store.contract import UnknownEvent
from tocsin.store.instants import instant, micros
from tocsin.store.link import Database, Link
from tocsin.store.rows import action_rows, check_rows, list_columns
from tocsin.store.streams import folded
from tocsin.store.tables import OPEN_STAGES, stream

FOLDED = ("fold", "policy", "stage", "paging", "level", "service", "title", "updated_at", "next_due", "state")


class Upkeep(Database):
    """The auditor's side of a store."""

    def refold(self, limit: int = 500, due: Callable[[Incident], datetime | None] | None = None) -> int:
        """Fold open streams of another fold version again, oldest first, at most `limit`; how many were done."""
        query = select(stream.c.ref).where(stream.c.fold != FOLD, text(OPEN_STAGES))
        with self.reading() as link:
            stale = [ref for (ref,) in link.core.execute(query.order_by(stream.c.opened_at, stream.c.ref))]
        done = 0
        for ref in stale:
            if done == limit:
                break
            with self.writing() as link:
                done += _refold(link, ref, due)
        return done

    def drift(self, refs: Sequence[str]) -> list[str]:
        """Which of these stored states differ from what their events fold to."""
        drifted = []
        query = select(stream.c.state).where(stream.c.fold == FOLD)
        with self.reading() as link:
            for ref in refs:
                row = link.core.execute(query.where(stream.c.ref == ref)).first()
                state = decode_state(row.state) if row else None
                with suppress(UnknownEvent):  # `load` names what only a newer program can judge
                    # Events that came between the two reads do not count: folded up to the snapshot's version.
                    if state is not None and state != folded(link, ref, state.version):
                        drifted.append(ref)
        return drifted

    def set_next_due(self, ref: str, due: datetime | None) -> None:
        """Repair a wake-up column."""
        with self.writing() as link:
            link.core.execute(update(stream).where(stream.c.ref == ref).values(next_due=micros(due)))


def _refold(link: Link, ref: str, due: Callable[[Incident], datetime | None] | None) -> int:
    """Fold one stream under its lock; 0 when it is already done or cannot be folded here."""
    query = select(stream.c.updated_at, stream.c.next_due).where(stream.c.ref == ref, stream.c.fold != FOLD)
    row = link.core.execute(query.with_for_update()).first()
    if row is None:
        return 0
    try:
        state = folded(link, ref)
    except UnknownEvent:
        return 0
    wake = due(state) if due else instant(row.next_due)
    columns = dict(zip(FOLDED, list_columns(state, row.updated_at, wake), strict=True))
    link.core.execute(update(stream).where(stream.c.ref == ref).values(columns))
    link.bulk(sql.KEEP_CHECKS, check_rows(state))
    link.bulk(sql.KEEP_ACTIONS, action_rows(state))
    return 1
