"""What lifecycle keeps beside the records: which numbers are given, so that two at once never get the same one.

Everything that a release, a package or a table's version goes through is folded from its records; these rows only claim
numbers, and hold what no step changes.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text, UniqueConstraint

from roadworthy.records import metadata

__all__ = ["packages", "releases", "table_versions"]

releases = Table(
    "releases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # What decides, and what it is for: a release with both is this one.
    Column("digest", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_credential", Text, nullable=False),
    # The fields of the purpose that nobody has stated, as a JSON list.
    Column("missing", Text, nullable=False),
    UniqueConstraint("digest", "product"),
)

packages = Table(
    "packages",
    metadata,
    Column("digest", Text, primary_key=True),
)

table_versions = Table(
    "table_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # What the upload was found to be, in `contents`: whoever approves reads what the uploader read.
    Column("upload", Text),
    Column("proposal_id", Text),
)
