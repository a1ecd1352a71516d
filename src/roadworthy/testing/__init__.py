"""What tests of a deployment or of an adapter may use: made-up applications, a package, a policy, a release."""

from __future__ import annotations

from roadworthy.testing.factories import (
    make_applications,
    make_contract,
    make_model,
    make_package,
    make_policy,
    make_release,
)

__all__ = ["make_applications", "make_contract", "make_model", "make_package", "make_policy", "make_release"]
