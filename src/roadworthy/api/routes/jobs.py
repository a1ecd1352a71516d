"""Long work: files of applications, exports, and how far they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from litestar import Response
from msgspec import Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import TABLE_FILES, Moment
from roadworthy.batch import (
    DECISIONS,
    ask_to_export,
    ask_to_score,
    cancel_work,
    look_at_file,
    read_kept_file,
    warn_same_file,
)
from roadworthy.door import Answer, Query, Told, way
from roadworthy.jobs import Job, Progress, list_jobs, read_job
from roadworthy.records import Wanted

__all__ = ["HANDLERS"]

_WHERE = {"Location": "Where the job is found."}


class JobSeen(Struct, frozen=True, kw_only=True):
    """One piece of long work, as whoever asked for it sees it.

    `files` are the names under which its results are fetched, once it is done. `warnings` say what looks wrong about a
    file of applications, in the answer to sending it; it is queued all the same, and can be cancelled.
    """

    job_id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: Progress
    attempts: int
    result: Mapping[str, Any] | None
    files: tuple[str, ...]
    error: str | None
    submitted_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    warnings: tuple[str, ...] = ()


class Jobs(Struct, frozen=True):
    """One's own jobs, the newest first."""

    jobs: tuple[JobSeen, ...]


class NewExport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which decisions to export, and as what. What is left out is not asked."""

    format: Literal["csv", "parquet", "xlsx"] = "csv"
    decided_from: Moment | None = None
    decided_before: Moment | None = None
    release: str | None = None
    answer: Literal["approve", "refer", "decline"] | None = None


@way(
    "POST",
    "/v1/batches",
    Told(
        permission="batch.score",
        summary="Have a file of applications scored by the release that is live",
        files=TABLE_FILES,
        query=(Query("record", bool, "Whether each row is a decision on the record (needs `decision.make`); false."),),
        answers={202: Answer("It is queued.", JobSeen, headers=_WHERE)},
        once="optional",
        refusals=(409, 422),
        description=(
            "A file that is no table, or lacks a column that every application has, is refused; what else looks wrong "
            "about it is in `warnings`. Rows that break the contract are set aside, each with its rules. Recorded, "
            "each row is decided once, however often the same file comes."
        ),
    ),
)
def post_batch(request: Call) -> Response[bytes]:
    """Keep the file, and queue the work."""
    key = request.admitted.once_key
    record = request.asked().get("record", False)
    deed = request.deed()
    if record:
        deed.demand("decision.make")  # before a file of many megabytes is read
    file = request.read_file()
    live = request.services.current.refresh().champion
    warnings: tuple[str, ...] = ()
    if live is not None:
        seen = look_at_file(file.data, file.name, live)
        warnings = (*warn_same_file(deed, file.data, live.product.time_zone, key), *seen.warnings)
    job = ask_to_score(deed, file.data, file.name, record=record, once_key=key)
    return _queued(request, job, warnings)


@way(
    "POST",
    "/v1/exports",
    Told(
        permission="decision.export",
        summary="Have decisions exported to a file",
        body=NewExport,
        body_needed=False,
        answers={202: Answer("It is queued.", JobSeen, headers=_WHERE)},
        once="optional",
        refusals=(409,),
        description="Of the branches that the account sees. Formulas in texts are made harmless.",
    ),
)
def post_export(request: Call) -> Response[bytes]:
    """Queue an export."""
    key = request.admitted.once_key
    asked = request.read(NewExport)
    wanted = Wanted(
        releases=() if asked.release is None else (asked.release,),
        answers=() if asked.answer is None else (asked.answer,),
        decided_from=asked.decided_from,
        decided_before=asked.decided_before,
    )
    return _queued(request, ask_to_export(request.deed(), wanted, asked.format, once_key=key))


@way(
    "GET",
    "/v1/jobs",
    Told(
        permission="job.read",
        summary="One's own jobs; an operator's: everyone's",
        answers={200: Answer("The jobs.", Jobs)},
    ),
)
def get_jobs(request: Call) -> Response[bytes]:
    """One's own jobs."""
    with request.services.store.reading() as connection:
        return reply(Jobs(tuple(_see(job) for job in list_jobs(connection, by=request.admitted.by))))


@way(
    "GET",
    "/v1/jobs/{id}",
    Told(permission="job.read", summary="How far a job is", answers={200: Answer("The job.", JobSeen)}),
)
def get_job(request: Call) -> Response[bytes]:
    """One job."""
    return reply(_see(_job(request)))


@way(
    "GET",
    "/v1/jobs/{id}/result",
    Told(
        permission="job.read",
        summary="A file that a job of one's own made",
        query=(Query("file", str, "Which of its files; `decisions` where it is not given."),),
        answers={200: Answer("The file, as CSV, Parquet or Excel.", {}, "application/octet-stream")},
        refusals=(409,),
    ),
)
def get_job_result(request: Call) -> Response[bytes]:
    """The bytes of one of its files."""
    file = read_kept_file(request.deed(), _job(request), request.asked().get("file", DECISIONS))
    return Response(
        file.data,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )


@way(
    "POST",
    "/v1/jobs/{id}/cancel",
    Told(
        permission="job.read",
        summary="Have a job cancelled",
        answers={200: Answer("It is cancelled, or asked to stop.", JobSeen)},
        refusals=(409,),
        description="One's own; with `job.cancel`, anyone's.",
    ),
)
def post_cancel(request: Call) -> Response[bytes]:
    """Cancel it."""
    return reply(_see(cancel_work(request.deed(), request.named("id"))))


def _job(request: Call) -> Job:
    with request.services.store.reading() as connection:
        return read_job(connection, request.named("id"), by=request.admitted.by)


def _queued(request: Call, job: Job, warnings: tuple[str, ...] = ()) -> Response[bytes]:
    request.services.wake()
    return reply(_see(job, warnings), 202, {"Location": f"/v1/jobs/{job.job_id}"})


def _see(job: Job, warnings: tuple[str, ...] = ()) -> JobSeen:
    result = dict(job.result) if job.result is not None else None
    files = tuple(result.pop("files", {})) if result is not None else ()
    told = {name: getattr(job, name, None) for name in JobSeen.__struct_fields__}
    return msgspec.convert(told | {"result": result, "files": files, "warnings": warnings}, JobSeen)


HANDLERS = (post_batch, post_export, get_jobs, get_job, get_job_result, post_cancel)
