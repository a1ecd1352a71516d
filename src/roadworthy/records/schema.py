"""The tables of the proof: one schema for SQLite and PostgreSQL.

The proof itself is `records` with its `heads`; `store`, `route`, `once`, `proposals` and `approvals` are what an append
is checked against; `applicant_keys` and `key_wrapping` open what records seal, and `legal_holds` keep them; `contents`
keeps bytes by their digest. The rest are projections: made of records, kept for reading, deletable, and made again at
will.
Times are whole microseconds since 1970 in UTC. A migration makes each table; a test holds the two to each other.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "WAITING",
    "applicant_keys",
    "applications",
    "approvals",
    "contents",
    "heads",
    "key_wrapping",
    "legal_holds",
    "metadata",
    "name_words",
    "once",
    "outcome_events",
    "proposals",
    "records",
    "route",
    "route_history",
    "store",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

records = Table(
    "records",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # The nth record about its subject: the order of one application's life, whatever the clocks say.
    Column("nth", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("epoch", BigInteger),
    Column("trial", Boolean, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # What says something about a person. With a key_id it is ciphertext, and the chain hashes it as such.
    Column("key_id", Text),
    Column("sealed", LargeBinary),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("subject", "nth"),
)

heads = Table(
    "heads",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

store = Table(
    "store",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("store_id", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("trial", Boolean, nullable=False, unique=True),
    CheckConstraint("one = 1", name="one_row"),
)

route = Table(
    "route",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)

once = Table(
    "once",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("record_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_credential", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    UniqueConstraint("proposal_id", "author", "author_credential"),
    Index(None, "subject"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Text, primary_key=True),
    # Author and credential are copied from the proposal; the foreign key keeps the copy true, so the check can bite.
    Column("proposal_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_credential", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("approver_credential", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("trial", Boolean, ForeignKey("store.trial"), nullable=False),
    ForeignKeyConstraint(
        ["proposal_id", "author", "author_credential"],
        ["proposals.proposal_id", "proposals.author", "proposals.author_credential"],
    ),
    UniqueConstraint("proposal_id", "approver"),
    CheckConstraint("verdict IN ('approve', 'reject')", name="verdict"),
    CheckConstraint("trial OR (author <> approver AND author_credential <> approver_credential)", name="four_eyes"),
)

contents = Table(
    "contents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
)

applicant_keys = Table(
    "applicant_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    # Whom it is for, as an HMAC; forgotten with the key, so that a person who comes again gets a new one.
    Column("who", Text, unique=True),
    Column("wrapped", LargeBinary),
    Column("wrapping", Text),
    Column("made_us", BigInteger, nullable=False),
    Column("destroyed_us", BigInteger),
    CheckConstraint("(destroyed_us IS NULL) = (wrapped IS NOT NULL)", name="destroyed"),
    CheckConstraint("destroyed_us IS NULL OR (who IS NULL AND wrapping IS NULL)", name="forgotten"),
)

key_wrapping = Table(
    "key_wrapping",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    # The key that names whom others are for, wrapped; and the id of the wrapping key that new keys are wrapped under.
    Column("naming", LargeBinary, nullable=False),
    Column("wrapping", Text, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    # The record that set it. A hold that was released is not here any more.
    Column("hold_id", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("applicant_keys.key_id"), nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Index(None, "key_id"),
)

WAITING = text("status IN ('open', 'review')")
"""Of an application that waits for a person. In these words a query is answered from the index of those alone."""

applications = Table(
    "applications",
    metadata,
    Column("application_id", Text, primary_key=True),
    Column("nth", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("decision_id", Text),
    Column("decisions", Integer, nullable=False),
    Column("applicant_id", Text),
    Column("names", Text),
    Column("branch", Text),
    Column("amount", Float),
    Column("answer", Text),
    Column("pd", Float),
    Column("score", Float),
    Column("release", Text),
    Column("assignment", Text),
    Column("final_answer", Text),
    Column("final_by", Text),
    Column("overridden", Boolean, nullable=False),
    Column("applied_us", BigInteger),
    Column("decided_us", BigInteger),
    Column("final_us", BigInteger),
    Column("last_event", Text),
    Column("last_event_us", BigInteger),
    Column("last_known_us", BigInteger),
    Index(None, "applicant_id"),
    # By time; with all that weeks count and searches ask, so that no application is opened that does not fit.
    Index(
        "ix_applications_decided",
        "decided_us",
        "branch",
        "answer",
        "pd",
        "decisions",
        "overridden",
        "status",
        "final_answer",
        "release",
        "amount",
    ),
    # The officers' queue: the few that wait for a person.
    Index("ix_applications_waiting", "decided_us", "status", "branch", sqlite_where=WAITING, postgresql_where=WAITING),
)

name_words = Table(
    "name_words",
    metadata,
    # By bytes in both stores, so that a range of words is a prefix.
    Column("word", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("application_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

outcome_events = Table(
    "outcome_events",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("application_id", Text, nullable=False),
    Column("nth", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("happened_us", BigInteger, nullable=False),
    Column("known_us", BigInteger, nullable=False),
    Column("amount", Float),
    Column("days", Integer),
    Column("bad", Integer),
    Column("corrects", Text),
    Index(None, "application_id", "nth"),
    Index(None, "known_us"),
)

route_history = Table(
    "route_history",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Index(None, "at_us"),
)
