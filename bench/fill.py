"""A database in which very many incidents wait: bulk-loaded once, kept under var/bench, used again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.places import Place
from bench.world import context_of, know_policy, opening
from tocsin.domain.fold import FOLD
from tocsin.engine.live import Live
from tocsin.store import open_store
from tocsin.store.contract import Commit
from tocsin.store.opening import HEAD
from tocsin.store.rows import Rows, rows_of
from tocsin.store.sql import ADD_EVENTS, ADD_TEXTS, OPEN_STREAMS, TAKE_CLAIMS, Bulk

BEGIN = datetime(2100, 1, 4, 12, 0, tzinfo=UTC)
"""They were opened far ahead: they never fall due, and the file can be used again on any day."""
SHAPES = 1_000
MARK = "@REF@"
CHUNK = 20_000


def shapes(live: Live) -> list[Rows]:
    """The rows of openings at a thousand different instants, by the program's own decisions and encoders."""
    context = context_of(live)
    found = []
    for number in range(SHAPES):
        at = BEGIN + timedelta(seconds=number * 7919 % SHAPES, microseconds=number)
        found.append(rows_of(Commit(at, (opening(MARK, context, at),)), "bench", {}))
    return found


def filled(place: Place, live: Live, count: int) -> str:
    """The name of a database with `count` open incidents that wait. Made unless it is there."""
    made = shapes(live)
    stamp = hashlib.sha256(f"{FOLD} {HEAD} {made[0].opened} {CHUNK}".encode()).hexdigest()[:8]
    name = f"waiting_{count}_{stamp}"
    for other in place.names():
        if other == name:
            return name
        if other.startswith((f"waiting_{count}_", f"part_{count}_")):
            place.drop(other)
    began = time.monotonic()
    print(f"fill {place.name}: {count:,} open incidents ...", flush=True)
    part = f"part_{count}_{stamp}"
    place.create(part)
    store = open_store(place.url(part))
    know_policy(store, live, BEGIN)
    store.close()
    with place.raw(part) as raw:
        _load(raw, made, count)
    place.copy(part, name)
    place.drop(part)
    print(f"fill {place.name}: {count:,} in {time.monotonic() - began:.0f} s", flush=True)
    return name


def _load(raw: Any, made: list[Rows], count: int) -> None:
    """Stream, claim and first event of each; nothing is written through the desk."""
    sqlite = hasattr(raw, "executescript")
    if sqlite:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN IMMEDIATE")
    _many(raw, ADD_TEXTS, [rows.texts[0] for rows in made])
    for first in range(0, count, CHUNK):
        chunk = [_own(made[n % SHAPES], n) for n in range(first, min(first + CHUNK, count))]
        for bulk, rows in zip((OPEN_STREAMS, TAKE_CLAIMS, ADD_EVENTS), zip(*chunk, strict=True), strict=True):
            _many(raw, bulk, rows)
    if sqlite:
        raw.execute("COMMIT")
        raw.execute("ANALYZE")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        raw.commit()
        raw.autocommit = True
        raw.execute("VACUUM ANALYZE")


def _own(rows: Rows, number: int) -> Iterator[tuple[Any, ...]]:
    """The rows of one shape under a reference of their own."""
    ref = f"INC-2100-{number + 1:07d}"
    (stream,), (claim,), event = rows.opened, rows.claimed, rows.event_rows[0]
    yield (ref, *stream[1:-1], stream[-1].replace(MARK, ref))
    yield (claim[0].replace(MARK, ref), ref)
    yield (number + 1, ref, *event[1:-1], event[-1].replace(MARK, ref))


def _many(raw: Any, bulk: Bulk, rows: Any) -> None:
    if hasattr(raw, "executescript"):
        raw.executemany(bulk.sqlite, rows)
        return
    table = bulk.postgres.split(" ", 4)[2]
    columns = bulk.postgres.split("(", 1)[1].split(")", 1)[0]
    with raw.cursor().copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
