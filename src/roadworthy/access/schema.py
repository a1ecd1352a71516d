"""The tables of access, on the same MetaData as the proof. Times are whole microseconds since 1970 in UTC.

Lists of roles and branches are JSON texts, sorted: they are read whole, with the account, on every request.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Table, Text

from roadworthy.records import metadata

__all__ = ["accounts", "api_keys", "sessions", "sign_in_links", "sign_in_tries"]

accounts = Table(
    "accounts",
    metadata,
    # The name stands in records, so it is for ever: accounts are switched off, never removed or renamed.
    Column("name", Text, primary_key=True),
    Column("roles", Text, nullable=False),
    Column("branches", Text, nullable=False),
    Column("authority", Float, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password", Text),
    Column("made_us", BigInteger, nullable=False),
    CheckConstraint("authority >= 0", name="authority"),
)

api_keys = Table(
    "api_keys",
    metadata,
    # One digest, one row, one account: two names on one key cannot be written.
    Column("digest", Text, primary_key=True),
    Column("key_id", Text, nullable=False, unique=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("roles", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
    CheckConstraint("expires_us > made_us", name="expires"),
    Index(None, "account"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("credential", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Index(None, "account"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Text, ForeignKey("accounts.name"), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    # Of the name only a digest: people type passwords into the wrong field.
    Column("name_digest", Text, primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
)
