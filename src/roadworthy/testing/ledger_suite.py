"""What every store must pass. A store's tests inherit `LedgerSuite` and give it a fixture `store_url`:

    class TestMyStore(LedgerSuite):
        @pytest.fixture
        def store_url(self) -> str: ...    # the address of a place without a store, another for each test

Needs pytest and hypothesis.
"""

from __future__ import annotations

from roadworthy.testing.ledger_appends import AppendTests
from roadworthy.testing.ledger_faults import FaultTests
from roadworthy.testing.ledger_refusals import RefusalTests
from roadworthy.testing.ledger_routes import RouteTests

__all__ = ["LedgerSuite"]


class LedgerSuite(AppendTests, RouteTests, FaultTests, RefusalTests):
    """The contract of a store: R2, R13, R28."""
