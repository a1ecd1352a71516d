"""What the values of an outcome column usually mean, and asking where they do not say.

Nothing is guessed where two readings are possible: the error lists the values with their counts and the flag to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.errors import DataError
from roadworthy.product.declaration import value_word

__all__ = ["Words", "declined_words", "name_values", "outcome_words", "read_words"]

_MOST_VALUES = 1000
_PAIRS: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(bad.split(", ")), frozenset(good.split(", ")))
    for bad, good in (
        ("1", "0"),
        ("true", "false"),
        ("t", "f"),
        ("yes", "no"),
        ("y", "n"),
        ("bad", "good"),
        ("b", "g"),
        ("default, defaulted, in default", "good, paid, repaid, fully paid, no default, non-default, not default"),
        ("charged off, charge off, chgoff, charged-off", "fully paid, paid, repaid, paid in full, p i f"),
        ("fraud, fraudulent", "genuine, legitimate, legit, no fraud, not fraud, non-fraud"),
        ("churn, churned", "retained, stayed, no churn, not churned"),
    )
)
"""Words for bad and for good that go together; which of 1 and 0 is bad depends on what the column is called."""
_MARKS = frozenset(("1", "0", "true", "false", "t", "f", "yes", "no", "y", "n"))
_DECLINED = frozenset(
    ("declined", "decline", "rejected", "reject", "refused", "refuse", "denied", "deny", "turned down", "not approved")
)
_GOOD_NAMES = ("approv", "repaid", "repay", "good", "accept", "perform", "creditab", "granted", "paid", "retain")
_BAD_NAMES = ("bad", "default", "unpaid", "not_", "non", "declin", "reject", "dlq", "delinq", "dpd", "late")


class Words:
    """A column's distinct values as words: `codes` (n,) points into `words`, -1 where there is no value."""

    def __init__(self, codes: NDArray[np.int64], words: list[str]) -> None:
        self.codes = codes
        self.words = words

    @property
    def counts(self) -> dict[str, int]:
        """How many rows hold each word, the most frequent first."""
        counted = np.bincount(self.codes[self.codes >= 0], minlength=len(self.words))
        order = sorted(range(len(self.words)), key=lambda i: (-counted[i], self.words[i]))
        return {self.words[i]: int(counted[i]) for i in order}

    def among(self, chosen: Iterable[object]) -> NDArray[np.bool_]:
        """Which rows hold one of the chosen words, in any case."""
        wanted = {value_word(word).casefold() for word in chosen}
        hit = np.array([word.casefold() in wanted for word in self.words] + [False], dtype=bool)
        return np.asarray(hit[self.codes])


def read_words(column: pa.ChunkedArray, name: str) -> Words:
    """The column `name` as words; more than a thousand different ones raise DataError: that is no outcome."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    if len(values) > _MOST_VALUES:
        raise DataError(
            f"column {name!r} has {len(values):,} different values: an outcome has a few",
            available=[value_word(value) for value in values[:5]],
            mend="name the column that says how the application turned out",
        )
    place: dict[str, int] = {}
    codes = np.full(len(values) + 1, -1, dtype=np.int64)
    for position, value in enumerate(values):
        word = "" if value is None or value != value else value_word(value)
        if word:
            codes[position] = place.setdefault(word, len(place))
    indices = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return Words(codes[indices], list(place))


def outcome_words(
    words: Words, name: str, bad: Iterable[object], good: Iterable[object]
) -> tuple[list[str], list[str]]:
    """The words of column `name` that mean bad and good: as stated, else where the values themselves leave no doubt.

    Raises DataError for a stated value that never occurs, one stated as both, and values that could be read two ways.
    """
    counts = words.counts
    if len(counts) < 2:
        raise DataError(
            f"{name!r} holds only one value: both bad and good outcomes are needed",
            available=name_values(counts),
            mend="use a file with both, or name another column with --target",
        )
    stated_bad = _known(bad, counts, name, "--bad")
    stated_good = _known(good, counts, name, "--good")
    both = set(stated_bad) & set(stated_good)
    if both:
        raise DataError(f"{', '.join(sorted(both))} of {name!r} is called both bad and good", mend="--bad or --good")
    if stated_bad and stated_good:
        return stated_bad, stated_good
    folded = {word.casefold(): word for word in counts}
    if stated_bad or stated_good:
        return _complete(stated_bad, stated_good, folded, counts, name)
    fitting = [(b, g) for b, g in _PAIRS if b & folded.keys() and g & folded.keys()]
    if len(fitting) != 1:
        raise DataError(
            f"which values of {name!r} are bad?",
            available=name_values(counts),
            mend="--bad VALUE[,VALUE] and --good VALUE[,VALUE]; what is in neither is indeterminate",
        )
    bad_set, good_set = fitting[0]
    if bad_set <= _MARKS and _sounds_good(name):
        raise DataError(
            f"{name!r} sounds as if {_among(bad_set, folded)[0]} were the good outcome",
            available=name_values(counts),
            mend=f"--bad {_among(good_set, folded)[0]} (or --bad {_among(bad_set, folded)[0]} if it is the bad one)",
        )
    return _among(bad_set, folded), _among(good_set, folded)


def declined_words(words: Words, name: str, declined: Iterable[object]) -> list[str]:
    """The words of the answer column `name` that mean declined: as stated, else where they leave no doubt."""
    counts = words.counts
    stated = _known(declined, counts, name, "--declined")
    if stated:
        return stated
    folded = {word.casefold(): word for word in counts}
    found = _among(_DECLINED, folded)
    if found:
        return found
    yes = {"1", "true", "t", "yes", "y"} & folded.keys()
    no = {"0", "false", "f", "no", "n"} & folded.keys()
    if len(folded) <= 2 and (yes or no):
        lowered = name.casefold()
        if any(part in lowered for part in ("declin", "reject", "refus", "denied")):
            return _among(yes, folded)
        if any(part in lowered for part in ("approv", "accept", "granted", "booked")):
            return _among(no, folded)
    raise DataError(
        f"which values of {name!r} mean that the application was declined?",
        available=name_values(counts),
        mend="--declined VALUE[,VALUE]",
    )


def name_values(counts: Mapping[str, int]) -> list[str]:
    """Values with their counts, for messages: `1 (7,841 rows)`."""
    return [f"{word} ({count:,} {'row' if count == 1 else 'rows'})" for word, count in counts.items()]


def _known(chosen: Iterable[object], counts: Mapping[str, int], name: str, flag: str) -> list[str]:
    folded = {word.casefold(): word for word in counts}
    known = []
    for word in dict.fromkeys(value_word(value) for value in chosen):
        if word.casefold() not in folded:
            raise DataError(
                f"{word!r} never occurs in {name!r}", available=name_values(counts), mend=f"{flag} one of these"
            )
        known.append(folded[word.casefold()])
    return known


def _complete(
    bad: list[str], good: list[str], folded: dict[str, str], counts: Mapping[str, int], name: str
) -> tuple[list[str], list[str]]:
    """The side that was not stated: what goes with the stated words, or the only other value."""
    stated = {word.casefold() for word in (*bad, *good)}
    others = [word for word in counts if word.casefold() not in stated]
    partner: set[str] = set()
    for first, second in _PAIRS:
        for one, other in ((first, second), (second, first)):
            if stated & one:
                partner |= other & folded.keys()
    chosen = _among(partner - stated, folded) or (others if len(others) == 1 else [])
    if not chosen:
        missing, flag = ("good", "--good") if bad else ("bad", "--bad")
        raise DataError(
            f"which values of {name!r} are {missing}?",
            available=name_values({word: counts[word] for word in others}),
            mend=f"{flag} VALUE[,VALUE]; what is in neither is indeterminate",
        )
    return (bad, chosen) if bad else (chosen, good)


def _among(words: Iterable[str], folded: Mapping[str, str]) -> list[str]:
    return sorted(folded[word] for word in words if word in folded)


def _sounds_good(name: str) -> bool:
    lowered = name.casefold()
    return any(part in lowered for part in _GOOD_NAMES) and not any(part in lowered for part in _BAD_NAMES)
