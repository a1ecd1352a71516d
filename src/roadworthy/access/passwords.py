"""Passwords: argon2id, and a check that takes as long for a name nobody has."""

from __future__ import annotations

from functools import cached_property
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from roadworthy.access.secret import RandomBytes
from roadworthy.errors import UsageError

__all__ = ["Passwords", "check_strength"]

SHORTEST, LONGEST = 12, 256


class Passwords:
    """Hashes and checks passwords by argon2id; by default 64 MiB and 3 passes (RFC 9106, second recommendation).

    A check costs tens of milliseconds of CPU on purpose: never call it inside a transaction or on an event loop.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY) if hasher is None else hasher

    def hash(self, password: str, random: RandomBytes) -> str:
        """The hash to keep, with its salt and parameters. UsageError for a password that is too weak."""
        check_strength(password)
        return self._hash(password, random)

    def check(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one that `kept` was made from; as long where there is none (None)."""
        fits = self._verify(self._nobody if kept is None else kept, password[: 4 * LONGEST])
        return fits and kept is not None and len(password) <= LONGEST

    def renew(self, kept: str, password: str, random: RandomBytes) -> str:
        """`kept`, which `password` fits; made anew where it was made with other parameters than today's."""
        return self._hash(password, random) if self._hasher.check_needs_rehash(kept) else kept

    def _hash(self, password: str, random: RandomBytes) -> str:
        return self._hasher.hash(_plain(password), salt=random(self._hasher.salt_len))

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _plain(password))
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobody(self) -> str:
        """The hash of a password nobody has; its salt is no secret."""
        return self._hasher.hash(b"", salt=bytes(self._hasher.salt_len))


def check_strength(password: str) -> None:
    """UsageError unless the password has 12 to 256 signs, 5 of them different. Length is what counts (NIST SP 800-63B).

    >>> check_strength("correct horse battery staple")
    >>> check_strength("aaaaaaaaaaaaaaaa")
    Traceback (most recent call last):
    roadworthy.errors.UsageError: the password repeats too few signs
      mend: a few words that do not belong together
    """
    mend = "a few words that do not belong together"
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"the password has {len(password)} signs, not {SHORTEST} to {LONGEST}", mend=mend)
    if len(set(password)) < 5:
        raise UsageError("the password repeats too few signs", mend=mend)


def _plain(password: str) -> bytes:
    """The same bytes however the keyboard composes its letters (NFKC); lone surrogates are kept apart from all text."""
    return normalize("NFKC", password).encode("utf-8", "backslashreplace")
