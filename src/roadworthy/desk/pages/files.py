"""Files: applications uploaded and scored, search results exported, how far that is, and what came of it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

from litestar import Response

from roadworthy.batch import (
    EXPORT,
    SCORE,
    ask_to_export,
    ask_to_score,
    cancel_work,
    look_at_file,
    read_kept_file,
    warn_same_file,
)
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.sought import read_asked, want
from roadworthy.desk.visit import Visit
from roadworthy.errors import Refused, RoadworthyError, UsageError
from roadworthy.jobs import Job, list_jobs, read_job

__all__ = ["HANDLERS"]

MOST_ROWS = 100_000
"""The most rows of an uploaded file, and the most applications of an export."""
_KINDS = {SCORE: "Applications scored", EXPORT: "Search exported"}
_FILES = {
    "decisions": "the decisions",
    "set_aside": "the rows set aside, to be mended and uploaded again",
}


@page("/files", "job.read", "Files uploaded and exported")
def get_files(visit: Visit) -> Shown:
    """The form to upload a file, and one's own long work."""
    return _show_files(visit)


@act("/files", "batch.score", "Upload a file of applications", form="files")
def post_file(visit: Visit) -> Shown:
    """Look the file through, and queue it."""
    form = visit.sent
    record, once = "record" in form, form["once"] or None
    try:
        if record:
            visit.deed().demand("decision.make")
        file = form.file("file")
        if file is None:
            raise UsageError("no file was chosen", mend="choose a CSV, Excel or Parquet file")
        seen = look_at_file(file.data, file.name, visit.taken.require())
        if seen.rows > MOST_ROWS:
            raise Refused(
                f"{file.name} has {seen.rows:,} rows, and at most {MOST_ROWS:,} are taken here",
                mend="cut it into several files, or have it scored at the machine: roadworthy score",
            )
        warnings = (*warn_same_file(visit.deed(), file.data, visit.time_zone, once), *seen.warnings)
        mark = sha256(file.data).hexdigest()[:16]
        if warnings and form["read"] != mark:
            return _show_files(visit, _unread(file.name), record=record, warnings=warnings, mark=mark)
        job = ask_to_score(visit.deed(), file.data, file.name, record=record, rows=seen.rows, once_key=once)
    except RoadworthyError as problem:
        return _show_files(visit, problem, record=record)
    visit.services.wake()
    notes = f" ({'; '.join(seen.notes)})" if seen.notes else ""
    return go(f"/files/{job.job_id}", f"{file.name} was read: {seen.rows:,} rows{notes}")


@act("/search/export", "decision.export", "Export what a search finds")
def post_export(visit: Visit) -> Shown:
    """Queue the export of the search in the URL, and of what its cookie names."""
    wanted = want(visit, read_asked(visit))
    job = ask_to_export(visit.deed(), wanted, cast(Any, visit.sent["format"] or "csv"), most=MOST_ROWS)
    visit.services.wake()
    return go(f"/files/{job.job_id}", "The export is queued")


@page("/files/{id}", "job.read", "How far a file is, and what came of it")
def get_job(visit: Visit) -> Shown:
    """One job; the page comes back by itself while it runs."""
    job = _job(visit)
    return show(visit, "job.html", job=job, title=_title(job), files=_files(job), seconds=_seconds(job))


@page("/files/{id}/{name}", "job.read", "A file that a job made")
def get_result(visit: Visit) -> Shown:
    """Its bytes, to be saved."""
    file = read_kept_file(visit.deed(), _job(visit), visit.named("name"))
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.data, media_type="application/octet-stream", headers=headers)


@act("/files/{id}/cancel", "job.read", "Cancel a job")
def post_cancel(visit: Visit) -> Shown:
    """One's own; an operator's, anyone's."""
    job = cancel_work(visit.deed(), visit.named("id"))
    return go(f"/files/{job.job_id}", "Cancelled" if job.is_over else "It was asked to stop")


def _job(visit: Visit) -> Job:
    with visit.services.store.reading() as connection:
        return read_job(connection, visit.named("id"), by=visit.by)


def _unread(name: str) -> Refused:
    return Refused(
        f"{name} was not taken yet: something looks wrong about it",
        mend="read it below; then choose the right file, or the same one and tick the box",
    )


def _show_files(
    visit: Visit,
    problem: RoadworthyError | None = None,
    *,
    record: bool = False,
    warnings: tuple[str, ...] = (),
    mark: str = "",
) -> Shown:
    """The page; `warnings` are about the file of this `mark`, so that no other one is taken for having been read."""
    with visit.services.store.reading() as connection:
        jobs = list_jobs(connection, by=visit.by)
    return show(
        visit,
        "files.html",
        problem=problem,
        jobs=[(job, _title(job)) for job in jobs],
        everyone=visit.may("job.cancel"),
        record=record,
        warnings=warnings,
        mark=mark,
        most=MOST_ROWS,
        once=visit.services.new_id(),
        live=visit.taken.route.champion,
    )


def _title(job: Job) -> str:
    said = _KINDS.get(job.kind, job.kind)
    return f"{said}: {job.input['name']}" if job.kind == SCORE else said


def _files(job: Job) -> list[tuple[str, str]]:
    """The files of a job by name, with what they are."""
    return [(name, _FILES.get(name, name)) for name in (job.result or {}).get("files", {})]


def _seconds(job: Job) -> float | None:
    if job.started_at is None or job.ended_at is None:
        return None
    return (job.ended_at - job.started_at).total_seconds()


HANDLERS = (get_files, post_file, post_export, get_job, get_result, post_cancel)
