"""A knock-out's reason is true: whoever mends the columns that it reads is knocked out by it no more (R27)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Batch, Contract
from roadworthy.policy import Policy

CONDITIONS = (
    "age < {a}", "{a} <= age < 60", "amount > {b} * income", "region in ('N', 'S')", "region not in ('N',)",
    "employed == false", "missing(income)", "not missing(note)", "note == 'pass'", "opened < '2026-01-01'",
    "opened < closed", "abs(income - amount) > 100 * {a}", "min(income, amount) / col('annual cost') < {b}",
)  # fmt: skip
rules = st.lists(
    st.tuples(
        st.sampled_from(CONDITIONS), st.sampled_from((" and ", " or ", " and not ")), st.sampled_from(CONDITIONS),
        st.integers(18, 70), st.integers(1, 6), st.sampled_from(("refer", "decline")),
        st.sampled_from(("refer", "decline", "pass")),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
maybe = st.none()
applicants = st.fixed_dictionaries(
    {
        "age": st.integers(18, 80),
        "amount": st.integers(0, 20_000),
        "income": maybe | st.integers(0, 5_000),
        "annual cost": maybe | st.integers(-10, 3_000),
        "region": maybe | st.sampled_from(("N", "S", "E", "elsewhere")),
        "employed": maybe | st.booleans(),
        "note": maybe | st.sampled_from(("pass", "x")),
        "opened": maybe | st.sampled_from(("2025-05-01", "2026-05-01")),
        "closed": maybe | st.sampled_from(("2025-08-01", "2026-08-01")),
    }
)


@given(written=rules, rows=st.lists(applicants, min_size=2, max_size=12))
@settings(max_examples=150, deadline=None)
def test_mending_the_columns_that_a_rule_names_stops_it_firing(
    written: Sequence[Any],
    rows: Sequence[dict[str, Any]],
    contract: Contract,
    policy_of: Callable[..., Policy],
    batch_of: Callable[..., Batch],
) -> None:
    """Whoever is knocked out gets the named columns of one who is not, and nothing else of theirs."""
    texts = [
        f'when: "({one}){join}({other})", then: {then}, if_missing: {missing}'.format(a=a, b=b)
        for one, join, other, a, b, then, missing in written
    ]
    compiled = policy_of(*texts).compile(contract)
    fired = compiled.fire(batch_of(*rows)).rules
    for place, code in enumerate(compiled.codes):
        named = compiled.columns_of(code)
        assert named
        free = np.flatnonzero(~fired[:, place]).tolist()
        for row in np.flatnonzero(fired[:, place]).tolist() if free else ():
            mended = {**rows[row], **{name: rows[free[0]][name] for name in named}}
            assert not compiled.fire(batch_of(mended)).rules[0, place], (texts[place], rows[row], mended)
