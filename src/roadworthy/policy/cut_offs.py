"""The PDs at which a policy's bands change their answer."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.policy.policy import Policy

__all__ = ["BandStarts", "find_band_starts"]


@dataclass(frozen=True)
class BandStarts:
    """The PDs from which the bands refer and decline; None where none does so."""

    refer: float | None
    decline: float | None

    @property
    def not_approved(self) -> float:
        """The PD from which the bands no longer approve; 1 where they approve every PD."""
        return min((start for start in (self.refer, self.decline) if start is not None), default=1.0)

    @property
    def cut_off(self) -> float:
        """The PD from which the bands decline; where they decline nobody, that from which they no longer approve."""
        return self.not_approved if self.decline is None else self.decline


def find_band_starts(policy: Policy) -> BandStarts:
    """Where the answers change; the knock-out rules, which ask for no PD, are not looked at.

    >>> policy = Policy.parse("{name: a, bands: [{up_to: 0.05, answer: approve}, {up_to: 0.1, answer: refer},"
    ...                       " {answer: decline}]}")
    >>> starts = find_band_starts(policy)
    >>> starts, starts.not_approved, starts.cut_off
    (BandStarts(refer=0.05, decline=0.1), 0.05, 0.1)
    """
    ends = [band.up_to if band.up_to is not None else 1.0 for band in policy.bands]
    starts = dict(zip(reversed([band.answer for band in policy.bands]), reversed([0.0, *ends[:-1]]), strict=True))
    return BandStarts(starts.get("refer"), starts.get("decline"))
