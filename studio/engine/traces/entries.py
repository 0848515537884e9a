"""Where this room's jobs begin: changes of many traces, grading, bringing in answers, freezing, exporting."""

from typing import Any

from studio.engine.errors import Stopped
from studio.engine.jobs import Entry, JobContext, Kind, Reservation
from studio.engine.prompts.cleaning import Rules
from studio.engine.store import remove_upload
from studio.engine.traces import dataset_writer
from studio.engine.traces.arriving import SUBJECT
from studio.engine.traces.emptied import check_not_emptied
from studio.engine.traces.export_jobs import EXPORT
from studio.engine.traces.export_leftovers import writer_of
from studio.engine.traces.filters import TraceFilter
from studio.engine.traces.freeze_jobs import FREEZE
from studio.engine.traces.import_jobs import IMPORT
from studio.engine.traces.traces import CHANGE, GRADE


def change(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {operation}. Brings an operation that is under way to its end."""
    operation = context.studio.traces.carry_out(
        payload["operation"], progress=context.progress, should_stop=context.should_stop
    )
    return {"changed": operation.changed, "operation": operation.id, "state": operation.state}


def grade(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {filter}. Returns `graded`, `correct`, `wrong`, `no_known_answer`."""
    return context.studio.traces.grade(
        selection=TraceFilter.from_dict(payload["filter"]),
        progress=context.progress,
        should_stop=context.should_stop,
    )


def import_answers(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {path, run, teacher, terms, format, mapping, rules, batch_input, every_turn, uploads, reserved}.
    Returns the report of the import; one that was broken off begins anew."""
    reservation, addresses = Reservation.of(context, payload, SUBJECT), context.studio.addresses
    try:
        report = context.studio.traces.import_file(
            addresses.found(payload["path"]), payload["run"], format=payload["format"], mapping=payload["mapping"],
            teacher_name=payload["teacher"], terms=payload["terms"],
            rules=Rules.of_payload(payload["rules"], addresses) if payload["rules"] else None,
            batch_input=addresses.found(payload["batch_input"]) if payload["batch_input"] else None,
            every_turn=payload["every_turn"], progress=context.step, reservation=reservation,
        )  # fmt: skip
    except BaseException as exc:
        if not reservation.is_kept():
            context.studio.traces.release(payload["run"], reservation)
        if isinstance(exc, Stopped):
            return {"run": None}
        raise
    for folder in payload["uploads"]:
        remove_upload(context.settings, folder)
    return report


def freeze(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {name, filter, test_share, avoid, seed, keep_system_message, uploads, reserved}. Returns the report of
    the version; goes on where it was broken off."""
    reservation = Reservation.of(context, payload, dataset_writer.SUBJECT)
    datasets = context.studio.datasets
    try:
        with context.database.session() as session:
            check_not_emptied(session, now=True)
        report = datasets.freeze(
            payload["name"], filter=TraceFilter.from_dict(payload["filter"]), test_share=payload["test_share"],
            avoid=[context.studio.addresses.found(path) for path in payload["avoid"]], seed=payload["seed"],
            keep_system_message=payload["keep_system_message"], progress=context.step, reservation=reservation,
        )  # fmt: skip
    except BaseException as exc:
        if not reservation.is_kept():
            datasets.release(payload["name"], reservation)
        if isinstance(exc, Stopped):
            return {"dataset": None}
        raise
    for folder in payload["uploads"]:
        remove_upload(context.settings, folder)
    return report


def export_traces(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {path, over, filter, format, keep_system_message, for_student}. Returns `rows`, `path`, `sha256`; one
    that was broken off begins anew, unless another file has come to its place since it was asked for."""
    options = {key: payload[key] for key in ("format", "keep_system_message", "for_student")}
    try:
        return context.studio.traces.export(
            context.studio.addresses.found(payload["path"]), filter=TraceFilter.from_dict(payload["filter"]), **options,
            progress=context.step, writer=writer_of(context.job_id),
            only_over=payload.get("over", "") if context.is_resumed else None,
        )  # fmt: skip
    except Stopped:
        return {"path": None}


ENTRIES: dict[Kind, Entry] = {
    CHANGE: change,
    EXPORT: export_traces,
    FREEZE: freeze,
    GRADE: grade,
    IMPORT: import_answers,
}
