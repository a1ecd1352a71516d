"""A release: one model package, one policy and the contracts of the tables they read. Immutable; the unit approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from roadworthy.contract import Contract, contract_digest
from roadworthy.decision.catalogue import BUILT_IN_RULES, Catalogue, make_catalogue
from roadworthy.errors import UsageError
from roadworthy.model import Explanation, Package
from roadworthy.policy import CompiledPolicy, Policy, policy_digest

__all__ = ["Release"]


@dataclass(frozen=True)
class Release:
    """What decides.

    PolicyError where the policy does not fit the package's contract or the tables'; UsageError where two tables are of
    one name.

    >>> from roadworthy.testing import make_package, make_policy
    >>> release = Release(make_package("scorecard"), make_policy())
    >>> release.rule_codes
    ('under_age', 'overstretched', 'engine_failed', 'outside_contract', 'no_true_reason')
    """

    package: Package
    policy: Policy
    tables: tuple[Contract, ...] = ()
    compiled: CompiledPolicy = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        if len(set(names)) < len(names):
            raise UsageError("two tables of a release have one name", available=names, mend="name each table apart")
        object.__setattr__(self, "compiled", self.policy.compile(self.package.contract, self.tables))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of package, policy and table contracts: same digest, same decisions."""
        parts = [self.package.digest, policy_digest(self.policy), *(contract_digest(table) for table in self.tables)]
        return sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def explained(self) -> Explanation:
        """Why the reference applicant is as they are: of what quantity contributions are, and by what method."""
        return self.package.engine.explain(self.package.reference, self.package.reference)

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every reason that the release may state."""
        return make_catalogue(self.package, self.compiled)

    @cached_property
    def rule_codes(self) -> tuple[str, ...]:
        """The policy's rules, then those that are built in: the columns of `Decisions.rules`."""
        return (*self.compiled.codes, *BUILT_IN_RULES)
