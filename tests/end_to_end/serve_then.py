"""`roadworthy` with its server's clock set back by a number of days: `serve_then.py DAYS serve ...`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch

from roadworthy.cli import main

BACK = timedelta(days=int(sys.argv.pop(1)))


class Then:
    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return datetime.now(zone) - BACK


with patch("roadworthy.app.datetime", Then):
    main()
