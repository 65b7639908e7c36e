"""Streams as they are read: snapshots, folded again where the fold is another; events with their texts joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tocsin.domain.fold import FOLD, fold
from tocsin.domain.incident import Incident
from tocsin.store import codec, sql
from tocsin.store.contract import Recorded, UnknownEvent
from tocsin.store.instants import instant
from tocsin.store.link import Link
from tocsin.store.sql import Row

ALL_EVENTS = 2**31 - 1


def states_of(link: Link, rows: Iterable[Row]) -> dict[str, Incident]:
    """States by reference from rows (ref, fold, state). Raises UnknownEvent for a stream that cannot be folded."""
    return {
        ref: codec.decode_state(state) if stored == FOLD else folded(link, ref) for ref, stored, state in rows
    }


def folded(link: Link, ref: str, version: int = ALL_EVENTS) -> Incident:
    """The state as its events up to that version fold to it now. Raises UnknownEvent, naming stream and kind."""
    events = [r.event for r in recorded(link, link.rows(sql.EVENTS_OF, ref, 0, version))]
    try:
        return fold(events)
    except LookupError as unfit:
        raise UnknownEvent(ref, type(events[0]).__name__ if events else "", str(unfit)) from unfit


def recorded(link: Link, rows: Sequence[Row], *, skip_unknown: bool = False) -> list[Recorded]:
    """Events from rows (seq, ref, version, kind, schema, recorded_at, body), texts joined."""
    found: list[Recorded] = []
    wanted: list[str] = []
    for seq, ref, version, kind, schema, recorded_at, body in rows:
        try:
            event = codec.decode_event(kind, schema, body)
        except LookupError as unknown:
            if skip_unknown:
                continue
            raise UnknownEvent(ref, kind, str(unknown)) from unknown
        wanted += codec.references(event)
        found.append(Recorded(seq, ref, version, instant(recorded_at), event))
    if not wanted:
        return found
    texts: dict[str, bytes | None] = dict(link.rows(sql.TEXTS, link.listed(wanted)))
    return [Recorded(r.seq, r.ref, r.version, r.recorded_at, codec.join_texts(r.event, texts)) for r in found]
