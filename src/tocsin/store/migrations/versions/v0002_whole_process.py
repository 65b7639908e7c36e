"""Checks, actions and evidence; drills and kinds in the list; a merged incident is not open any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    _stream()
    _checks()
    _actions()
    op.create_table(
        "evidence",
        sa.Column("digest", WORD, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def _stream() -> None:
    """Neither database writes the old rows again for a constant default."""
    op.add_column("stream", sa.Column("drill", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("stream", sa.Column("kind", WORD, server_default=sa.text("'incident'"), nullable=False))
    op.drop_index("ix_stream_open", "stream")
    op.create_index(
        "ix_stream_open",
        "stream",
        ["opened_at", "ref"],
        unique=False,
        sqlite_where=sa.text("stage NOT IN ('closed', 'dismissed', 'merged')"),
        postgresql_where=sa.text("stage NOT IN ('closed', 'dismissed', 'merged')"),
    )


def _checks() -> None:
    op.create_table(
        "gate_check",
        sa.Column("ref", WORD, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("gate", WORD, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("restore_point", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_gate_check_at", "gate_check", ["at"], unique=False)
    op.create_index("ix_gate_check_gate", "gate_check", ["gate", "at"], unique=False)


def _actions() -> None:
    op.create_table(
        "action_item",
        sa.Column("ref", WORD, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner", WORD, nullable=True),
        sa.Column("due", WORD, nullable=True),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("drill", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_action_item_open",
        "action_item",
        ["due", "ref", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way back: restore a backup")
