"""Where this room's jobs begin: importing a file, making practice problems, measuring, deleting, drawing a mixture."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from studio.engine.errors import Stopped
from studio.engine.jobs import Entry, JobContext, Kind, Reservation
from studio.engine.prompts.diversity import measure
from studio.engine.prompts.jobs import DELETE, DIVERSITY, IMPORT, PRACTICE
from studio.engine.prompts.mixtures.mixture_file import from_value
from studio.engine.prompts.mixtures.mixtures import OUTCOME, SAMPLE
from studio.engine.prompts.read_options import ReadOptions
from studio.engine.prompts.writing import SUBJECT
from studio.engine.store import remove_upload


def import_prompts(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {path, name, format, mapping, rules, upload, reserved}. Returns the report of the import; one that was
    broken off begins anew."""
    addresses = context.studio.addresses
    options = ReadOptions.of_payload(payload, addresses)
    try:
        with _reserved(context, payload) as reservation:
            report = context.studio.prompts.import_file(
                addresses.found(payload["path"]), payload["name"], format=options.format,
                mapping=options.mapping, rules=options.rules, progress=context.step, reservation=reservation,
            )  # fmt: skip
    except Stopped:
        return {"source": None}
    remove_upload(context.settings, payload["upload"])
    return {**report.as_dict(), "examples": [list(example) for example in report.examples]}


def make_practice(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {families, count, seed, name, level, out, reserved}. Begins anew when it was broken off."""
    out = context.studio.addresses.found(payload["out"]) if payload["out"] else None
    try:
        with _reserved(context, payload) as reservation:
            source = context.studio.prompts.practice(
                payload["families"], payload["count"], payload["seed"], payload["name"], level=payload["level"],
                out=out, progress=context.step, reservation=reservation,
            )  # fmt: skip
    except Stopped:
        return {"source": None}
    return {"source": source.name, "count": source.count}


def measure_diversity(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {name, asked, among, seed}. Returns what was measured; it only reads."""
    source = context.studio.prompts.source(payload["name"])
    options = {key: payload[key] for key in ("asked", "among", "seed")}
    try:
        found = measure(context.database, source, **options, progress=context.step)
    except Stopped:
        return {"diversity": None}
    return {"diversity": found.as_dict()}


def delete_prompts(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {name, reserved}. Clears away a source that is hidden already; may be broken off and gone on with."""
    context.studio.prompts.clear_hidden(payload["name"], Reservation.of(context, payload, SUBJECT))
    return {"deleted": payload["name"]}


def sample(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {mixture, name, seed, texts, reserved}; one of an earlier version has nothing reserved. Draws and stores
    it; one that was broken off begins anew."""
    mixture = from_value(payload["mixture"])
    try:
        with _reserved(context, payload) if "reserved" in payload else nullcontext() as reservation:
            outcome = context.studio.mixtures.sample(
                mixture, payload["name"], payload["seed"], texts=payload["texts"], progress=context.progress,
                should_stop=context.should_stop, reservation=reservation,
            )  # fmt: skip
    except Stopped:
        return {"source": None}
    return {"source": payload["name"], "count": outcome.count, "per_collection": outcome.per_collection}


def mixture_outcome(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {mixture, seed}. Returns what the mixture comes to; it only reads."""
    mixture = from_value(payload["mixture"])
    try:
        found = context.studio.mixtures.outcome(mixture, payload["seed"], progress=context.step)
    except Stopped:
        return {"outcome": None}
    return {"outcome": found.as_payload()}


@contextmanager
def _reserved(context: JobContext, payload: dict[str, Any]) -> Iterator[Reservation]:
    """Whatever goes wrong, the name is free again; it stays taken for a job that goes back to the queue."""
    reservation = Reservation.of(context, payload, SUBJECT)
    try:
        yield reservation
    except BaseException:
        if not reservation.is_kept():
            context.studio.prompts.clear_hidden(payload["name"], reservation)
        raise


ENTRIES: dict[Kind, Entry] = {
    DELETE: delete_prompts,
    DIVERSITY: measure_diversity,
    IMPORT: import_prompts,
    OUTCOME: mixture_outcome,
    PRACTICE: make_practice,
    SAMPLE: sample,
}
