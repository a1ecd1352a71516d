"""What is not kept: erasure on request and by the end of its time, and the legal holds that stop both (R30)."""

from __future__ import annotations

from roadworthy.erasure.again import erase_again
from roadworthy.erasure.erasing import ErasureDone, ErasurePlan, erase_applicant, plan_erasure
from roadworthy.erasure.holding import Held, list_holds, release_hold, set_hold
from roadworthy.erasure.listed import ErasureList, Listed
from roadworthy.erasure.opening import create_kept_store, erase_listed, keys_of, list_of, open_kept_store
from roadworthy.erasure.reach import Reach, Whom
from roadworthy.erasure.retaining import Overdue, find_overdue, retain

__all__ = [
    "ErasureDone",
    "ErasureList",
    "ErasurePlan",
    "Held",
    "Listed",
    "Overdue",
    "Reach",
    "Whom",
    "create_kept_store",
    "erase_again",
    "erase_applicant",
    "erase_listed",
    "find_overdue",
    "keys_of",
    "list_holds",
    "list_of",
    "open_kept_store",
    "plan_erasure",
    "release_hold",
    "retain",
    "set_hold",
]
