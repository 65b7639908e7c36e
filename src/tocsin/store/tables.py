"""The tables, alike on both databases. Instants are microseconds since 1970, flags are 0 or 1, JSON is text.

There are no foreign keys: every row that belongs to a stream is written in the stream's own commit, by one writer
module, and a check per row would cost more than it finds (docs/decisions/0002-store.md).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData()

# References, keys and topics are compared byte by byte, never by the rules of a language.
Word = String().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Micros = BigInteger
Serial = BigInteger().with_variant(Integer, "sqlite")


def _index(name: str, *columns: str, where: str) -> Index:
    """A partial index: only rows that still matter, so that a million others cost nothing."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


OPEN_STAGES = "stage NOT IN ('closed', 'dismissed', 'merged')"
OPEN_ACTIONS = "state = 'open'"
LIVE = "state IN ('waiting', 'leased')"
TROUBLE = "state IN ('failed', 'in_doubt')"

NARROW: dict[str, Any] = {"sqlite_with_rowid": False}
"""Tables whose key is the whole access path are kept in the key's own tree on SQLite."""

meta = Table("meta", metadata, Column("key", Word, primary_key=True), Column("value", Word, nullable=False))

policy = Table(
    "policy",
    metadata,
    Column("hash", Word, primary_key=True),
    Column("body", String, nullable=False),
    Column("commit_id", Word),
    Column("activated_at", Micros, nullable=False),
)

person = Table(
    "person", metadata, Column("handle", Word, primary_key=True), Column("body", String, nullable=False)
)

stream = Table(
    "stream",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("fold", Integer, nullable=False),
    Column("policy", Word, nullable=False),
    Column("stage", Word, nullable=False),
    Column("paging", Word, nullable=False),
    Column("level", Word, nullable=False),
    Column("service", Word),
    Column("title", String, nullable=False),
    Column("opened_at", Micros, nullable=False),
    Column("updated_at", Micros, nullable=False),
    Column("next_due", Micros),
    Column("state", String, nullable=False),
    Column("drill", Integer, nullable=False, server_default=text("0")),
    Column("kind", Word, nullable=False, server_default=text("'incident'")),
    Index("ix_stream_opened", "opened_at", "ref"),
    _index("ix_stream_due", "next_due", "ref", where="next_due IS NOT NULL"),
    _index("ix_stream_open", "opened_at", "ref", where=OPEN_STAGES),
)

event = Table(
    "event",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("ref", Word, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Word, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("at", Micros, nullable=False),
    Column("recorded_at", Micros, nullable=False),
    Column("body", String, nullable=False),
    UniqueConstraint("ref", "version", name="uq_event_ref_version"),
)

words = Table(
    "text",
    metadata,
    Column("hash", Word, primary_key=True),
    Column("nonce", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    **NARROW,
)

claim = Table(
    "claim", metadata, Column("key", Word, primary_key=True), Column("ref", Word, nullable=False), **NARROW
)

alert = Table(
    "alert",
    metadata,
    Column("integration", Word, primary_key=True),
    Column("dedup_key", Word, primary_key=True),
    Column("ref", Word, nullable=False),
    Column("firing", Integer, nullable=False),
    Column("severity", Word, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Micros, nullable=False),
    Column("last_at", Micros, nullable=False),
    Index("ix_alert_ref", "ref"),
    **NARROW,
)

page = Table(
    "page",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("person", Word, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("requested_at", Micros, nullable=False),
    Column("outcome", Word),
    Column("sent", Integer, nullable=False),
    Column("failed", String, nullable=False),
    Index("ix_page_seq", "seq"),
    **NARROW,
)

effect = Table(
    "effect",
    metadata,
    Column("key", Word, primary_key=True),
    Column("ref", Word, nullable=False),
    Column("version", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("kind", Word, nullable=False),
    Column("lane", Word, nullable=False),
    Column("topic", Word, nullable=False),
    Column("body", String, nullable=False),
    Column("state", Word, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("due_at", Micros, nullable=False),
    Column("free_at", Micros, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Word),
    Column("wanted", Integer, nullable=False),
    Column("settled_at", Micros),
    Column("detail", String, nullable=False),
    Column("person", Word),
    Column("about", Word),
    Index("ix_effect_ref", "ref", "created_at"),
    Index("ix_effect_created", "created_at"),
    _index("ix_effect_take", "lane", "rank", "free_at", where=LIVE),
    _index("ix_effect_leased", "owner", where="state = 'leased'"),
    _index("ix_effect_trouble", "created_at", where=TROUBLE),
)

gate_check = Table(
    "gate_check",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("gate", Word, nullable=False),
    Column("by", Word, nullable=False),
    Column("at", Micros, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("valid_until", Micros),
    Column("restore_point", Micros),
    Column("used", Integer, nullable=False),
    Index("ix_gate_check_at", "at"),
    Index("ix_gate_check_gate", "gate", "at"),
    **NARROW,
)

action_item = Table(
    "action_item",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner", Word),
    Column("due", Word),
    Column("kind", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("text", String, nullable=False),
    Column("drill", Integer, nullable=False),
    _index("ix_action_item_open", "due", "ref", "number", where=OPEN_ACTIONS),
    **NARROW,
)

evidence = Table(
    "evidence",
    metadata,
    Column("digest", Word, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("media_type", Word, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

number = Table(
    "number",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

answer = Table(
    "answer",
    metadata,
    Column("key", Word, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("at", Micros, nullable=False),
    Index("ix_answer_at", "at"),
)

document = Table(
    "document",
    metadata,
    Column("ref", Word, primary_key=True),
    Column("document", Word, primary_key=True),
    Column("path", String, nullable=False),
    Column("content", String, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("hash", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("person", Word, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros),
    Column("scopes", String, nullable=False),
    Column("label", String, nullable=False),
    Column("ref", Word),
    Column("page", Integer),
    Column("used_at", Micros),
    Index("ix_secret_kind", "kind"),
    Index("ix_secret_expires", "expires_at"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Micros, nullable=False),
    Column("kind", Word, nullable=False),
    Column("detail", String, nullable=False),
)

alarm = Table(
    "alarm",
    metadata,
    Column("key", Word, primary_key=True),
    Column("reason", String, nullable=False),
    Column("since", Micros, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("boot", Word, primary_key=True),
    Column("role", Word, nullable=False),
    Column("started_at", Micros, nullable=False),
    Column("beat_at", Micros, nullable=False),
    Column("tzdata", Word, nullable=False, server_default=text("''")),
)

adjustment = Table(
    "adjustment",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("schedule", Word, nullable=False),
    Column("body", String, nullable=False),
    Column("made_at", Micros, nullable=False),
    Column("revoked_at", Micros),
    Column("closed_at", Micros),
    Column("closed_by", Word),
    Index("ix_adjustment_schedule", "schedule", "seq"),
)
"""`revoked_at`: from when on it is without effect; `closed_at`: when somebody said so (they differ for one that had
not begun)."""

contact = Table(
    "contact",
    metadata,
    Column("person", Word, primary_key=True),
    Column("channel", Word, primary_key=True),
    Column("address", String, nullable=False),
    Column("added_at", Micros, nullable=False),
    Column("verified_at", Micros),
    Column("code_hash", Word),
    Column("code_until", Micros),
    Column("code_tries", Integer, nullable=False),
    Column("disabled", String, nullable=False),
    Column("last_ok", Micros),
    Column("last_fail", Micros),
    Column("fails", Integer, nullable=False),
    Column("test_at", Micros),
    Column("tried", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("waiting", String, nullable=False),
    **NARROW,
)

round_robin = Table(
    "round_robin",
    metadata,
    Column("key", Word, primary_key=True),
    Column("next", Integer, nullable=False),
    **NARROW,
)

activation = Table(
    "activation",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Micros, nullable=False),
    Column("hash", Word, nullable=False),
    Column("commit_id", Word),
)
