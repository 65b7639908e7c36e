"""The whole program from its settings: store, handbook, people, engine, channels.

`open_program` builds it without starting anything. The handbook is read again on `reload`; an unusable one leaves the
last good one active and raises an alarm (design rule 15, 17).
"""

from __future__ import annotations

import hashlib
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath

import structlog

from tocsin.channels.port import Channel
from tocsin.channels.registry import build
from tocsin.channels.tickets import GitHubIssues
from tocsin.config import Settings
from tocsin.domain.people import Directory
from tocsin.domain.policy import Policy
from tocsin.engine.clock import Clock, SystemClock
from tocsin.engine.engine import Engine
from tocsin.engine.live import Contexts, nothing_known
from tocsin.handbook.documents import CARD, DocumentRefused, Documents
from tocsin.handbook.read import Reading, read_handbook
from tocsin.store import open_store
from tocsin.store.contract import JournalRow, Store
from tocsin.wiring.card import CardKeeper
from tocsin.wiring.lanes import lanes
from tocsin.wiring.outside import outside
from tocsin.wiring.picture import Picture
from tocsin.wiring.repository import COMMIT, PUSH, ROWS, Place, Repository
from tocsin.wiring.rota_keeper import RotaKeeper
from tocsin.wiring.surroundings import Surroundings
from tocsin.wiring.ticketing import ALARM as TICKET

log = structlog.get_logger("tocsin")

WARNINGS_SHOWN = 5
LOOKS_PER_REFRESH = 60
"""How well a method works is taken up at every so many looks, although nothing else changed."""
HOME = "home"
"""Meta key: the machine and path this database belongs to; elsewhere it sends nothing until adopted (rule 18)."""


class Program:
    """Everything wired. `engine` starts and stops; `reload` reads the handbook again."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, role: str) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.reading: Reading | None = None
        self._reading = threading.Lock()
        self._picture = Picture(store, settings)
        self._stamp, self._looks = -1, 0
        self.channels: dict[str, Channel] = {
            name: build(name, channel.values(), clock.now) for name, channel in settings.channels.items()
        }
        around = Surroundings(
            store,
            self._contexts,
            clock.now,
            settings.server.base_url,
            self._documents,
            written=self._written,
            tracker=self._tracker(),
        )
        self.engine = Engine(store, clock, nothing_known(), lanes(around, self.channels), role=role)
        self.repository = self._repository(around.writing)
        self._card = CardKeeper(around, self._held)
        self._rota = RotaKeeper(
            store, lambda: self.engine.contexts.live, clock.now, lambda: self.engine.ticker.held
        )
        self.engine.companions += [self._card, self._rota, *outside(settings, self.engine)]
        self.reload()
        self._own_home()

    def _contexts(self) -> Contexts:
        return self.engine.contexts

    @property
    def handbook_folder(self) -> Path:
        """Where the handbook lies."""
        return self.settings.root / self.settings.handbook.path

    def _documents(self) -> Documents | None:
        reading, folder = self.reading, self.handbook_folder
        if reading is None or not folder.exists():
            return None
        return Documents(reading.root, folder if folder.is_dir() else folder.parent, reading.log_path)

    def _place(self) -> Place | None:
        documents, reading = self._documents(), self.reading
        if documents is None or reading is None:
            return None
        drafts = PurePosixPath(documents.postmortem_path("INC-0000-0")).parent
        return Place(reading.root, documents.log_path, str(drafts), str(drafts.parent / CARD), documents)

    def _repository(self, writing: threading.Lock) -> Repository:
        """What keeps the rows, and commits and pushes where the settings say so."""
        wanted = self.settings.handbook
        for key in (COMMIT,) * (not wanted.commit) + (ROWS,) * wanted.commit + (PUSH,) * (not wanted.push):
            self.store.clear_alarm(key)
        made = Repository(
            self.store,
            self._place,
            self.clock.now,
            commit=wanted.commit,
            push=wanted.push,
            writing=writing,
            waits=self._held,
        )
        self.engine.companions.append(made)
        return made

    def _tracker(self) -> GitHubIssues | None:
        """Where tickets are opened, where the settings name a place."""
        wanted = self.settings.ticket
        if wanted is None:
            self.store.clear_alarm(TICKET)
            return None
        return GitHubIssues(
            repository=wanted.repository,
            token=wanted.token.reveal(),
            url=wanted.url,
            allow_loopback=wanted.allow_loopback,
            now=self.clock.now,
        )

    def _held(self) -> str | None:
        return self.engine.held()

    def _written(self) -> None:
        self.repository.wake()

    def reload(self) -> Reading | None:
        """Read the handbook; activate it if it is usable, else keep the last good one and raise an alarm."""
        with self._reading:
            reading = self._reload(self.clock.now())
        self._wake()
        return reading

    def _wake(self) -> None:
        self._card.wake()
        self._rota.wake()

    def _reload(self, now: datetime) -> Reading | None:
        try:
            self.reading = read_handbook(None, self.handbook_folder, now, channels=self.channels)
        except OSError as error:
            self._use_last_good(f"the handbook cannot be read: {error.strerror}: {self._shown_folder}")
            return None
        if self.reading.policy is None or self.reading.blocked:
            errors = [f for f in self.reading.findings if f.level == "error"]
            # A file that cannot be read is the cause of what is missing elsewhere.
            first = min(errors, key=lambda f: f.rule != "encoding", default=None)
            where = f": {first.file}:{first.line} {first.message}" if first else ""
            self._use_last_good(f"the handbook cannot be used{where}")
            return self.reading
        self.store.clear_alarm("handbook")
        self._activate(self.reading.hash, self.reading.policy, now)
        self._judge_rotation()
        return self.reading

    def _judge_rotation(self) -> None:
        """A rotation that has run out calls every IC, and that is an alarm."""
        ended = [f for f in self.reading.findings if f.rule == "rotation-ended"] if self.reading else []
        if ended:
            self.store.raise_alarm(
                "rotation-ended", f"{ended[0].message}: every IC is called", self.clock.now()
            )
        else:
            self.store.clear_alarm("rotation-ended")

    def _use_last_good(self, reason: str) -> None:
        """Go on with the last handbook that was usable, else with the built-in policy, and say so."""
        stored = self.store.active_policy()
        if stored is not None:
            self._set_live(stored.hash, stored.policy)
            said = f"{reason}; the last good one stays active"
        else:
            self._refresh_people()
            said = f"{reason}; the built-in policy applies: no clocks, and every admin is called"
        log.error("handbook", reason=said)
        self.store.raise_alarm("handbook", said, self.clock.now())

    @property
    def _shown_folder(self) -> str:
        folder, root = self.handbook_folder, self.settings.root
        return str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder)

    def refresh_people(self) -> None:
        """Take up what changed at run time, on any node: people, their methods, adjustments of schedules.

        The handbook stays as it was read. Raises StoreUnavailable.
        """
        with self._reading:
            self._refresh_people()
        self._wake()

    def take_up_changes(self) -> None:
        """The same when another node changed something; cheap to call every second. Raises StoreUnavailable."""
        stamp = self.store.live_stamp()
        self._looks += 1
        if stamp != self._stamp or self._looks % LOOKS_PER_REFRESH == 0:
            self.refresh_people()
            self._stamp = stamp

    def _refresh_people(self) -> None:
        live, now = self.engine.contexts.live, self.clock.now()
        self.engine.contexts.live = self._picture.of(live.policy_hash, live.policy, live.warnings, now)

    def _activate(self, hash_: str, policy: Policy, now: datetime) -> None:
        active = self.store.active_policy()
        if active is None or active.hash != hash_:
            commit = _commit_of(self.handbook_folder)
            self.store.activate_policy(hash_, policy, commit, now)
            self.store.note(JournalRow(now, "policy_activated", f"{hash_[:12]} at {commit or 'no commit'}"))
        self._set_live(hash_, policy)

    def _set_live(self, hash_: str, policy: Policy) -> None:
        self.engine.contexts.live = self._picture.of(hash_, policy, self._left_open(), self.clock.now())

    def everybody(self, policy: Policy) -> Directory:
        """Everybody as that handbook names them, and those added at run time. Raises StoreUnavailable."""
        return self._picture.everybody(policy)

    def _left_open(self) -> tuple[str, ...]:
        """What the handbook has not decided yet: said once at each declare."""
        found = self.reading.findings if self.reading else ()
        undecided = [f"{f.file}:{f.line} {f.message}" for f in found if f.rule == "placeholder"]
        return tuple(undecided[:WARNINGS_SHOWN])

    def _own_home(self) -> None:
        """Note where this database lives; a copy on another machine or path is held until adopted."""
        home = self.home()
        known = self.store.meta(HOME)
        if known is None:
            self.store.set_meta(HOME, home)
        elif known != home:
            self.engine.hold("this database belongs to another machine or path; run tocsin adopt")

    def home(self) -> str:
        """The fingerprint of machine and database address, without revealing either."""
        place = f"{socket.gethostname()}|{self.settings.root}"
        if self.settings.database.url.reveal().startswith("postgresql"):
            place = "postgresql"  # the database is the place: its nodes may come and go
        return hashlib.sha256(place.encode()).hexdigest()[:32]

    def adopt(self, by: str) -> list[str]:
        """Make this the database's home; held effects go out. New numbers continue above the log's.

        Returns one line for each person who is told what had been waiting.
        """
        self.store.set_meta(HOME, self.home())
        documents, year = self._documents(), self.clock.now().year
        if documents is not None:
            try:
                self.store.raise_number(year, documents.highest_number(year))
            except DocumentRefused as refused:
                log.warning("cannot read the log for the highest number", reason=refused.reason)
        self.store.note(JournalRow(self.clock.now(), "adopted", f"by {by}"))
        return self.engine.release(by)

    def close(self) -> None:
        """Close the store; the engine must have been stopped."""
        self.store.close()


def _commit_of(folder: Path) -> str | None:
    """The commit that is checked out, if the folder is in a git work tree: only noted, never needed."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def open_program(
    settings: Settings, *, role: str = "all", clock: Callable[[datetime | None], Clock] | None = None
) -> Program:
    """Open the database and wire everything. Raises StoreUnavailable, ConfigError.

    The clock starts no earlier than the last instant that the database has seen (design rule 12).
    """
    store = open_store(settings.database.url.reveal())
    floor = _last_instant(store)
    made = clock(floor) if clock else SystemClock(floor)
    return Program(settings, store, made, role)


def _last_instant(store: Store) -> datetime | None:
    """The newest heartbeat, but no later than the database's own clock: a node that is off must not lead others."""
    last = max((node.beat_at for node in store.nodes()), default=None)
    ahead = store.clock_offset(last) if last else None
    return last if last is None or ahead is None else min(last, last + ahead)


def configure_logging(level: int = logging.INFO) -> None:
    """JSON lines on stderr; control characters are escaped by the encoder."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
