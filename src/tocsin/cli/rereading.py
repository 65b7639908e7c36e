"""Reads the handbook again when its files change, or when somebody asks (SIGHUP); people, whoever changed them."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from tocsin.store.contract import StoreUnavailable
from tocsin.wiring.program import Program

log = structlog.get_logger("tocsin.handbook")

EVERY_S: Final = 1.0
LOOKS_PER_READ: Final = 3600
"""Once an hour it is read although nothing changed: a rotation may have ended, a document grown old."""
Snapshot = frozenset[tuple[str, int, int]]


class HandbookWatch:
    """A thread of its own that compares times and sizes of the handbook's files."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._wake = threading.Event()
        self._asked = False
        self._looks = 0
        self._stopping = False
        self._seen: Snapshot = frozenset()
        self._thread = threading.Thread(target=self._run, name="handbook", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._seen = self._look()
        self._thread.start()

    def ask(self) -> None:
        """Read it again now; safe in a signal handler."""
        self._asked = True
        self._wake.set()

    def stop(self) -> None:
        """End."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(EVERY_S)
            self._wake.clear()
            if self._stopping:
                return
            self._take_up_people()
            now = self._look()
            self._looks += 1
            if now == self._seen and not self._asked and self._looks % LOOKS_PER_READ:
                continue
            self._asked, self._seen = False, now
            self._read()

    def _take_up_people(self) -> None:
        """Another node may have saved somebody or an override: nothing but this look tells this one."""
        try:
            self._program.take_up_changes()
        except StoreUnavailable as down:
            log.warning("people were not read again", reason=str(down))

    def _read(self) -> None:
        try:
            reading = self._program.reload()
        except StoreUnavailable as down:
            log.warning("the handbook was not read again", reason=str(down))
            return
        findings = len(reading.findings) if reading else 0
        log.info("read again", findings=findings, hash=self._program.engine.contexts.live.policy_hash[:12])

    def _look(self) -> Snapshot:
        """Names, times and sizes; the log, which tocsin writes itself, does not count."""
        own = self._program.reading.log_path.rsplit("/", 1)[-1] if self._program.reading else ""
        found = set()
        try:
            for path in self._program.handbook_folder.glob("*.md"):
                about = path.stat()
                if path.name != own:
                    found.add((path.name, about.st_mtime_ns, about.st_size))
        except OSError:
            return frozenset()
        return frozenset(found)
