"""Records beside the streams: policies, people, secrets, evidence, journal, alarms, nodes, meta."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from tocsin.domain.people import Person
from tocsin.domain.policy import Policy
from tocsin.store import sql
from tocsin.store.codec import decode_person, decode_policy, decode_words, storable, to_json
from tocsin.store.contract import (
    EVIDENCE_LIMIT,
    Activation,
    Alarm,
    EvidenceRow,
    JournalRow,
    Node,
    SecretRow,
    StoredPolicy,
)
from tocsin.store.instants import instant, micros
from tocsin.store.link import Database, Link
from tocsin.store.tables import activation, alarm, journal, meta, node, person, policy, secret

ACTIVE_POLICY = "active_policy"
LAST_INSTANT = "last_instant"
NODES_KEPT = timedelta(days=1)
EXPIRED_KEPT = timedelta(days=30)

_SET_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_ADD_META = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
_SWAP_META = "UPDATE meta SET value = ? WHERE key = ? AND value = ?"
_LAST_INSTANT = _SET_META + " WHERE meta.value < excluded.value"
_KEEP_POLICY = (
    "INSERT INTO policy (hash, body, commit_id, activated_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (hash) DO UPDATE SET commit_id = excluded.commit_id, activated_at = excluded.activated_at"
)
_KEEP_PERSON = (
    "INSERT INTO person (handle, body) VALUES (?, ?) ON CONFLICT (handle) DO UPDATE SET body = excluded.body"
)
_RAISE_ALARM = (
    "INSERT INTO alarm (key, reason, since) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET reason = excluded.reason"
)
_KEEP_HASH = (
    "INSERT INTO secret (hash, kind, person, created_at, expires_at, scopes, label, ref, page, used_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, "
    "person = excluded.person, created_at = excluded.created_at, expires_at = excluded.expires_at, "
    "scopes = excluded.scopes, label = excluded.label, ref = excluded.ref, page = excluded.page, "
    "used_at = excluded.used_at"
)
"""One is kept for every page that goes out: spelled once, not built anew each time."""
_FORGET_EXPIRED = "DELETE FROM secret WHERE expires_at < ?"
_KEEP_EVIDENCE = (
    "INSERT INTO evidence (digest, size, media_type, created_at, body) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (digest) DO NOTHING"
)
_EVIDENCE = "SELECT digest, size, media_type, created_at FROM evidence WHERE digest = ?"
_BEAT = (
    "INSERT INTO node (boot, role, started_at, beat_at, tzdata) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (boot) DO UPDATE SET role = excluded.role, beat_at = excluded.beat_at"
)


_RAISE_NUMBER = (
    "INSERT INTO number (year, last) VALUES (?, ?) "
    "ON CONFLICT (year) DO UPDATE SET last = excluded.last WHERE number.last < excluded.last"
)


class Records(Database):
    """Ordinary rows, one small transaction each."""

    # -- policy and people --------------------------------------------------------------------------------------------
    def policy(self, hash_: str) -> StoredPolicy | None:
        """A compiled policy by its content hash."""
        row = self._first(select(policy).where(policy.c.hash == hash_))
        return row and StoredPolicy(
            row.hash, decode_policy(row.body), row.commit_id, instant(row.activated_at)
        )

    def active_policy(self) -> StoredPolicy | None:
        """The policy new incidents are pinned to."""
        active = self.meta(ACTIVE_POLICY)
        return None if active is None else self.policy(active)

    def activate_policy(self, hash_: str, policy: Policy, commit: str | None, now: datetime) -> None:
        """Store a policy and make it the active one, together; a change is kept for ever."""
        with self.writing() as link:
            was = link.core.execute(select(meta.c.value).where(meta.c.key == ACTIVE_POLICY)).scalar()
            link.run(_KEEP_POLICY, hash_, to_json(policy), commit, micros(now))
            link.run(_SET_META, ACTIVE_POLICY, hash_)
            if was != hash_:
                link.core.execute(insert(activation).values(at=micros(now), hash=hash_, commit_id=commit))

    def activations(self) -> list[Activation]:
        """Which policies were active, oldest first."""
        rows = self._rows(select(activation).order_by(activation.c.id))
        return [Activation(instant(row.at), row.hash, row.commit_id) for row in rows]

    def people(self) -> list[Person]:
        """People known at run time, by handle."""
        return [decode_person(row.body) for row in self._rows(select(person).order_by(person.c.handle))]

    def save_person(self, person: Person) -> None:
        """Add or change one."""
        with self.writing() as link:
            link.run(_KEEP_PERSON, person.handle, to_json(person))
            link.run(sql.STAMP_LIVE)

    # -- secrets ------------------------------------------------------------------------------------------------------
    def save_secret(self, row: SecretRow) -> None:
        """Keep a secret's hash with what it allows; saving it again replaces it. Long expired ones are forgotten."""
        forgotten = micros(row.created_at - EXPIRED_KEPT)
        with self.writing() as link:
            link.run(_FORGET_EXPIRED, forgotten)
            link.run(_KEEP_HASH, *_secret_values(row))

    def secret(self, hash_: str) -> SecretRow | None:
        """A secret by its hash, whether still valid or not."""
        row = self._first(select(secret).where(secret.c.hash == hash_))
        return row and _secret_row(row)

    def use_secret(self, hash_: str, now: datetime) -> bool:
        """Use a single-use secret: only one of two that try at once hears True."""
        at = micros(now)
        unused = update(secret).where(secret.c.hash == hash_, secret.c.used_at.is_(None))
        valid = unused.where(secret.c.expires_at.is_(None) | (secret.c.expires_at > at))
        with self.writing() as link:
            return link.core.execute(valid.values(used_at=at)).rowcount == 1

    def secrets(self, kind: str) -> list[SecretRow]:
        """All of a kind, oldest first."""
        query = select(secret).where(secret.c.kind == kind).order_by(secret.c.created_at, secret.c.hash)
        return [_secret_row(row) for row in self._rows(query)]

    def delete_secret(self, hash_: str) -> None:
        """Revoke it."""
        with self.writing() as link:
            link.core.execute(delete(secret).where(secret.c.hash == hash_))

    # -- evidence -----------------------------------------------------------------------------------------------------
    def keep_evidence(self, digest: str, body: bytes, media_type: str, now: datetime) -> EvidenceRow:
        """Keep a file; the same bytes are kept once, as they were first. Raises ValueError."""
        if len(body) > EVIDENCE_LIMIT:
            raise ValueError(f"{len(body)} bytes are more than the {EVIDENCE_LIMIT} that evidence may have")
        if hashlib.sha256(body).hexdigest() != digest:
            raise ValueError(f"{digest!r} is not the SHA-256 of these {len(body)} bytes")
        with self.writing() as link:
            link.run(_KEEP_EVIDENCE, digest, len(body), storable(media_type), micros(now), body)
            _, size, media_type, at = link.rows(_EVIDENCE, digest)[0]
        return EvidenceRow(digest, size, media_type, instant(at))

    # -- journal and alarms -------------------------------------------------------------------------------------------
    def journal(self, limit: int = 100) -> list[JournalRow]:
        """What tocsin did or noticed itself, newest first."""
        rows = self._rows(select(journal).order_by(journal.c.id.desc()).limit(limit))
        return [JournalRow(instant(row.at), row.kind, row.detail) for row in rows]

    def note(self, row: JournalRow) -> None:
        """Write a line into the journal."""
        with self.writing() as link:
            _write_note(link, row)

    def raise_alarm(self, key: str, reason: str, now: datetime) -> None:
        """Raise or refresh an alarm; `since` stays at its first raising."""
        self._run(_RAISE_ALARM, storable(key), storable(reason), micros(now))

    def clear_alarm(self, key: str) -> None:
        """It is over."""
        with self.writing() as link:
            link.core.execute(delete(alarm).where(alarm.c.key == storable(key)))

    def alarms(self) -> list[Alarm]:
        """Alarms, longest standing first."""
        rows = self._rows(select(alarm).order_by(alarm.c.since, alarm.c.key))
        return [Alarm(row.key, row.reason, instant(row.since)) for row in rows]

    # -- nodes and meta -----------------------------------------------------------------------------------------------
    def beat(self, beating: Node) -> None:
        """Write a heartbeat; the last instant never goes back, whichever node writes it."""
        at = micros(beating.beat_at)
        with self.writing() as link:
            link.run(_BEAT, beating.boot, beating.role, micros(beating.started_at), at, beating.tzdata)
            link.run(_LAST_INSTANT, LAST_INSTANT, beating.beat_at.isoformat(timespec="microseconds"))
            link.core.execute(delete(node).where(node.c.beat_at < micros(beating.beat_at - NODES_KEPT)))

    def nodes(self) -> list[Node]:
        """Running and lately silent nodes, oldest first."""
        rows = self._rows(select(node).order_by(node.c.started_at, node.c.boot))
        return [
            Node(row.boot, row.role, instant(row.started_at), instant(row.beat_at), row.tzdata)
            for row in rows
        ]

    def meta(self, key: str) -> str | None:
        """A fact about this database."""
        row = self._first(select(meta.c.value).where(meta.c.key == key))
        return row and str(row.value)

    def set_meta(self, key: str, value: str) -> None:
        """Set it."""
        self._run(_SET_META, key, value)

    def swap_meta(self, key: str, before: str | None, after: str, notes: Sequence[JournalRow] = ()) -> bool:
        """Set it if it still is `before`, with the notes; whether this node did."""
        with self.writing() as link:
            done = (
                link.run(_ADD_META, key, after)
                if before is None
                else link.run(_SWAP_META, after, key, before)
            )
            for row in notes if done else ():
                _write_note(link, row)
        return done == 1

    def raise_number(self, year: int, number: int) -> None:
        """Let the numbers of a year go on above `number`."""
        self._run(_RAISE_NUMBER, year, number)

    # -- in few words -------------------------------------------------------------------------------------------------
    def _rows(self, query: Select[Any]) -> list[Any]:
        with self.reading() as link:
            return list(link.core.execute(query).all())

    def _first(self, query: Select[Any]) -> Any:
        with self.reading() as link:
            return link.core.execute(query).first()

    def _run(self, statement: str, *values: Any) -> None:
        with self.writing() as link:
            link.run(statement, *values)


def _write_note(link: Link, row: JournalRow) -> None:
    link.core.execute(insert(journal).values(at=micros(row.at), kind=row.kind, detail=storable(row.detail)))


def _secret_values(row: SecretRow) -> tuple[Any, ...]:
    """In the order of `_KEEP_HASH`."""
    return (
        *(row.hash, row.kind, row.person, micros(row.created_at), micros(row.expires_at)),
        *(to_json(row.scopes), row.label, row.ref, row.page, micros(row.used_at)),
    )


def _secret_row(row: Any) -> SecretRow:
    return SecretRow(
        *(row.hash, row.kind, row.person, instant(row.created_at), instant(row.expires_at)),
        *(decode_words(row.scopes), row.label, row.ref, row.page, instant(row.used_at)),
    )
