"""What the desk really did: batches as they were committed, and every statement of them to be played again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from tocsin.store.postgres import PostgresLink
from tocsin.store.sqlite import SqliteLink

Step = tuple[str, Any, Any]
"""`one`, `many` (rows), `open` or `close` (a pipeline); the statement; its values."""
Transaction = list[Step]


class Recorder:
    """Stands before a driver connection and keeps what was said inside write transactions that add events."""

    def __init__(self, raw: Any, kept: list[Transaction]) -> None:
        self._raw = raw
        self._kept = kept
        self._steps: Transaction = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def execute(self, statement: Any, *values: Any) -> Any:
        if statement == "COMMIT":
            done = self._raw.execute(statement)
            self._keep()
            return done
        if statement == "BEGIN IMMEDIATE":
            self._steps = []
        else:
            self._steps.append(("one", statement, values[0] if values else ()))
        return self._raw.execute(statement, *values)

    def executemany(self, statement: str, rows: Any) -> Any:
        self._steps.append(("many", statement, rows))
        return self._raw.executemany(statement, rows)

    @contextlib.contextmanager
    def pipeline(self) -> Iterator[Any]:
        """Statements that go to the server together."""
        with self._raw.pipeline() as pipeline:
            self._steps.append(("open", None, None))
            yield pipeline
            self._steps.append(("close", None, None))

    def commit(self) -> None:
        self._raw.commit()
        self._keep()

    def _keep(self) -> None:
        if any("INTO event" in _text(statement) for _, statement, _ in self._steps):
            self._kept.append(self._steps)
        self._steps = []


def _text(statement: str | bytes | None) -> str:
    return statement.decode() if isinstance(statement, bytes) else statement or ""


def statements(steps: Transaction) -> int:
    """How many statements a transaction had besides its begin and its end."""
    return sum(kind in ("one", "many") for kind, _, _ in steps)


@contextlib.contextmanager
def recorded() -> Iterator[list[Transaction]]:
    """Whatever stores commit while this lasts."""
    kept: list[Transaction] = []
    classes: tuple[Any, ...] = (SqliteLink, PostgresLink)
    before = [cls.__init__ for cls in classes]

    def watched(init: Callable[..., None]) -> Callable[..., None]:
        def begin(self: Any, core: Any) -> None:
            init(self, core)
            self.raw = Recorder(self.raw, kept)

        return begin

    for cls, init in zip(classes, before, strict=True):
        cls.__init__ = watched(init)
    try:
        yield kept
    finally:
        for cls, init in zip(classes, before, strict=True):
            cls.__init__ = init


def play(raw: Any, transactions: list[Transaction]) -> None:
    """Say it all again on a bare connection, one commit per transaction, nothing else in between."""
    by_hand = hasattr(raw, "executescript")
    for steps in transactions:
        if by_hand:
            raw.execute("BEGIN IMMEDIATE")
        with contextlib.ExitStack() as together:
            for kind, statement, values in steps:
                if kind == "one":
                    done = raw.execute(statement, values)
                    if by_hand:
                        done.fetchall()
                elif kind == "many":
                    raw.executemany(statement, values)
                elif kind == "open":
                    together.enter_context(raw.pipeline())
                else:
                    together.close()
        if by_hand:
            raw.execute("COMMIT")
        else:
            raw.commit()
