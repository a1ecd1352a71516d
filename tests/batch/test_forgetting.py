"""What long work was given is forgotten once nobody needs it, on every store (R30)."""

from __future__ import annotations

from datetime import timedelta

from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.batch import ask_to_export, ask_to_score, cancel_work, forget_files
from roadworthy.records import Store, Wanted, metadata, new_id
from tests.stores import MADE, postgres, store, store_url

__all__ = ["postgres", "store", "store_url"]


def deed_of(store: Store, name: str) -> Deed:
    actor = Actor(account=name, credential=f"key:{name}", roles=frozenset({"officer"}), branches=EVERY_BRANCH)
    return Deed(store, actor, MADE, lambda: new_id(MADE))


def kept(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(metadata.tables["contents"].select()).scalars())


def test_what_is_cancelled_is_forgotten_once_no_other_work_needs_it(store: Store) -> None:
    ana, ben = deed_of(store, "ana"), deed_of(store, "ben")
    mine, theirs = (ask_to_score(deed, b"age\n41\n", "loans.csv", record=False) for deed in (ana, ben))
    search = ask_to_export(ana, Wanted(name="Nora"), "csv")
    file, words = mine.input["file"], search.input["wanted"]
    assert {file, words} <= kept(store)
    assert cancel_work(ana, search.job_id).state == "cancelled"
    assert words not in kept(store)
    cancel_work(ana, mine.job_id)
    assert file in kept(store), "somebody else's work still needs it"
    assert forget_files(store, MADE + timedelta(days=400), timedelta(days=1)) == 0
    cancel_work(ben, theirs.job_id)
    assert file not in kept(store)


def test_what_a_worker_let_go_of_later_is_found_by_the_next_look(store: Store) -> None:
    jobs = metadata.tables["jobs"]
    words = ask_to_export(deed_of(store, "ana"), Wanted(), "csv").input["wanted"]
    store.transact(lambda connection: connection.execute(jobs.update().values(state="cancelled", ended_us=1)))
    assert forget_files(store, MADE, timedelta(days=30)) == 1
    assert words not in kept(store)
