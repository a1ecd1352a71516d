"""Making a release live, and going back: loaded, checked and warmed before the route changes, and never after (R14)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import structs
from sqlalchemy import Connection

from roadworthy.access import Deed
from roadworthy.errors import Refused, UsageError
from roadworthy.lifecycle.approving import check_approved
from roadworthy.lifecycle.history import read_change
from roadworthy.lifecycle.route import Alteration, alter_route
from roadworthy.lifecycle.steps import find_champions
from roadworthy.lifecycle.views import ReleaseView, read_releases, view_release
from roadworthy.live import CurrentRoute, Loaded, release_subject, warm_up
from roadworthy.product import missing_purpose
from roadworthy.records import Entry, Live, ReleaseEvent, Route, Store

__all__ = ["find_rollback", "promote_release", "roll_back"]

_SAME_PD = 1e-9


def promote_release(
    deed: Deed,
    release_id: str,
    *,
    current: CurrentRoute,
    reason: str = "",
    instead_of: str | None = None,
    break_glass: str | None = None,
) -> ReleaseView:
    """Make a release live, by one compare-and-swap of the route; the stop switch and the tables stay as they are.

    `instead_of` is the release that whoever asks saw live, "" where none was; None: whichever is live.
    Outside a trial it must be approved and its purpose stated in full; in a trial `notes` name what would be missing.
    `break_glass` is the reason for going without approval, by somebody who may; it stands in the records.

    Refused: a condition is not met, the release is live already, or somebody was quicker (it names them).
    PackageError: the release does not load; StoreError: a table's version in force does not fit it.
    """
    deed.demand("release.promote" if break_glass is None else "route.break_glass")
    if break_glass is not None and not break_glass.strip():
        raise UsageError("whoever breaks the glass says why", mend="give the reason")
    needs_approval = break_glass is None and not deed.trial
    seen = _look(deed, instead_of)
    with deed.store.reading() as connection:
        release = view_release(connection, release_id, seen)
        if release.state == "live":
            raise Refused(f"release {release_id} is live already")
        if needs_approval:
            check_approved(connection, release)

    def alter(live: Live) -> Alteration:
        _check_quickest(deed, seen, live)
        loaded = _prepare(current, release_id, live.route)
        _check_purpose(deed, loaded)
        step = _step(deed, release, "promoted", reason=reason, break_glass=break_glass)
        return Alteration(route=_with_champion(live.route, release_id), along=(step,))

    return _go_live(deed, current, release_id, alter, reason=reason, break_glass=break_glass)


def roll_back(deed: Deed, *, current: CurrentRoute, reason: str = "", instead_of: str | None = None) -> ReleaseView:
    """Go back to the release that was live before this one, and give it; a second time goes back one more.

    It was approved when it was promoted, so nobody needs to approve it again. Refused where nothing was live before, or
    somebody was quicker; otherwise as `promote_release`.
    """
    deed.demand("release.rollback")
    seen = _look(deed, instead_of)
    with deed.store.reading() as connection:
        left, target = _find_before(connection, seen)

    def alter(live: Live) -> Alteration:
        _check_quickest(deed, seen, live)
        _prepare(current, target.id, live.route)
        along = (
            _step(deed, left, "rolled_back", reason=reason, to=target.id),
            _step(deed, target, "restored", reason=reason, instead_of=left.id),
        )
        return Alteration(route=_with_champion(live.route, target.id), along=along)

    return _go_live(deed, current, target.id, alter, reason=reason or f"rolled back from release {left.id}")


def find_rollback(store: Store) -> ReleaseView:
    """The release that `roll_back` would go back to. Refused where nothing was live before."""
    champion = store.ledger.live().route.champion
    with store.reading() as connection:
        return _find_before(connection, champion)[1]


def _go_live(
    deed: Deed,
    current: CurrentRoute,
    release_id: str,
    alter: Callable[[Live], Alteration],
    *,
    reason: str,
    break_glass: str | None = None,
) -> ReleaseView:
    alter_route(deed, alter, reason=reason, break_glass=break_glass)
    current.refresh()
    with deed.store.reading() as connection:
        # As this act left it: somebody else may have replaced it since.
        release = view_release(connection, release_id, release_id)
    notes = [f"the purpose is not stated in full: {', '.join(release.missing)}"] if release.missing else []
    changed = current.load(release_id).release.package.check_golden()
    if changed:
        notes.append(f"{changed} PDs kept at sealing differ in their last bits on this build")
    return structs.replace(release, notes=tuple(notes))


def _find_before(connection: Connection, seen: str | None) -> tuple[ReleaseView, ReleaseView]:
    """The release that is live, and the one that was before it. Refused where there is none."""
    if seen is None:
        raise Refused("nothing is live, so there is nothing to go back from")
    releases = {release.id: release for release in read_releases(connection, seen)}
    champions = find_champions({release.id: release.steps for release in releases.values()})
    if champions[-1:] != (seen,) or len(champions) < 2:
        raise Refused(
            f"there is no earlier release to go back to from release {seen}",
            mend="promote the release that should be live",
        )
    return releases[seen], releases[champions[-2]]


def _look(deed: Deed, instead_of: str | None) -> str | None:
    """The release that is live. Refused where that is not the one that whoever asks has looked at."""
    champion = deed.store.ledger.live().route.champion
    if instead_of not in (None, champion or ""):
        raise Refused(
            f"another release went live meanwhile: release {champion} is live now",
            mend="look again at what would change now",
        )
    return champion


def _check_quickest(deed: Deed, seen: str | None, live: Live) -> None:
    """Refused where another release went live since `seen` was."""
    if live.route.champion == seen:
        return
    with deed.store.reading() as connection:
        change = read_change(connection)
    since = None if change is None else change.champion_since
    who = "somebody" if since is None else since.by
    when = "" if since is None else f" at {since.at:%Y-%m-%d %H:%M:%S} UTC (epoch {since.epoch})"
    raise Refused(
        f"{who} was quicker: release {live.route.champion} is live{when}",
        mend="look at what is live now; if this one should be, do it again",
    )


def _prepare(current: CurrentRoute, release_id: str, route: Route) -> Loaded:
    """The release, loaded, checked and having decided once with the tables in force."""
    loaded = current.load(release_id)
    lacking = [contract.name for contract in loaded.release.tables if contract.name not in route.tables]
    if lacking:
        raise Refused(
            f"release {release_id} reads tables of which no version is in force: {', '.join(lacking)}",
            mend=f"`roadworthy tables upload {lacking[0]} FILE --effective DATE`, and another person approves it",
        )
    _check_golden(loaded)
    warm_up(loaded, current.read_tables(loaded, route.tables))
    return loaded


def _check_golden(loaded: Loaded) -> None:
    """Refused where the model, on this build, gives the rows kept at sealing another PD than it had then."""
    rows, then = loaded.release.package.golden()
    now = loaded.release.package.engine.pd(rows)
    far = ~((np.abs(now - then) <= _SAME_PD) | (np.isnan(now) & np.isnan(then)))
    if far.any():
        raise Refused(
            f"release {loaded.id} does not give {int(far.sum())} of {len(then)} rows the PD they had at sealing",
            mend="run the libraries that the package names (`roadworthy inspect`), or seal the model again with these",
        )


def _check_purpose(deed: Deed, loaded: Loaded) -> None:
    missing = missing_purpose(loaded.product)
    if missing and not deed.trial:
        raise Refused(
            f"release {loaded.id} cannot go live: its purpose is not stated: {', '.join(missing)}",
            where="product.yaml",
            mend="state each of them in product.yaml, and make a new release of it",
        )


def _with_champion(route: Route, release_id: str) -> Route:
    """The route with another champion, which is then neither challenger nor canary."""
    is_canary = route.canary == release_id
    return structs.replace(
        route,
        champion=release_id,
        challengers=tuple(name for name in route.challengers if name != release_id),
        canary=None if is_canary else route.canary,
        canary_share=0.0 if is_canary else route.canary_share,
    )


def _step(deed: Deed, release: ReleaseView, step: str, **details: str | None) -> Entry:
    stated = {name: value for name, value in details.items() if value}
    return deed.entry(ReleaseEvent(step=step, digest=release.digest, details=stated), release_subject(release.id))
