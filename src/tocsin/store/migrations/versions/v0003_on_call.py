"""Adjustments, contacts with their health, round-robin cursors, the history of active policies, each node's zones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORD = sa.String().with_variant(sa.TEXT(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("node", sa.Column("tzdata", WORD, server_default=sa.text("''"), nullable=False))
    op.create_table(
        "adjustment",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("schedule", WORD, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", WORD, nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_secret_expires", "secret", ["expires_at"], unique=False)
    op.create_index("ix_adjustment_schedule", "adjustment", ["schedule", "seq"], unique=False)
    op.create_table(
        "round_robin",
        sa.Column("key", WORD, nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    _contacts()
    _activations()


def _contacts() -> None:
    op.create_table(
        "contact",
        sa.Column("person", WORD, nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("code_hash", WORD, nullable=True),
        sa.Column("code_until", sa.BigInteger(), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.String(), nullable=False),
        sa.Column("last_ok", sa.BigInteger(), nullable=True),
        sa.Column("last_fail", sa.BigInteger(), nullable=True),
        sa.Column("fails", sa.Integer(), nullable=False),
        sa.Column("test_at", sa.BigInteger(), nullable=True),
        sa.Column("tried", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("waiting", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person", "channel"),
        sqlite_with_rowid=False,
    )


def _activations() -> None:
    """What is known of the past: of every policy the instant at which it was activated last."""
    op.create_table(
        "activation",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hash", WORD, nullable=False),
        sa.Column("commit_id", WORD, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO activation (at, hash, commit_id) "
        "SELECT activated_at, hash, commit_id FROM policy ORDER BY activated_at, hash"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way back: restore a backup")
