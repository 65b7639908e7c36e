"""The store on PostgreSQL, shared by as many nodes as wanted; the database is the only coordination there is.

Rule 9 and 10: stream rows are locked in sorted order, claims inserted sorted, the one advisory lock is taken last, so
that sequence numbers become visible in their order. NOTIFY is only a hint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tocsin.store import sql
from tocsin.store.arrays import columns
from tocsin.store.contract import BackupElsewhere, LostRace, StoreUnavailable
from tocsin.store.link import NOTHING, Count, Link
from tocsin.store.shared import SharedStore
from tocsin.store.sql import Bulk, Row

FEED_LOCK = 0x746F6373
"""The advisory lock under which events get their numbers ("tocs")."""
CHANNEL = "tocsin"
POOL = 8
MORE = 8
PATIENCE_S = 5
OPTIONS = "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000 -c jit=off"
"""A node that stands still in the middle of a transaction must not hold the others up for ever."""
LOST_RACE = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
LISTEN_AGAIN_S = 1.0


class PostgresLink(Link):
    """A connection to the server."""

    dialect = sql.POSTGRES

    def __init__(self, core: Connection) -> None:
        self.core = core
        self.raw: psycopg.Connection[Row] = core.connection.driver_connection  # type: ignore[assignment]

    def rows(self, statement: str, *values: Any) -> list[Row]:
        return self.raw.execute(spelt(statement), values).fetchall()

    def run(self, statement: str, *values: Any) -> int:
        return self.raw.execute(spelt(statement), values).rowcount

    def bulk(self, statement: Bulk, rows: Sequence[Row]) -> Count:
        if not rows:
            return NOTHING
        return self.raw.execute(encoded(statement.postgres), columns(statement, rows))

    def together(self) -> AbstractContextManager[object]:
        """The driver's pipeline: the first statement that failed is the one that is told."""
        return self.raw.pipeline()

    def listed(self, values: Sequence[str]) -> list[str]:
        return list(values)

    def pairs(self, statement: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        return self.rows(statement + PAIRS, [first for first, _ in pairs], [second for _, second in pairs])

    def last_seq_locked(self) -> int:
        """Numbers are given under the lock, by a statement that begins after it was granted."""
        self.raw.execute("SELECT pg_advisory_xact_lock(%s)", (FEED_LOCK,))
        last: int = self.rows(sql.LAST_SEQ)[0][0]
        return last


PAIRS = (
    "JOIN unnest(?::text[], ?::text[]) AS u(integration, dedup_key) "
    "ON a.integration = u.integration AND a.dedup_key = u.dedup_key "
    "ORDER BY a.integration, a.dedup_key FOR UPDATE OF a"
)


_ENCODED: dict[str, bytes] = {}


def encoded(statement: str) -> bytes:
    """The statement as the driver takes it without looking at it again."""
    found = _ENCODED.get(statement)
    if found is None:
        found = _ENCODED[statement] = statement.encode()
    return found


_SPELT: dict[str, bytes] = {}


def spelt(statement: str) -> bytes:
    """The statement in PostgreSQL's words, spelled once."""
    found = _SPELT.get(statement)
    if found is None:
        found = _SPELT[statement] = sql.POSTGRES.spell(statement).encode()
    return found


class PostgresStore(SharedStore):
    """The contract on a server."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        self._where = url.render_as_string(hide_password=True)
        self._engine: Engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=POOL,
            max_overflow=MORE,
            pool_timeout=PATIENCE_S,
            connect_args={"options": OPTIONS, "connect_timeout": PATIENCE_S},
        )
        self._read_engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ears: Ears | None = None

    @contextmanager
    def writing(self) -> Iterator[PostgresLink]:
        """One of the pool's connections, in a transaction."""
        with self._unavailable(), self._engine.connect() as core:
            link = PostgresLink(core)
            yield link
            if link.idle:
                link.raw.rollback()
            else:
                link.raw.commit()

    @contextmanager
    def reading(self) -> Iterator[PostgresLink]:
        """One of the pool's connections, without a transaction."""
        with self._unavailable(), self._read_engine.connect() as core:
            yield PostgresLink(core)

    def announce(self, link: Link) -> None:
        """Wake the other nodes when this commits."""
        link.run("SELECT pg_notify(?, '')", CHANNEL)

    def listen(self, callback: Callable[[], None]) -> None:
        """Hear of commits of all nodes."""
        if self._ears is None:
            self._ears = Ears(self._engine.url)
        self._ears.callbacks.append(callback)
        self._ears.start_once()

    def clock_offset(self, now: datetime) -> timedelta | None:
        """The server's clock, compared with that of whoever asks."""
        with self.reading() as link:
            there: datetime = link.rows("SELECT clock_timestamp()")[0][0]
        return there - now

    def backup(self, target: str) -> None:
        """The server has its own tools."""
        raise BackupElsewhere(
            f"{target} was not written: back up PostgreSQL with pg_dump or by archiving its log"
        )

    def close(self) -> None:
        """Close every connection."""
        if self._ears is not None:
            self._ears.stop()
        self._engine.dispose()

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """What the driver says about server and connection becomes StoreUnavailable; a lost race a LostRace."""
        try:
            yield
        except LOST_RACE as error:
            raise LostRace(f"{self._where}: {error}") from error
        except AWAY as error:
            raise self._lost(error) from error
        except DBAPIError as error:
            if isinstance(error.orig, LOST_RACE):
                raise LostRace(f"{self._where}: {error.orig}") from error
            if isinstance(error.orig, AWAY):
                raise self._lost(error.orig) from error
            raise
        except PoolTimeout as error:
            raise StoreUnavailable(f"{self._where}: no connection is free") from error

    def _lost(self, error: BaseException) -> StoreUnavailable:
        """After a restart of the server every pooled connection is dead: forget them all, the next use connects."""
        self._engine.dispose()
        return StoreUnavailable(f"{self._where}: {error}")


class Ears:
    """A connection of its own that waits for NOTIFY. It reconnects, and calls then: it may have missed one."""

    def __init__(self, url: URL) -> None:
        self.callbacks: list[Callable[[], None]] = []
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start_once(self) -> None:
        """Begin to listen, unless it does already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tocsin-listen", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=PATIENCE_S) as raw:
                    raw.execute("LISTEN " + CHANNEL)
                    self._call()
                    while not self._stopped.is_set():
                        for _ in raw.notifies(timeout=LISTEN_AGAIN_S, stop_after=1):
                            self._call()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._stopped.wait(LISTEN_AGAIN_S)

    def _call(self) -> None:
        for callback in self.callbacks:
            callback()
