"""What both stores are made of; each database adds its connections, its transactions and its hints."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from tocsin.store.batch import OpenBatch
from tocsin.store.contract import LostRace, VersionConflict
from tocsin.store.leases import Leases
from tocsin.store.link import no_probe
from tocsin.store.oncall import OnCall
from tocsin.store.reading import Reading
from tocsin.store.records import Records
from tocsin.store.upkeep import Upkeep

EPOCH = "epoch"


class SharedStore(Reading, Leases, Upkeep, Records, OnCall):
    """Everything of the contract that is the same on both databases."""

    def __init__(self) -> None:
        self.epoch = ""
        self.probe: Callable[[str], None] = no_probe
        self._callbacks: list[Callable[[], None]] = []

    @contextmanager
    def begin(self) -> Iterator[OpenBatch]:
        """Open a write transaction. An exception, the simulated kill of a probe included, rolls it back."""
        try:
            with self.writing() as link:
                self.probe("begin")
                batch = OpenBatch(self, link)
                yield batch
                self.probe("before_commit")
                link.idle = not batch.wrote
        except LostRace as lost:
            raise VersionConflict(()) from lost
        self.probe("after_commit")
        if batch.wrote:
            for callback in self._callbacks:
                callback()

    @abstractmethod
    def listen(self, callback: Callable[[], None]) -> None:
        """Call it after commits of any node; a hint."""

    def clock_offset(self, now: datetime) -> timedelta | None:  # noqa: ARG002
        """A file has no clock."""
        return None

    @abstractmethod
    def backup(self, target: str) -> None:
        """A consistent copy of the database while it runs."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call it after every commit of a batch in this process."""
        self._callbacks.append(callback)
