"""The first tables of the proof, and what the database itself refuses: to change or lose a record, to leave a trial.

Revision ID: records_1
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "records_1"
down_revision = None
branch_labels = ("records",)
depends_on = None

# By table, what may not be done to its rows, and what the database says to whoever tries.
_LASTING = {
    "records": "a record is never changed or removed",
    "proposals": "a proposal is never changed or removed",
    "approvals": "an approval is never changed or removed",
}
_TRIAL = "a trial is declared in an empty store, and never undone"


def upgrade() -> None:
    """Make the tables, then their guards."""
    make_tables()
    if op.get_bind().dialect.name == "postgresql":
        guard_postgresql()
    else:
        guard_sqlite()


def make_tables() -> None:
    op.create_table(
        "applications",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text()),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("applicant_id", sa.Text()),
        sa.Column("names", sa.Text()),
        sa.Column("branch", sa.Text()),
        sa.Column("amount", sa.Float()),
        sa.Column("answer", sa.Text()),
        sa.Column("pd", sa.Float()),
        sa.Column("score", sa.Float()),
        sa.Column("release", sa.Text()),
        sa.Column("assignment", sa.Text()),
        sa.Column("final_answer", sa.Text()),
        sa.Column("final_by", sa.Text()),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("applied_us", sa.BigInteger()),
        sa.Column("decided_us", sa.BigInteger()),
        sa.Column("final_us", sa.BigInteger()),
        sa.Column("last_event", sa.Text()),
        sa.Column("last_event_us", sa.BigInteger()),
        sa.Column("last_known_us", sa.BigInteger()),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_applications")),
    )
    op.create_index(op.f("ix_applications_applicant_id"), "applications", ["applicant_id"], unique=False)
    op.create_index(op.f("ix_applications_decided_us"), "applications", ["decided_us"], unique=False)
    waiting = sa.text("status IN ('open', 'review')")
    op.create_index(
        "ix_applications_waiting", "applications", ["decided_us"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "contents",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contents")),
    )
    op.create_table(
        "heads",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_heads")),
    )
    op.create_table(
        "name_words",
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "application_id", name=op.f("pk_name_words")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "once",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_once")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_events",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("happened_us", sa.BigInteger(), nullable=False),
        sa.Column("known_us", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Float()),
        sa.Column("days", sa.Integer()),
        sa.Column("bad", sa.Integer()),
        sa.Column("corrects", sa.Text()),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_outcome_events")),
    )
    op.create_index(
        op.f("ix_outcome_events_application_id_nth"), "outcome_events", ["application_id", "nth"], unique=False
    )
    op.create_index(op.f("ix_outcome_events_known_us"), "outcome_events", ["known_us"], unique=False)
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_credential", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
        sa.UniqueConstraint(
            "proposal_id", "author", "author_credential", name=op.f("uq_proposals_proposal_id_author_author_credential")
        ),
    )
    op.create_index(op.f("ix_proposals_subject"), "proposals", ["subject"], unique=False)
    op.create_table(
        "records",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("nth", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger()),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "seq", name=op.f("pk_records")),
        sa.UniqueConstraint("record_id", name=op.f("uq_records_record_id")),
        sa.UniqueConstraint("subject", "nth", name=op.f("uq_records_subject_nth")),
    )
    op.create_table(
        "route",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_route_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_route")),
    )
    op.create_table(
        "route_history",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_route_history")),
    )
    op.create_index(op.f("ix_route_history_at_us"), "route_history", ["at_us"], unique=False)
    op.create_table(
        "store",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_store_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_store")),
        sa.UniqueConstraint("trial", name=op.f("uq_store_trial")),
    )
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_credential", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("approver_credential", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.CheckConstraint("verdict IN ('approve', 'reject')", name=op.f("ck_approvals_verdict")),
        sa.CheckConstraint(
            "trial OR (author <> approver AND author_credential <> approver_credential)",
            name=op.f("ck_approvals_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id", "author", "author_credential"],
            ["proposals.proposal_id", "proposals.author", "proposals.author_credential"],
            name=op.f("fk_approvals_proposal_id_author_author_credential"),
        ),
        sa.ForeignKeyConstraint(["trial"], ["store.trial"], name=op.f("fk_approvals_trial")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("proposal_id", "approver", name=op.f("uq_approvals_proposal_id_approver")),
    )


def guard_sqlite() -> None:
    for table, words in _LASTING.items():
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
            )
    op.execute(f"CREATE TRIGGER store_no_delete BEFORE DELETE ON store BEGIN SELECT RAISE(ABORT, '{_TRIAL}'); END")
    op.execute(
        "CREATE TRIGGER store_trial BEFORE UPDATE ON store "  # noqa: S608  # our own words
        "WHEN new.trial <> old.trial AND (old.trial OR EXISTS (SELECT 1 FROM records)) "
        f"BEGIN SELECT RAISE(ABORT, '{_TRIAL}'); END"
    )


def guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = tg_argv[0]; END $$"
    )
    for table, words in _LASTING.items():
        op.execute(
            f"CREATE TRIGGER {table}_lasting BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('{words}')"
        )
    op.execute(
        "CREATE TRIGGER store_no_delete BEFORE DELETE OR TRUNCATE ON store "
        f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('{_TRIAL}')"
    )
    op.execute(
        "CREATE FUNCTION keep_trial() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608  # our own words
        "$$ BEGIN IF old.trial OR EXISTS (SELECT 1 FROM records) THEN "
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = '{_TRIAL}'; END IF; RETURN new; END $$"
    )
    op.execute(
        "CREATE TRIGGER store_trial BEFORE UPDATE ON store FOR EACH ROW "
        "WHEN (new.trial <> old.trial) EXECUTE FUNCTION keep_trial()"
    )
