"""Secrets that let somebody in: 256 random bits, shown once; the store keeps their SHA-256.

A plain hash is enough where the secret itself is random: nobody can try 2**256 of them. Passwords are another matter,
and another module.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest

from roadworthy.errors import NotSignedIn

__all__ = ["RandomBytes", "digest_secret", "make_secret", "name_secret", "refuse_entry", "same_digest"]

RandomBytes = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for: `secrets.token_bytes`, or a seeded one in tests."""
_BYTES = 32


def make_secret(kind: str, random: RandomBytes) -> str:
    """A new secret: `kind`, so that one found in a log or a repository is known for what it is, and 43 letters.

    >>> make_secret("rwk", lambda count: bytes(count))
    'rwk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    drawn = random(_BYTES)
    if len(drawn) != _BYTES:
        raise ValueError(f"the source of randomness gave {len(drawn)} bytes, not {_BYTES}")
    return f"{kind}_{urlsafe_b64encode(drawn).rstrip(b'=').decode()}"


def digest_secret(secret: str) -> str:
    """What the store keeps and looks for: SHA-256 in hexadecimal. Any text has one."""
    return sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()


def name_secret(digest: str) -> str:
    """The name people call a secret by, in lists and in records: the beginning of its digest."""
    return digest[:12]


def same_digest(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return compare_digest(one, other)


def refuse_entry() -> NotSignedIn:
    """The one answer to a secret that lets nobody in: unknown, expired, revoked, spent, or its account switched off."""
    return NotSignedIn("this lets nobody in, or no more", mend="sign in again, or ask for a new key")
