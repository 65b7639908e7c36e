"""What a store promises, in types; SQLite and PostgreSQL keep it alike and one contract suite proves it.

Here: the rows that cross the border and the two protocols. The engine speaks these words and never SQL. Instants are
aware UTC datetimes here and microseconds since 1970 in the tables; `now` is always handed in, never the database's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from tocsin.domain.effects import Effect
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.domain.people import Person
from tocsin.domain.policy import Policy
from tocsin.domain.schedules import Adjustment

HELD = "held"
"""Meta key: why nothing is sent or ticked until somebody says so (after a restore, or on another machine)."""

EVIDENCE_LIMIT = 20 * 1024 * 1024
"""The most bytes that one file of evidence may have."""

ADJUSTMENTS_FROM = 1_000_001
"""The first `seq` of an adjustment made at run time: those of a handbook, numbered from 1, come first (A6)."""
FAILS_TO_DISABLE = 3
"""So many permanent failures in a row disable a contact method (docs/reference/oncall.md N10)."""


class StoreUnavailable(Exception):
    """The database cannot take the write now (gone, full, locked by another process). Nothing was written."""


class LostRace(StoreUnavailable):
    """The database rolled this transaction back in favour of another one; the same again may succeed at once."""


class BackupElsewhere(Exception):
    """The database is backed up by its own tools; the message says which."""


class VersionConflict(Exception):
    """Somebody else wrote one of the streams meanwhile: load again and decide again."""

    def __init__(self, refs: Sequence[str]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(refs)}")
        self.refs = tuple(refs)


class ClaimTaken(Exception):
    """Another stream holds the claim: look again and join it."""

    def __init__(self, claim: str) -> None:
        super().__init__(f"claim {claim} is taken")
        self.claim = claim


class AdjustmentConflict(Exception):
    """Somebody else adjusted the schedule meanwhile: look at it again (docs/reference/oncall.md V3).

    `last` is the newest `seq` of the schedule, None when it has none.
    """

    def __init__(self, schedule: str, last: int | None) -> None:
        super().__init__(f"schedule {schedule} was adjusted meanwhile")
        self.schedule = schedule
        self.last = last


class UnknownEvent(LookupError):
    """A stream holds what this program cannot fold: leave it alone and alarm (rule 19).

    Mostly an event kind or schema of a newer program.
    """

    def __init__(self, ref: str, kind: str, reason: str) -> None:
        super().__init__(f"{ref}: {reason}")
        self.ref = ref
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its envelope. `seq` orders the whole database and never skips for readers of the feed."""

    seq: int
    ref: str
    version: int
    recorded_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class AlertRow:
    """What a sender keeps firing: identity (integration, dedup key), the incident it points at, a counter."""

    integration: str
    dedup_key: str
    ref: str
    firing: bool
    severity: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class StreamWrite:
    """New events of one stream. `before` is the version they were decided on (0: the stream is new)."""

    state: Incident
    before: int
    events: tuple[Event, ...]
    effects: tuple[tuple[int, Effect], ...]
    """Each effect with the version of the event that caused it; applied in order, Drops included."""
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a leased effect: `done`, `failed` (for good), `retry` at `due_at`, or `in_doubt`.

    A `retry` of an effect that was dropped while it was out becomes `dropped`. With `owner`, a `retry` counts only
    while that owner still holds the lease; an outcome that ends it always counts, the first one stays.
    """

    effect: str
    outcome: str
    detail: str = ""
    due_at: datetime | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class DocumentMemory:
    """What tocsin last wrote into the repository for an incident: needed to see whether a person edited it."""

    ref: str
    document: str
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Health:
    """What a channel said to a message for a person: it took it, or did not, for good or for now (N10).

    `address`: where it went; what is known of another address does not speak of this one.
    """

    person: str
    channel: str
    at: datetime
    ok: bool
    permanent: bool = False
    detail: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything one batch decided, written in bulk in one transaction."""

    at: datetime
    streams: tuple[StreamWrite, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    answers: tuple[tuple[str, bytes], ...] = ()
    """Idempotency keys with the answer that was given, kept for 24 h."""
    documents: tuple[DocumentMemory, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    """Incidents that were merged, each with the one that goes on: alert rows of the first, those of this very commit
    included, point at the second."""
    health: tuple[Health, ...] = ()
    """In the order in which it was learned."""
    cursors: tuple[tuple[str, int | None, int], ...] = ()
    """Round robin: key, the position the decision saw (None: there was no row), the position that is next. Where
    another one stands by now, the commit is a VersionConflict (E15)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A leased effect, with what its sender needs; `key` is the idempotency key (epoch/ref/version/n).

    `attempts` counts this one.
    """

    key: str
    ref: str
    lane: str
    effect: Effect
    attempts: int


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """The list columns of an incident: derived from state in the same commit."""

    ref: str
    title: str
    stage: str
    paging: str
    level: str
    service: str | None
    opened_at: datetime
    updated_at: datetime
    next_due: datetime | None
    version: int
    drill: bool = False
    kind: str = "incident"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check of a gate that was gone through in the incident `ref`, as it stands now. `used`: it let a task start."""

    ref: str
    number: int
    gate: str
    by: str
    at: datetime
    passed: bool
    confirmed: bool
    valid_until: datetime | None
    restore_point: datetime | None
    used: bool


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Something to do after the incident `ref`. `state`: `open`, `proven`, `dropped`."""

    ref: str
    number: int
    owner: str | None
    due: date | None
    kind: str
    state: str
    text: str
    drill: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A file that was kept, under the SHA-256 of its bytes (hexadecimal)."""

    digest: str
    size: int
    media_type: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page and its one outcome (`None` while somebody is still being called). `seq` of the request is a cursor."""

    ref: str
    number: int
    person: str
    rung: int
    requested_at: datetime
    outcome: str | None
    sent: bool
    failed: tuple[str, ...] = ()
    seq: int = 0


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect for reading: what, for whom, how often tried, and how it ended."""

    key: str
    ref: str
    kind: str
    lane: str
    topic: str
    state: str
    attempts: int
    due_at: datetime
    """When it may be carried; while it is leased, when the lease ends."""
    created_at: datetime
    settled_at: datetime | None
    detail: str
    person: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A token, session, sign-in link or phone link: only the hash of the secret is stored."""

    hash: str
    kind: str
    person: str
    created_at: datetime
    expires_at: datetime | None
    scopes: tuple[str, ...] = ()
    label: str = ""
    ref: str | None = None
    page: int | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """Something tocsin did or noticed itself (`clock_jump`, `repaired`, `restored`, `policy_activated` ...)."""

    at: datetime
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A reason for `alarmz` to be red; `key` is stable, so that the same trouble is one alarm."""

    key: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Node:
    """A running process: `boot` is its id, `beat_at` its last heartbeat (one a second).

    `role` is `all`, `web`, `engine`, or `astray` while its clock is off or its zones are others. `tzdata` is the
    version of its zone database, empty when unknown.
    """

    boot: str
    role: str
    started_at: datetime
    beat_at: datetime
    tzdata: str = ""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One way to reach a person, and its health.

    `address` is her own, usable once `verified_at` is set; empty: the roster's address, of which this row says only
    how it does. `waiting`: another address of hers, used instead once it is proven; `code_hash`: the code under way to
    it, valid until `code_until`, tried `code_tries` times. `disabled`: why it is not used (empty: it is). `fails`:
    permanent failures in a row. `tried`: the address that health speaks of (empty: whichever it is); `detail`: what
    the last failure said. `test_at`: the last test page.
    """

    person: str
    channel: str
    address: str
    added_at: datetime
    verified_at: datetime | None = None
    code_hash: str | None = None
    code_until: datetime | None = None
    code_tries: int = 0
    disabled: str = ""
    last_ok: datetime | None = None
    last_fail: datetime | None = None
    fails: int = 0
    test_at: datetime | None = None
    tried: str = ""
    detail: str = ""
    waiting: str = ""


class Activation(NamedTuple):
    """From `at` on, until the next one, the policy of that hash was the active one (V1)."""

    at: datetime
    hash: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A compiled policy under its content hash; the commit it came from is only noted."""

    hash: str
    policy: Policy
    commit: str | None
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class Tail:
    """What a batch must know to give numbers and claims: filled by `Batch.reserve`."""

    claims: dict[str, str] = field(default_factory=dict)
    alerts: dict[tuple[str, str], AlertRow] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)


class Batch(Protocol):
    """One open write transaction. Leaving it normally commits; an exception rolls everything back."""

    def load(self, refs: Sequence[str]) -> dict[str, Incident]:
        """Current states (unknown refs are missing); on PostgreSQL the rows are locked in sorted order.

        A stream of another fold version is folded again from its events before it is returned. A stream holding
        an unknown event kind raises UnknownEvent (a LookupError) naming stream and kind.
        """
        ...

    def take_due(self, now: datetime, limit: int, without: Sequence[str]) -> dict[str, Incident]:
        """States of at most `limit` streams with next_due <= now, earliest first; on PostgreSQL rows that another
        node holds are skipped. Refs in `without` are left alone (set aside). Raises UnknownEvent as `load` does.
        """
        ...

    def reserve(
        self, claims: Sequence[str], alerts: Sequence[tuple[str, str]], answers: Sequence[str]
    ) -> Tail:
        """Who holds these claims, what these alerts point at, and which idempotency keys were answered."""
        ...

    def next_numbers(self, year: int, count: int) -> list[int]:
        """The next incident numbers of a year, each given once."""
        ...

    def opened_since(self, kind: str, since: datetime) -> list[str]:
        """Streams of that kind that were opened at `since` or later, oldest first, as it was before this batch."""
        ...

    def checks(self, limit: int = 20, *, gate: str | None = None) -> list[CheckRow]:
        """Checks of all incidents (of one gate), newest first, as they were before this batch."""
        ...

    def alerts(self, ref: str) -> list[AlertRow]:
        """Alerts that point at the incident, as they were before this batch."""
        ...

    def cursors(self) -> dict[str, int]:
        """Round robin: whose turn is next, by key, as it was before this batch."""
        ...

    def write(self, commit: Commit) -> list[Recorded]:
        """Write the whole commit in bulk. Raises VersionConflict, ClaimTaken or StoreUnavailable.

        Derived in the same commit: list columns, next_due, claims (held while in `state.claims`), page rows, rows of
        checks and actions, text rows, effect rows with key epoch/ref/version/n. Drop removes waiting effects of the
        same incident whose topic starts with its topic; a Write first drops the waiting Write of the same topic.
        Leased ones run to their end.
        """
        ...


class Store(Protocol):
    """The database. All methods may raise StoreUnavailable. Reading never blocks writing."""

    epoch: str
    probe: Callable[[str], None]
    """Called at named points of every write; does nothing unless a test replaces it."""

    def begin(self) -> AbstractContextManager[Batch]:
        """Open the one write transaction (SQLite: the single writer; PostgreSQL: one of a pool)."""
        ...

    def close(self) -> None:
        """Close every connection (SQLite: checkpoint and release the lock)."""
        ...

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call it after every commit of this process, on the committing thread; it must be quick and never raise."""
        ...

    def listen(self, callback: Callable[[], None]) -> None:
        """Call it after commits of any node, this one included. Only a hint: it may come late, twice or never."""
        ...

    # -- effects -----------------------------------------------------------------------------------------------------
    def take_effects(
        self, lane: str, *, owner: str, now: datetime, lease_until: datetime, limit: int, live: datetime
    ) -> list[Taken]:
        """Lease at most `limit` effects that are due, in the order of oncall.md S5 (urgent pages first, then pages,
        notices, documents; oldest first). Free are: waiting ones, leases past their time, and leases of nodes whose
        last heartbeat is before `live`. Who is never taken: dropped or settled effects.
        """
        ...

    def next_effect_due(self, lane: str) -> datetime | None:
        """When the earliest waiting effect of the lane becomes due (leases count at their end)."""
        ...

    # -- reading -----------------------------------------------------------------------------------------------------
    def next_due(self, without: Sequence[str] = ()) -> datetime | None:
        """The earliest wake-up of all streams."""
        ...

    def incident(self, ref: str) -> Incident | None:
        """The state of one incident."""
        ...

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
        """Newest first; `stage` may be `open` (triage, declared, mitigated); `before` is a reference (cursor).

        `tests`: test pages are among them.
        """
        ...

    def timeline(self, ref: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """Events of one incident with seq > after, oldest first, texts joined."""
        ...

    def feed(self, after: int, limit: int = 500) -> list[Recorded]:
        """Events of all incidents with seq > after, oldest first; kinds unknown to this program are passed over."""
        ...

    def last_seq(self) -> int:
        """The newest seq."""
        ...

    def pages(self, ref: str | None, *, before: int | None = None, limit: int = 100) -> list[PageRow]:
        """Pages newest first, of one incident or of all; `before` is the seq of a page (cursor)."""
        ...

    def effects(self, ref: str | None, *, state: str | None = None, limit: int = 200) -> list[EffectRow]:
        """Effects newest first."""
        ...

    def alerts(self, ref: str) -> list[AlertRow]:
        """Alerts that point at the incident."""
        ...

    def document(self, ref: str, document: str) -> DocumentMemory | None:
        """What was last written for it."""
        ...

    def checks(self, limit: int = 20, *, gate: str | None = None) -> list[CheckRow]:
        """Checks of all incidents (of one gate), newest first."""
        ...

    def actions(
        self, *, state: str | None = "open", owner: str | None = None, limit: int = 200
    ) -> list[ActionRow]:
        """Actions of all incidents: open ones by their due day, those without one last; any others newest first."""
        ...

    def evidence(self, digest: str) -> tuple[EvidenceRow, bytes] | None:
        """A kept file with its bytes."""
        ...

    def open_refs(self) -> list[str]:
        """Every incident that is not closed, dismissed or merged, oldest first."""
        ...

    # -- evidence ----------------------------------------------------------------------------------------------------
    def keep_evidence(self, digest: str, body: bytes, media_type: str, now: datetime) -> EvidenceRow:
        """Keep a file before an event names it; the same bytes are kept once, as they were first.

        Raises ValueError for more than EVIDENCE_LIMIT bytes, or a digest that is not the SHA-256 of the bytes.
        """
        ...

    # -- upkeep ------------------------------------------------------------------------------------------------------
    def refold(self, limit: int = 500, due: Callable[[Incident], datetime | None] | None = None) -> int:
        """Fold at most `limit` open streams of another fold version again and rewrite their columns.

        How many this call did: call again until 0. `due` gives the wake-up of the new state (without it the old one
        stays). Streams with an unknown event kind are left alone; `load` names them.
        """
        ...

    def drift(self, refs: Sequence[str]) -> list[str]:
        """Which of these stored states differ from what their events fold to (the auditor's sample)."""
        ...

    def set_next_due(self, ref: str, due: datetime | None) -> None:
        """Repair a wake-up column (auditor only)."""
        ...

    def raise_number(self, year: int, number: int) -> None:
        """Let the numbers of a year go on above `number` (after a restore: the highest found in the log)."""
        ...

    # -- policy and people ---------------------------------------------------------------------------------------------
    def policy(self, hash_: str) -> StoredPolicy | None:
        """A compiled policy by its content hash."""
        ...

    def active_policy(self) -> StoredPolicy | None:
        """The policy new incidents are pinned to."""
        ...

    def activate_policy(self, hash_: str, policy: Policy, commit: str | None, now: datetime) -> None:
        """Store a policy and make it the active one; a change of the active one is kept in `activations`."""
        ...

    def activations(self) -> list[Activation]:
        """Which policies were active, oldest first (V1)."""
        ...

    def people(self) -> list[Person]:
        """People known at run time (`tocsin user`), beside those of the handbook."""
        ...

    def save_person(self, person: Person) -> None:
        """Add or change one."""
        ...

    # -- on call -------------------------------------------------------------------------------------------------------
    def live_stamp(self) -> int:
        """Grows with every change of people, contacts and adjustments, on any node: cheap to ask often."""
        ...

    def adjustments(
        self, schedule: str | None = None, *, as_of: datetime | None = None
    ) -> list[tuple[str, Adjustment]]:
        """What was adjusted at run time, with the schedule's name, oldest first; ended ones carry `revoked_at`.

        With `as_of`: as it was known at that instant (V1): what came later is missing, what was ended later goes on.
        """
        ...

    def add_adjustment(self, schedule: str, adjustment: Adjustment, expect: int | None) -> Adjustment:
        """Keep an adjustment; the one that is returned carries its `seq`. The journal says so in the same commit.

        `expect`: the last `seq` of this schedule that its author saw (below ADJUSTMENTS_FROM or None: none made at
        run time); when there is a newer one, AdjustmentConflict (V3). Raises ValueError for one without `made_at`, or
        that ends before it starts (T7).
        """
        ...

    def end_adjustment(self, schedule: str, seq: int, now: datetime, by: str) -> bool:
        """End it: now (the minute that has begun) if it has begun, else before it begins (A10). It is never deleted.

        False when there is none of that number, or it is over or ended already.
        """
        ...

    def contacts(self, person: str | None = None) -> list[ContactRow]:
        """Contact methods with their health, of one person or of all, by person and channel."""
        ...

    def save_contact(self, row: ContactRow) -> None:
        """Add or replace the row of that person and channel."""
        ...

    def spend_code_try(self, person: str, channel: str, code_hash: str, limit: int) -> bool:
        """Count a try at the code under way before it is looked at: at most `limit` ever count, whoever hurries.

        False when they are spent, or another code is under way by now.
        """
        ...

    def delete_contact(self, person: str, channel: str) -> None:
        """Forget it."""
        ...

    # -- secrets, journal, alarms, nodes -------------------------------------------------------------------------------
    def save_secret(self, row: SecretRow) -> None: ...

    def secret(self, hash_: str) -> SecretRow | None: ...

    def use_secret(self, hash_: str, now: datetime) -> bool:
        """Mark a single-use secret as used; False when it already was or has expired (decided by the database)."""
        ...

    def secrets(self, kind: str) -> list[SecretRow]: ...

    def delete_secret(self, hash_: str) -> None: ...

    def journal(self, limit: int = 100) -> list[JournalRow]: ...

    def note(self, row: JournalRow) -> None: ...

    def raise_alarm(self, key: str, reason: str, now: datetime) -> None:
        """Raise or refresh an alarm; `since` stays at its first raising."""
        ...

    def clear_alarm(self, key: str) -> None: ...

    def alarms(self) -> list[Alarm]: ...

    def beat(self, node: Node) -> None:
        """Write this node's heartbeat and meta `last_instant` (ISO, never back); forget nodes silent for a day."""
        ...

    def nodes(self) -> list[Node]: ...

    def clock_offset(self, now: datetime) -> timedelta | None:
        """How far the database's own clock is ahead of `now`; None where it has none (SQLite). For this and nothing
        else the database is asked for the time.
        """
        ...

    def meta(self, key: str) -> str | None: ...

    def set_meta(self, key: str, value: str) -> None: ...

    def swap_meta(self, key: str, before: str | None, after: str, notes: Sequence[JournalRow] = ()) -> bool:
        """Set it if it still is `before` (None: not there), and write the notes with it: of several nodes that saw
        the same, one does it. Whether this one did.
        """
        ...

    def backup(self, target: str) -> None:
        """A consistent copy of the database while it runs (SQLite: the online backup API).

        Raises BackupElsewhere on PostgreSQL, which has its own tools (pg_dump).
        """
        ...
