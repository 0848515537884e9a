"""What of each kind of thing is deleted for good, and what stays because others need it.

Every function may be broken off anywhere and called again. A run's row stays with what it cost; a dataset and a model
that a student came from stay as rows without files, so that its lineage goes on being true.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, func, update
from sqlmodel import Session, col, select

from studio.engine.bin.pieces import Pieces, forget
from studio.engine.jobs import part_from
from studio.engine.lineage import GONE
from studio.engine.store import forget_trace, name_before
from studio.engine.store.tables import (
    Attempt,
    Batch,
    BatchLine,
    Dataset,
    DatasetRow,
    Model,
    ModelFile,
    OperationRow,
    Presentation,
    Prompt,
    PromptSource,
    RaterInvitation,
    RawReply,
    Request,
    Run,
    RunItem,
    RunReturnedModel,
    Stage,
    StagePoint,
    Study,
    StudyAnswer,
    StudyItem,
    Teacher,
    Trace,
    TraceTag,
    TraceText,
    Vote,
)
from studio.engine.teachers import forget_keys

TRACES = 250
"""Traces in one piece: each is taken out of the search index too."""


def delete_study(pieces: Pieces, study: Study, *, for_good: bool = False) -> None:
    """Its items, votes and raters. The answers that it compared are kept: each was asked for once, for whoever needs
    it next."""
    for table in (Vote, Presentation):
        pieces.sweep(table, col(table.study_id) == study.id)  # type: ignore[attr-defined]
    pieces.sweep_by(StudyAnswer, StudyAnswer.prompt_id, col(StudyAnswer.study_id) == study.id)
    pieces.sweep(StudyItem, col(StudyItem.study_id) == study.id)
    pieces.sweep(RaterInvitation, col(RaterInvitation.study_id) == study.id)
    with pieces.database.session() as session:
        part_from(session, "study", study.id)
        forget(session, Study, col(Study.id) == study.id)


def delete_model(pieces: Pieces, model: Model, *, for_good: bool = False) -> None:
    """Its stages' readings and its files; all of it, unless a student came from it."""
    stages = select(Stage.id).where(col(Stage.model_id) == model.id)
    pieces.sweep_by(StagePoint, StagePoint.step, col(StagePoint.stage_id).in_(stages))
    pieces.sweep(ModelFile, col(ModelFile.model_id) == model.id)
    with pieces.database.session() as session:
        if for_good or not _has_students(session, model):
            part_from(session, "model", model.id)
            forget(session, Stage, col(Stage.model_id) == model.id)
            forget(session, Model, col(Model.id) == model.id)


def delete_dataset(pieces: Pieces, dataset: Dataset, *, for_good: bool = False) -> None:
    """Its list of traces, of which it is kept whose answers they were; all of it, unless a student learned from it."""
    mine = col(DatasetRow.dataset_id) == dataset.id
    pieces.sweep_by(
        DatasetRow, DatasetRow.trace_id, mine, size=TRACES,
        remove=lambda session, ids: _forget_rows(session, mine, col(DatasetRow.trace_id).in_(ids)),
    )  # fmt: skip
    with pieces.database.session() as session:
        learned = select(Stage.id).join(Model, col(Model.id) == col(Stage.model_id))
        mine_too = (col(Model.project_id) == dataset.project_id, col(Stage.dataset) == dataset.ref)
        if for_good or session.exec(learned.where(*mine_too).limit(1)).first() is None:
            part_from(session, "dataset", dataset.id)
            forget(session, Dataset, col(Dataset.id) == dataset.id)


def delete_run(pieces: Pieces, run: Run, *, for_good: bool = False) -> None:
    """Its traces and questions, and the answers that no other run has asked for; its row stays, with what it cost."""
    with pieces.database.session() as session:
        spent: Any = Run.cost_usd + Run.reserved_usd  # What was perhaps paid stays charged.
        settled = update(Run).where(col(Run.id) == run.id).values(cost_usd=spent, reserved_usd=0.0, source_id=None)
        session.execute(settled)
    of_run = (col(Trace.project_id) == run.project_id, col(Trace.run_id) == run.id)
    pieces.sweep(Trace, *of_run, before=_forget_traces, size=TRACES)
    pieces.sweep(RunItem, col(RunItem.run_id) == run.id, before=_forget_items)
    pieces.sweep(Batch, col(Batch.run_id) == run.id)
    pieces.sweep(RunReturnedModel, col(RunReturnedModel.run_id) == run.id)


def delete_prompts(pieces: Pieces, source: PromptSource, *, for_good: bool = False) -> None:
    """Its prompts but for those that a run outside the bin asks, or a trace answers; all of it when none is left."""
    pieces.through(Prompt, Prompt.position, col(Prompt.source_id) == source.id, remove=_forget_unanswered)
    with pieces.database.session() as session:
        left = session.exec(select(func.count()).select_from(Prompt).where(Prompt.source_id == source.id)).one()
        if left:
            session.execute(update(PromptSource).where(col(PromptSource.id) == source.id).values(count=left))
            return
        session.execute(update(Run).where(col(Run.source_id) == source.id).values(source_id=None))
        part_from(session, "prompts", source.id)
        forget(session, PromptSource, col(PromptSource.id) == source.id)


def delete_teacher(pieces: Pieces, teacher: Teacher, *, for_good: bool = False) -> None:
    """Its keys that were entered here, and its row, unless it was asked something that is kept."""
    forget_keys(pieces.database, [teacher])
    with pieces.database.session() as session:
        asked = session.exec(select(Request.id).where(Request.teacher_id == teacher.id).limit(1)).first()
        ran = session.exec(select(Run.id).where(Run.teacher_id == teacher.id).limit(1)).first()
        if asked is None and ran is None:
            forget(session, Teacher, col(Teacher.id) == teacher.id)


def _has_students(session: Session, model: Model) -> bool:
    mine = (Model.project_id == model.project_id, Model.parent == model.name, Model.id != model.id)
    return session.exec(select(Model.id).where(*mine).limit(1)).first() is not None


def _forget_traces(session: Session, ids: Sequence[int]) -> None:
    """What refers to traces, before they go."""
    _forget_rows(session, col(DatasetRow.trace_id).in_(ids))
    for number in ids:
        forget_trace(session, number)
    for table in (OperationRow, TraceTag, TraceText):
        forget(session, table, col(table.trace_id).in_(ids))  # type: ignore[attr-defined]


def _forget_rows(session: Session, *conditions: Any) -> None:
    """Takes traces off the lists of datasets, and keeps with each dataset whose answers they were: in one transaction,
    so that none is counted twice."""
    what: Any = (DatasetRow.dataset_id, Trace.teacher, Trace.model, Trace.terms, Run.name)
    query = select(*what, func.count()).join(Trace, col(Trace.id) == DatasetRow.trace_id)  # type: ignore[call-overload]
    query = query.join(Run, col(Run.id) == Trace.run_id).where(*conditions).group_by(*what)
    gone: dict[int, dict[tuple[str, ...], int]] = {}
    for number, teacher, model, terms, run, count in session.execute(query):
        gone.setdefault(number, {})[teacher, model, str(terms), name_before(run)] = count
    for number, shares in gone.items():
        dataset = session.get_one(Dataset, number)
        for *key, count in dataset.detail.get(GONE, ()):
            shares[tuple(key)] = shares.get(tuple(key), 0) + count
        dataset.detail = {**dataset.detail, GONE: [[*key, count] for key, count in sorted(shares.items())]}
        session.add(dataset)
    session.flush()
    forget(session, DatasetRow, *conditions)


def _forget_items(session: Session, ids: Sequence[int]) -> None:
    """Questions of a run, with the answers of those that no other run asks."""
    requests = list(session.scalars(select(RunItem.request_id).where(col(RunItem.id).in_(ids)).distinct()))
    forget(session, BatchLine, col(BatchLine.item_id).in_(ids))
    forget(session, RunItem, col(RunItem.id).in_(ids))
    asked = exists().where(col(RunItem.request_id) == col(Request.id))
    unasked = list(session.scalars(select(Request.id).where(col(Request.id).in_(requests), ~asked)))
    forget_answers(session, [number or 0 for number in unasked])
    forget(session, Request, col(Request.id).in_(unasked))


def _forget_unanswered(session: Session, ids: Sequence[int]) -> None:
    asked = exists().where(col(RunItem.prompt_id) == col(Prompt.id))
    answered = exists().where(col(Trace.prompt_id) == col(Prompt.id))
    forget(session, Prompt, col(Prompt.id).in_(ids), ~asked, ~answered)


def forget_answers(session: Session, ids: Sequence[int]) -> None:
    """The sendings of some questions with what came back, before the questions go."""
    attempts = select(Attempt.id).where(col(Attempt.request_id).in_(ids))
    forget(session, RawReply, col(RawReply.attempt_id).in_(attempts))
    forget(session, BatchLine, col(BatchLine.request_id).in_(ids))
    forget(session, Attempt, col(Attempt.request_id).in_(ids))
