"""A release: one model package, one policy and the contracts of the tables they read. Immutable; the unit approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from roadworthy.contract import Contract, contract_digest
from roadworthy.model import Package
from roadworthy.policy import CompiledPolicy, Policy, policy_digest

__all__ = ["Release"]


@dataclass(frozen=True)
class Release:
    """What decides. PolicyError where the policy does not fit the package's contract or the tables'."""

    package: Package
    policy: Policy
    tables: tuple[Contract, ...] = ()
    compiled: CompiledPolicy = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", self.policy.compile(self.package.contract, self.tables))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of package, policy and table contracts: same digest, same decisions."""
        parts = [self.package.digest, policy_digest(self.policy), *(contract_digest(table) for table in self.tables)]
        return sha256("\n".join(parts).encode()).hexdigest()
