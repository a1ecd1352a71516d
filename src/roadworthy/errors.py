"""Every exception Roadworthy raises on purpose.

    RoadworthyError          what is wrong, where, what was available, and the mend
    ├── UsageError           the call or the command is off (exit 2)
    │   └── NotFound         what was named is not there, or not among what whoever asks may see
    ├── Refused              a gate or a check answers no (exit 1)
    │   ├── NotSignedIn      nobody, or nobody we know: says the same whatever was wrong
    │   ├── NotAllowed       somebody we know, who may not do this
    │   ├── Gone             the applicant's data were erased
    │   └── NothingLive      no release is live, so nothing decides
    ├── DataError            a file or table of applications cannot be used
    ├── FileFault            a product's own file is wrong: product.yaml, contract.yaml, policy.yaml, sources.yaml
    │   ├── ProductError
    │   ├── ContractError
    │   ├── PolicyError
    │   └── SettingsError
    ├── MeasureError         an argument of a measure is out of its range
    ├── SealError            a model cannot be sealed as it is
    ├── PackageError         a sealed package cannot be trusted or read
    ├── StoreError           the store of records cannot do what was asked
    │   ├── StaleEpoch       the route changed meanwhile: decide again
    │   ├── Unwritable       it can be read and takes no writes: its disk is full
    │   └── OutcomeUnknown   whether it was recorded is not known: ask again with the same key
    └── MissingExtra         an optional library is not installed

Exit codes are for the command line (0 done, 1 no, 2 wrong use, 3 could not); the HTTP door maps these classes itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "ContractError",
    "DataError",
    "FileFault",
    "Gone",
    "MeasureError",
    "MissingExtra",
    "NotAllowed",
    "NotFound",
    "NotSignedIn",
    "NothingLive",
    "OutcomeUnknown",
    "PackageError",
    "PolicyError",
    "ProductError",
    "Refused",
    "RoadworthyError",
    "SealError",
    "SettingsError",
    "StaleEpoch",
    "StoreError",
    "Unwritable",
    "UsageError",
]


class RoadworthyError(Exception):
    """Says what is wrong, where, what was available and the mend, in that order, on one to four lines.

    >>> print(DataError("no column 'defalt'", where="loans.csv", available=["default", "age"], mend="--target default"))
    loans.csv: no column 'defalt'
      available: default, age
      mend: --target default
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        message: str,
        *,
        where: object | None = None,
        available: Iterable[object] | None = None,
        mend: str | None = None,
    ) -> None:
        self.message = message
        self.where = None if where is None else str(where)
        self.available = None if available is None else [str(item) for item in available]
        self.mend = mend
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message if self.where is None else f"{self.where}: {self.message}"]
        if self.available is not None:
            shown = ", ".join(self.available[:20]) or "nothing"
            more = len(self.available) - 20
            lines.append(f"  available: {shown}" + (f" and {more} more" if more > 0 else ""))
        if self.mend is not None:
            lines.append(f"  mend: {self.mend}")
        return "\n".join(lines)


class UsageError(RoadworthyError):
    """The call or the command is off."""

    exit_code = 2


class NotFound(UsageError):
    """What was named is not there, or not among what whoever asks may see: nobody is told which.

    >>> print(NotFound.unseen("job"))
    there is no such job among those you see
      mend: look at how it is written; it may also be of a branch that you do not see
    """

    @classmethod
    def unseen(cls, what: str = "record") -> NotFound:
        """The one answer to what does not exist and to what is somebody else's."""
        return cls(
            f"there is no such {what} among those you see",
            mend="look at how it is written; it may also be of a branch that you do not see",
        )


class Refused(RoadworthyError):
    """A gate or a check was asked and the answer is no."""

    exit_code = 1


class NotSignedIn(Refused):
    """Nobody, or nobody we know. The same words for an unknown name, a wrong secret and an expired one."""


class NotAllowed(Refused):
    """Somebody we know, who may not do this."""


class Gone(Refused):
    """The applicant's data were erased. `subjects` are the applications, where several were asked for at once."""

    def __init__(self, subjects: Iterable[str] = (), *, where: object | None = None) -> None:
        super().__init__("the applicant's data were erased, so nothing more is done", where=where)
        self.subjects = frozenset(subjects)


class NothingLive(Refused):
    """No release is live, so nothing decides.

    >>> print(NothingLive())
    no release is live
      mend: roadworthy release promote N
    """

    def __init__(self) -> None:
        super().__init__("no release is live", mend="roadworthy release promote N")


class DataError(RoadworthyError):
    """A file or table of applications cannot be used."""


class FileFault(RoadworthyError):
    """One of the product's own files is wrong; `where` carries the file and the line."""


class ProductError(FileFault):
    """product.yaml or sources.yaml is wrong."""


class ContractError(FileFault):
    """contract.yaml is wrong, or a contract cannot be made."""


class PolicyError(FileFault):
    """policy.yaml is wrong: a rule, a band, a reason, the economics or a case."""


class SettingsError(FileFault):
    """roadworthy.toml or an environment variable is wrong; `where` carries the line or the variable."""


class MeasureError(RoadworthyError, ValueError):
    """An argument of a measure is out of its range; the message names the argument."""


class SealError(RoadworthyError):
    """A model cannot be sealed as it is."""


class PackageError(RoadworthyError):
    """A sealed package cannot be trusted or read."""


class StoreError(RoadworthyError):
    """The store of records cannot do what was asked; nothing was recorded."""


class StaleEpoch(StoreError):
    """The route changed after it was read. Nothing was recorded: take the route again, at `epoch`, and decide again.

    >>> StaleEpoch(asked=3, epoch=4).epoch
    4
    """

    def __init__(self, *, asked: int, epoch: int) -> None:
        super().__init__(f"the route is at epoch {epoch}, not {asked}", mend="take the route again and decide again")
        self.asked = asked
        self.epoch = epoch


class Unwritable(StoreError):
    """The store can be read and takes no writes: its disk is full, or may only be read. Nothing was recorded.

    >>> print(Unwritable("database or disk is full"))
    the store takes no writes: database or disk is full; nothing was recorded
      mend: make room where the store is; it goes on by itself
    """

    def __init__(self, said: object) -> None:
        super().__init__(
            f"the store takes no writes: {said}; nothing was recorded",
            mend="make room where the store is; it goes on by itself",
        )


class OutcomeUnknown(StoreError):
    """The store broke off before it answered: what was sent is recorded whole or not at all, and nobody knows which."""


class MissingExtra(RoadworthyError, ImportError):
    """An optional library is not installed.

    >>> print(MissingExtra.of("lightgbm", "boosters"))
    lightgbm is not installed
      mend: pip install 'roadworthy[boosters]'
    """

    @classmethod
    def of(cls, library: str, extra: str) -> MissingExtra:
        """The error for `library`, which comes with the extra `extra`."""
        return cls(f"{library} is not installed", mend=f"pip install 'roadworthy[{extra}]'")
