"""Hand-written SQL: what the hot paths say to the database, once for both.

A statement is written with `?` marks and a few words in braces that each dialect spells its own way:
`{among}` / `{outside}` compare with one bound list, `{lock}` / `{skip}` lock rows where several nodes may write.
A `Bulk` takes many rows at once: on SQLite by its own text, on PostgreSQL through unnest of typed columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database spells what differs."""

    mark: str
    among: str
    outside: str
    lock: str
    skip: str

    def spell(self, statement: str) -> str:
        """The statement in this database's words."""
        spelt = statement.format(among=self.among, outside=self.outside, lock=self.lock, skip=self.skip)
        return spelt.replace("?", self.mark)


SQLITE = Dialect(
    mark="?",
    among="IN (SELECT value FROM json_each(?))",
    outside="NOT IN (SELECT value FROM json_each(?))",
    lock="",
    skip="",
)
POSTGRES = Dialect(
    mark="%s", among="= ANY(?)", outside="<> ALL(?)", lock="FOR UPDATE", skip="FOR UPDATE SKIP LOCKED"
)


@dataclass(frozen=True, slots=True)
class Bulk:
    """A statement for many rows. `types` are PostgreSQL's, one per value of a row, in order."""

    sqlite: str
    postgres: str
    types: tuple[str, ...]


def inserting(table: str, columns: str, types: str, conflict: str = "") -> Bulk:
    """INSERT of many rows; `conflict` is the ON CONFLICT clause, alike on both."""
    kinds = tuple(types.split())
    marks = ", ".join("?" for _ in kinds)
    return Bulk(
        sqlite=f"INSERT INTO {table} ({columns}) VALUES ({marks}) {conflict}",  # noqa: S608 - names are constants
        postgres=f"INSERT INTO {table} ({columns}) SELECT * FROM {unnest(kinds)} {conflict}",  # noqa: S608
        types=kinds,
    )


def unnest(types: Sequence[str]) -> str:
    """Columns handed over as one array each."""
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


def changing(sqlite: str, postgres: str, columns: str, types: str) -> Bulk:
    """UPDATE or DELETE of many rows; PostgreSQL's text says `{u}` where the unnested rows `u(columns)` stand."""
    kinds = tuple(types.split())
    return Bulk(sqlite, postgres.format(u=f"{unnest(kinds)} AS u({columns})"), kinds)


# --- streams -------------------------------------------------------------------------------------------------------

LOAD = "SELECT ref, fold, state FROM stream WHERE ref {among} ORDER BY ref {lock}"
TAKE_DUE = (
    "SELECT ref, fold, state FROM stream WHERE next_due IS NOT NULL AND next_due <= ? "
    "AND ref {outside} ORDER BY next_due, ref LIMIT ? {skip}"
)
NEXT_DUE = (
    "SELECT next_due FROM stream WHERE next_due IS NOT NULL AND ref {outside} ORDER BY next_due LIMIT 1"
)
READ_STATE = "SELECT ref, fold, state FROM stream WHERE ref = ?"

_STREAM = (
    "ref, version, fold, policy, stage, paging, level, service, title, opened_at, drill, kind, "
    "updated_at, next_due, state"
)
_STREAM_TYPES = "text int int text text text text text text bigint int text bigint bigint text"
OPEN_STREAMS = inserting("stream", _STREAM, _STREAM_TYPES, "ON CONFLICT (ref) DO NOTHING")
CHANGE_STREAMS = changing(
    sqlite=(
        "UPDATE stream SET version = ?3, fold = ?4, policy = ?5, stage = ?6, paging = ?7, level = ?8, service = ?9, "
        "title = ?10, updated_at = ?11, next_due = ?12, state = ?13 WHERE ref = ?1 AND version = ?2"
    ),
    postgres=(
        "UPDATE stream s SET version = u.version, fold = u.fold, policy = u.policy, stage = u.stage, "
        "paging = u.paging, level = u.level, service = u.service, title = u.title, updated_at = u.updated_at, "
        "next_due = u.next_due, state = u.state FROM {u} WHERE s.ref = u.ref AND s.version = u.before"
    ),
    columns=(
        "ref, before, version, fold, policy, stage, paging, level, service, title, updated_at, next_due, state"
    ),
    types="text int int int text text text text text text bigint bigint text",
)

# --- events --------------------------------------------------------------------------------------------------------

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM event"
EVENTS_OF = (
    "SELECT seq, ref, version, kind, schema, recorded_at, body FROM event WHERE ref = ? AND seq > ? "
    "ORDER BY version LIMIT ?"
)
FEED = (
    "SELECT seq, ref, version, kind, schema, recorded_at, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
)
TEXTS = "SELECT hash, body FROM text WHERE hash {among}"
ADD_EVENTS = inserting(
    "event",
    "seq, ref, version, kind, schema, at, recorded_at, body",
    "bigint text int text int bigint bigint text",
)
ADD_TEXTS = inserting("text", "hash, nonce, body", "text bytea bytea")

# --- claims, numbers, alerts, answers, documents --------------------------------------------------------------------

CLAIMS = "SELECT key, ref FROM claim WHERE key {among}"
TAKE_CLAIMS = inserting("claim", "key, ref", "text text", "ON CONFLICT (key) DO NOTHING")
FREE_CLAIMS = changing(
    sqlite="DELETE FROM claim WHERE key = ? AND ref = ?",
    postgres="DELETE FROM claim c USING {u} WHERE c.key = u.key AND c.ref = u.ref",
    columns="key, ref",
    types="text text",
)
NUMBERS = (
    "INSERT INTO number (year, last) VALUES (?, ?) "
    "ON CONFLICT (year) DO UPDATE SET last = number.last + excluded.last RETURNING last"
)
MOVE_ALERTS = changing(
    sqlite="UPDATE alert SET ref = ?2 WHERE ref = ?1",
    postgres="UPDATE alert a SET ref = u.goal FROM {u} WHERE a.ref = u.ref",
    columns="ref, goal",
    types="text text",
)
_ALERT = "integration, dedup_key, ref, firing, severity, count, first_at, last_at"
KEEP_ALERTS = inserting(
    "alert",
    _ALERT,
    "text text text int text int bigint bigint",
    "ON CONFLICT (integration, dedup_key) DO UPDATE SET ref = excluded.ref, firing = excluded.firing, "
    "severity = excluded.severity, count = excluded.count, first_at = excluded.first_at, last_at = excluded.last_at",
)
ANSWERS = "SELECT key, body FROM answer WHERE key {among}"
FORGET_ANSWERS = "DELETE FROM answer WHERE at < ?"
KEEP_ANSWERS = inserting("answer", "key, body, at", "text bytea bigint", "ON CONFLICT (key) DO NOTHING")
KEEP_DOCUMENTS = inserting(
    "document",
    "ref, document, path, content",
    "text text text text",
    "ON CONFLICT (ref, document) DO UPDATE SET path = excluded.path, content = excluded.content",
)

# --- on call -------------------------------------------------------------------------------------------------------

CURSORS = "SELECT key, next FROM round_robin"
OPEN_CURSORS = inserting("round_robin", "key, next", "text int", "ON CONFLICT (key) DO NOTHING")
MOVE_CURSORS = changing(
    sqlite="UPDATE round_robin SET next = ?3 WHERE key = ?1 AND next = ?2",
    postgres="UPDATE round_robin r SET next = u.next FROM {u} WHERE r.key = u.key AND r.next = u.seen",
    columns="key, seen, next",
    types="text int int",
)
LIVE_STAMP = "SELECT value FROM meta WHERE key = 'live_stamp'"
STAMP_LIVE = (
    "INSERT INTO meta (key, value) VALUES ('live_stamp', '1') "
    "ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)"
)
_CONTACT = (
    "person, channel, address, added_at, verified_at, code_hash, code_until, code_tries, disabled, last_ok, "
    "last_fail, fails, test_at, tried, detail, waiting"
)
CONTACTS = f"SELECT {_CONTACT} FROM contact ORDER BY person, channel"  # noqa: S608 - names are constants
CONTACTS_OF = f"SELECT {_CONTACT} FROM contact WHERE person = ? ORDER BY channel"  # noqa: S608
KEEP_CONTACTS = inserting(
    "contact",
    _CONTACT,
    "text text text bigint bigint text bigint int text bigint bigint int bigint text text text",
    "ON CONFLICT (person, channel) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CONTACT.split(", ")[2:]),
)
SPEND_CODE_TRY = (
    "UPDATE contact SET code_tries = code_tries + 1 "
    "WHERE person = ? AND channel = ? AND code_hash = ? AND code_tries < ?"
)
REMOVE_CONTACT = "DELETE FROM contact WHERE person = ? AND channel = ?"
_SAME = "(excluded.tried = '' OR contact.tried IN ('', excluded.tried))"
_ON = f"CASE WHEN excluded.last_ok IS NULL AND {_SAME} THEN {{then}} ELSE {{otherwise}} END"
_NOT_OTHERS = "contact.address = '' OR excluded.tried = '' OR contact.address = excluded.tried"
KEEP_HEALTH = inserting(
    "contact",
    "person, channel, address, added_at, code_tries, disabled, last_ok, last_fail, fails, tried, detail, waiting",
    "text text text bigint int text bigint bigint int text text text",
    "ON CONFLICT (person, channel) DO UPDATE SET "
    f"fails = excluded.fails + {_ON.format(then='contact.fails', otherwise='0')}, "
    f"disabled = {_ON.format(then='contact.disabled', otherwise=repr(''))}, "
    f"last_ok = coalesce(excluded.last_ok, CASE WHEN {_SAME} THEN contact.last_ok END), "
    f"last_fail = coalesce(excluded.last_fail, CASE WHEN {_SAME} THEN contact.last_fail END), "
    "detail = CASE WHEN excluded.last_fail IS NULL THEN contact.detail ELSE excluded.detail END, "
    "tried = CASE excluded.tried WHEN '' THEN contact.tried ELSE excluded.tried END "
    f"WHERE {_NOT_OTHERS}",
)
"""An ok and another address begin anew; what is told of an address that is not the person's own any more is dropped."""
NEWS_OF_HEALTH = changing(
    sqlite=(
        "UPDATE contact SET disabled = '' WHERE person = ?1 AND channel = ?2 AND (disabled <> '' OR last_ok IS NULL) "
        "AND (address = '' OR ?3 = '' OR address = ?3)"
    ),
    postgres=(
        "UPDATE contact c SET disabled = '' FROM {u} WHERE c.person = u.person AND c.channel = u.channel "
        "AND (c.disabled <> '' OR c.last_ok IS NULL) AND (c.address = '' OR u.tried = '' OR c.address = u.tried)"
    ),
    columns="person, channel, tried",
    types="text text text",
)
DISABLE = changing(
    sqlite=(
        "UPDATE contact SET disabled = ?4 || detail WHERE person = ?1 AND channel = ?2 AND fails >= ?3 "
        "AND disabled = ''"
    ),
    postgres=(
        "UPDATE contact c SET disabled = u.why || c.detail FROM {u} WHERE c.person = u.person "
        "AND c.channel = u.channel AND c.fails >= u.fails AND c.disabled = ''"
    ),
    columns="person, channel, fails, why",
    types="text text int text",
)

# --- pages ---------------------------------------------------------------------------------------------------------

ADD_PAGES = inserting(
    "page",
    "ref, number, seq, person, rung, requested_at, outcome, sent, failed",
    "text int bigint text int bigint text int text",
)
CHANGE_PAGES = changing(
    sqlite=(
        "UPDATE page SET sent = max(sent, ?3), failed = failed || ?4, outcome = coalesce(?5, outcome) "
        "WHERE ref = ?1 AND number = ?2"
    ),
    postgres=(
        "UPDATE page p SET sent = greatest(p.sent, u.sent), failed = p.failed || u.failed, "
        "outcome = coalesce(u.outcome, p.outcome) FROM {u} WHERE p.ref = u.ref AND p.number = u.number"
    ),
    columns="ref, number, sent, failed, outcome",
    types="text int int text text",
)

# --- checks and actions --------------------------------------------------------------------------------------------

OPENED_SINCE = "SELECT ref FROM stream WHERE opened_at >= ? AND kind = ? ORDER BY opened_at, ref"

CHECK = "ref, number, gate, by, at, passed, confirmed, valid_until, restore_point, used"
CHECKS = f"SELECT {CHECK} FROM gate_check ORDER BY at DESC, ref DESC, number DESC LIMIT ?"  # noqa: S608
CHECKS_OF_GATE = (
    f"SELECT {CHECK} FROM gate_check WHERE gate = ? ORDER BY at DESC, ref DESC, number DESC LIMIT ?"  # noqa: S608
)
KEEP_CHECKS = inserting(
    "gate_check",
    CHECK,
    "text int text text bigint int int bigint bigint int",
    "ON CONFLICT (ref, number) DO UPDATE SET passed = excluded.passed, confirmed = excluded.confirmed, "
    "valid_until = excluded.valid_until, restore_point = excluded.restore_point, used = excluded.used",
)
KEEP_ACTIONS = inserting(
    "action_item",
    "ref, number, owner, due, kind, state, text, drill",
    "text int text text text text text int",
    "ON CONFLICT (ref, number) DO UPDATE SET owner = excluded.owner, due = excluded.due, kind = excluded.kind, "
    "state = excluded.state, text = excluded.text, drill = excluded.drill",
)

# --- effects -------------------------------------------------------------------------------------------------------

ADD_EFFECTS = inserting(
    "effect",
    "key, ref, version, n, kind, lane, topic, body, state, rank, due_at, free_at, created_at, attempts, "
    "owner, wanted, settled_at, detail, person, about",
    "text text int int text text text text text int bigint bigint bigint int text int bigint text text text",
)
_DROP = (
    "SET wanted = 0, settled_at = CASE state WHEN 'waiting' THEN {at} ELSE settled_at END, "
    "state = CASE state WHEN 'waiting' THEN 'dropped' ELSE state END"
)
DROP_EFFECTS = changing(
    sqlite=(
        f"UPDATE effect {_DROP.format(at='?3')} WHERE ref = ?1 AND state IN ('waiting', 'leased') "
        "AND substr(topic, 1, length(?2)) = ?2"
    ),
    postgres=(
        f"UPDATE effect e {_DROP.format(at='u.at')} FROM {{u}} WHERE e.ref = u.ref "
        "AND e.state IN ('waiting', 'leased') AND starts_with(e.topic, u.topic)"
    ),
    columns="ref, topic, at",
    types="text text bigint",
)
DROP_WRITES = changing(
    sqlite=(
        f"UPDATE effect {_DROP.format(at='?3')} WHERE ref = ?1 AND kind = 'Write' "
        "AND state IN ('waiting', 'leased') AND topic = ?2"
    ),
    postgres=(
        f"UPDATE effect e {_DROP.format(at='u.at')} FROM {{u}} WHERE e.ref = u.ref AND e.kind = 'Write' "
        "AND e.state IN ('waiting', 'leased') AND e.topic = u.topic"
    ),
    columns="ref, topic, at",
    types="text text bigint",
)
_OPEN_TO = "(u.owner = '' OR e.owner = u.owner)"
SETTLE = changing(
    sqlite=(
        "UPDATE effect SET state = ?2, detail = ?3, settled_at = ?4, wanted = 0 "
        "WHERE key = ?1 AND state IN ('waiting', 'leased')"
    ),
    postgres=(
        "UPDATE effect e SET state = u.state, detail = u.detail, settled_at = u.at, wanted = 0 "
        "FROM {u} WHERE e.key = u.key AND e.state IN ('waiting', 'leased')"
    ),
    columns="key, state, detail, at",
    types="text text text bigint",
)
_RETRY = (
    "SET detail = {detail}, settled_at = CASE wanted WHEN 1 THEN NULL ELSE {at} END, "
    "state = CASE wanted WHEN 1 THEN 'waiting' ELSE 'dropped' END, due_at = {due}, free_at = {due}, owner = NULL"
)
RETRY = changing(
    sqlite=(
        f"UPDATE effect {_RETRY.format(detail='?2', at='?3', due='?4')} WHERE key = ?1 AND state = 'leased' "
        "AND (?5 = '' OR owner = ?5)"
    ),
    postgres=(
        f"UPDATE effect e {_RETRY.format(detail='u.detail', at='u.at', due='u.due')} FROM {{u}} "
        f"WHERE e.key = u.key AND e.state = 'leased' AND {_OPEN_TO}"
    ),
    columns="key, detail, at, due, owner",
    types="text text bigint bigint text",
)
SILENT_NODES = "SELECT boot FROM node WHERE beat_at < ? AND boot <> ?"
FREE_LEASES = "UPDATE effect SET free_at = ? WHERE state = 'leased' AND owner {among} AND free_at > ?"
TAKE_EFFECTS = (
    "SELECT key, ref, kind, body, attempts, wanted FROM effect "
    "WHERE lane = ? AND state IN ('waiting', 'leased') AND free_at <= ? AND kind {among} "
    "ORDER BY rank, free_at LIMIT ? {skip}"
)
LEASE = (
    "UPDATE effect SET state = 'leased', owner = ?, free_at = ?, attempts = attempts + 1 WHERE key {among}"
)
FAIL_UNREADABLE = "UPDATE effect SET state = 'failed', settled_at = ?, detail = ? WHERE key = ?"
DROP_UNWANTED = "UPDATE effect SET state = 'dropped', settled_at = ? WHERE key {among}"
RANKS = 4
NEXT_EFFECT_DUE = "SELECT min(at) FROM ({each}) AS earliest"
NEXT_OF_RANK = (
    "SELECT min(free_at) AS at FROM effect "
    "WHERE lane = ? AND state IN ('waiting', 'leased') AND rank = {rank}"
)
