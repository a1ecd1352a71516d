"""What looks wrong about making a release live, in words: for whoever is about to press the button (R10)."""

from __future__ import annotations

from collections.abc import Iterator

from roadworthy.errors import RoadworthyError
from roadworthy.lifecycle.policy_words import ANSWERED, rate_words
from roadworthy.lifecycle.preview import Preview, preview_release
from roadworthy.lifecycle.views import ReleaseView
from roadworthy.live import CurrentRoute, Loaded
from roadworthy.policy import find_band_starts
from roadworthy.product import missing_purpose

__all__ = ["list_warnings", "warn_release", "weigh_release"]

_SHARE = 0.10
_FOLD = 2.0
_WORSE = 0.02
_FEW = 100


def warn_release(
    live: Loaded, candidate: Loaded, preview: Preview, *, was_live: bool = False, back: bool = False
) -> tuple[str, ...]:
    """Every warning about `candidate` in place of `live`: a wrong cut-off, a wrong release, unstated purpose.

    `was_live`: it was live before. `back`: it is rolled back to, so that it is older on purpose.
    """
    return (
        *_wrong_release(live, candidate, was_live=was_live, back=back),
        *_wrong_cut_off(live, candidate),
        *_shares(preview),
        *_thin(preview),
        *(f"its purpose is not stated: {name}" for name in missing_purpose(candidate.product)),
    )


def weigh_release(
    current: CurrentRoute, release: ReleaseView, *, back: bool = False, most: int = 1_000
) -> tuple[Preview | None, tuple[str, ...]]:
    """What the `most` latest decisions would have been by `release`, and what looks wrong about making it live.

    `back`: by rolling back to it. Of a first release, or of the one that is live, there is nothing to say. Errors as
    `preview_release`.
    """
    live = current.refresh().champion
    if live is None or live.id == release.id:
        return None, ()
    preview = preview_release(current, release.id, most=most)
    was_live = release.state == "was_live"
    return preview, warn_release(live, current.load(release.id), preview, was_live=was_live, back=back)


def list_warnings(
    current: CurrentRoute, release: ReleaseView, *, back: bool = False, most: int = 1_000
) -> tuple[str, ...]:
    """The warnings of `weigh_release`, for who does not look before. None where it cannot be weighed: it cannot go live
    then either, and whoever tries is told why.
    """
    try:
        return weigh_release(current, release, back=back, most=most)[1]
    except RoadworthyError:
        return ()


def _wrong_release(live: Loaded, candidate: Loaded, *, was_live: bool, back: bool) -> Iterator[str]:
    if was_live and not back:
        yield (
            f"release {candidate.id} was live before, and another took its place. To go back to the release before "
            "this one, roll back"
        )
    elif int(candidate.id) < int(live.id) and not back:
        yield f"release {candidate.id} is older than release {live.id}, which is live. Is it the one you mean?"
    if candidate.product.name != live.product.name:
        yield f"it is made for the product {candidate.product.name}, and what is live is for {live.product.name}"
    judged, before = (each.release.package.evaluation.get("auc") for each in (candidate, live))
    if judged is None:
        yield "its model was not judged on held-out applications"
    elif before is not None and before - judged > _WORSE:
        yield f"its model ranks applicants worse: held-out AUC {judged:.3f}, against {before:.3f} of the live one"


def _wrong_cut_off(live: Loaded, candidate: Loaded) -> Iterator[str]:
    then, now = find_band_starts(live.release.policy), find_band_starts(candidate.release.policy)
    for what, was, becomes in (
        ("declines from", then.decline, now.decline),
        ("approves below", then.not_approved, now.not_approved),
    ):
        if not was or not becomes or 1 / _FOLD < becomes / was < _FOLD:
            continue
        fold = f"{becomes / was:.3g} times as high" if becomes > was else f"{was / becomes:.3g} times as low"
        yield (
            f"it {what} a PD of {rate_words(becomes)} instead of {rate_words(was)}, {fold}. Is the cut-off right, and "
            "its decimal point?"
        )


def _shares(preview: Preview) -> Iterator[str]:
    if preview.refused:
        yield (
            f"{preview.refused:,} of the latest {preview.refused + preview.compared:,} applications would be turned "
            "away unread: they do not keep to its contract, and do to the live one's. Is it of this product?"
        )
    for answer, words in ANSWERED.items():
        was, becomes = preview.share(answer, now=False), preview.share(answer, now=True)
        if abs(becomes - was) > _SHARE:
            yield (
                f"on the latest {preview.compared:,} applications the share {words} would go from {was:.0%} to "
                f"{becomes:.0%}"
            )
    decides = {"model", "bands", "rules", "tables"} & {one.about for one in preview.differences}
    if preview.compared and decides and not preview.otherwise:
        yield f"not one of {preview.compared:,} decisions would be answered otherwise. Is it the release you mean?"


def _thin(preview: Preview) -> Iterator[str]:
    if preview.cut_short or preview.compared < _FEW:
        yield f"only {preview.compared:,} decisions could be compared, which is little to go by"
