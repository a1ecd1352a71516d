"""Why a handler stops before it is through. Raised by what it calls, again and again, until it lets go."""

from __future__ import annotations

from roadworthy.errors import RoadworthyError

__all__ = ["Cancelled", "Interrupted", "LostLease", "Stopping"]


class Interrupted(RoadworthyError):
    """The handler is to stop now. It may tidy up outside the store, and lets this error pass."""


class Cancelled(Interrupted):
    """Somebody asked that the job be cancelled: it ends as `cancelled`."""


class LostLease(Interrupted):
    """The job is no longer this worker's: taken over, ended, or out of its time. Nothing was written."""


class Stopping(Interrupted):
    """The worker shuts down: the job goes back to the queue with its checkpoint, and the attempt is no failure."""
