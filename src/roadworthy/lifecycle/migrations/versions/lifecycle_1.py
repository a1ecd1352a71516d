"""The first tables of lifecycle: the numbers of releases, packages and versions of tables.

Revision ID: lifecycle_1
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "lifecycle_1"
down_revision = None
branch_labels = ("lifecycle",)
depends_on = ("records_1",)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "releases",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_credential", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_releases")),
        sa.UniqueConstraint("digest", "product", name=op.f("uq_releases_digest_product")),
    )
    op.create_table(
        "packages",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_packages")),
    )
    op.create_table(
        "table_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("upload", sa.Text()),
        sa.Column("proposal_id", sa.Text()),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_table_versions")),
    )
