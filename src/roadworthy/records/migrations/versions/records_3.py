"""A key for each applicant, so that what is sealed can be erased; and what keeps it from being erased.

Revision ID: records_3
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "records_3"
down_revision = "records_2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of keys and of legal holds; what is there already stays plain."""
    op.create_table(
        "applicant_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text()),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("wrapping", sa.Text()),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("destroyed_us", sa.BigInteger()),
        sa.CheckConstraint("(destroyed_us IS NULL) = (wrapped IS NOT NULL)", name=op.f("ck_applicant_keys_destroyed")),
        sa.CheckConstraint(
            "destroyed_us IS NULL OR (who IS NULL AND wrapping IS NULL)", name=op.f("ck_applicant_keys_forgotten")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_applicant_keys")),
        sa.UniqueConstraint("who", name=op.f("uq_applicant_keys_who")),
    )
    op.create_table(
        "key_wrapping",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("naming", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping", sa.Text(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_key_wrapping_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_key_wrapping")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("set_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["applicant_keys.key_id"], name=op.f("fk_legal_holds_key_id_applicant_keys")
        ),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_key_id"), "legal_holds", ["key_id"], unique=False)
