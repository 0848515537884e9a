"""Where this room's jobs begin: collecting a run, and inventing prompts, which needs a teacher to ask."""

from typing import Any

from studio.engine.domain.states import RunState
from studio.engine.errors import Failed
from studio.engine.jobs import Entry, JobContext, Kind
from studio.engine.prompts.invention import INVENT, carry_on, prefix_of
from studio.engine.teachers.collecting import CALL_BACK, COLLECT
from studio.engine.teachers.inventing import TeacherAsking


def collect(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {run}. Asks what is missing of a run; returns its report. Raises Failed when nothing was answered."""
    collecting = context.studio.collecting
    name = collecting.name_of(payload["run"])
    report = collecting.run(name, progress=context.progress, should_stop=context.should_stop)
    now = collecting.progress(name)
    if now.state == RunState.FAILED:
        raise Failed(now.unanswered, result=report)
    return report


def call_back(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {run, end}. Ends the batches of a run at its provider, and with `end` the run itself; returns its
    report. May be broken off and gone on with."""
    ends, collecting, endings = payload["end"], context.studio.collecting, context.studio.endings
    name = collecting.name_of(payload["run"])
    if ends:
        endings.mark_ended(name)
    report = collecting.report(name)
    if not ends or endings.has_batches(name):
        report = endings.cancel_batches(name, progress=context.progress, should_stop=context.should_stop)
    if ends:
        endings.mark_ended(name)
    return report


def invent(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {source}. Carries an invention on; returns its report."""
    return carry_on(
        context, payload["source"], lambda plan, token, tell: TeacherAsking(context, plan, prefix_of(token), tell)
    )


ENTRIES: dict[Kind, Entry] = {CALL_BACK: call_back, COLLECT: collect, INVENT: invent}
