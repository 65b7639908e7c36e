"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORD = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("key", WORD, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "alert",
        sa.Column("integration", WORD, nullable=False),
        sa.Column("dedup_key", WORD, nullable=False),
        sa.Column("ref", WORD, nullable=False),
        sa.Column("firing", sa.Integer(), nullable=False),
        sa.Column("severity", WORD, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("integration", "dedup_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alert_ref", "alert", ["ref"], unique=False)
    op.create_table(
        "answer",
        sa.Column("key", WORD, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_answer_at", "answer", ["at"], unique=False)
    op.create_table(
        "claim",
        sa.Column("key", WORD, nullable=False),
        sa.Column("ref", WORD, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "document",
        sa.Column("ref", WORD, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "document"),
    )
    op.create_table(
        "effect",
        sa.Column("key", WORD, nullable=False),
        sa.Column("ref", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("lane", WORD, nullable=False),
        sa.Column("topic", WORD, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", WORD, nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("person", WORD, nullable=True),
        sa.Column("about", WORD, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_effect_created", "effect", ["created_at"], unique=False)
    op.create_index(
        "ix_effect_leased",
        "effect",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_effect_ref", "effect", ["ref", "created_at"], unique=False)
    op.create_index(
        "ix_effect_take",
        "effect",
        ["lane", "rank", "free_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting', 'leased')"),
        postgresql_where=sa.text("state IN ('waiting', 'leased')"),
    )
    op.create_index(
        "ix_effect_trouble",
        "effect",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('failed', 'in_doubt')"),
        postgresql_where=sa.text("state IN ('failed', 'in_doubt')"),
    )
    op.create_table(
        "event",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("ref", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("ref", "version", name="uq_event_ref_version"),
    )
    op.create_table(
        "journal",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "meta",
        sa.Column("key", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "node",
        sa.Column("boot", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("boot"),
    )
    op.create_table(
        "number",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "page",
        sa.Column("ref", WORD, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("person", WORD, nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", WORD, nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_page_seq", "page", ["seq"], unique=False)
    op.create_table(
        "person",
        sa.Column("handle", WORD, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("handle"),
    )
    op.create_table(
        "policy",
        sa.Column("hash", WORD, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("commit_id", WORD, nullable=True),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "secret",
        sa.Column("hash", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("person", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("ref", WORD, nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("ix_secret_kind", "secret", ["kind"], unique=False)
    op.create_table(
        "stream",
        sa.Column("ref", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fold", sa.Integer(), nullable=False),
        sa.Column("policy", WORD, nullable=False),
        sa.Column("stage", WORD, nullable=False),
        sa.Column("paging", WORD, nullable=False),
        sa.Column("level", WORD, nullable=False),
        sa.Column("service", WORD, nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index(
        "ix_stream_due",
        "stream",
        ["next_due", "ref"],
        unique=False,
        sqlite_where=sa.text("next_due IS NOT NULL"),
        postgresql_where=sa.text("next_due IS NOT NULL"),
    )
    op.create_index(
        "ix_stream_open",
        "stream",
        ["opened_at", "ref"],
        unique=False,
        sqlite_where=sa.text("stage NOT IN ('closed', 'dismissed')"),
        postgresql_where=sa.text("stage NOT IN ('closed', 'dismissed')"),
    )
    op.create_index("ix_stream_opened", "stream", ["opened_at", "ref"], unique=False)
    op.create_table(
        "text",
        sa.Column("hash", WORD, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way back: restore a backup")
