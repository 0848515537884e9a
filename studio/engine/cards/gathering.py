"""The facts of a card, read from the store: the chain of models, their stages and datasets, teachers and files."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlmodel import Session, col, select

from studio.engine import lineage
from studio.engine.cards.facts import Card, FileFacts, ShownSystemMessage, StageFacts, StudentFacts, TeacherNote
from studio.engine.domain.reference import is_hub_id
from studio.engine.lineage import Ancestor, StageSource
from studio.engine.models import verdict_of
from studio.engine.prompts.cleaning import language_of
from studio.engine.store import Artifacts
from studio.engine.store.tables import Dataset, DatasetRow, Model, ModelFile, Run, Stage, Teacher, Trace, TraceText

MOST_MESSAGES = 20
"""System messages written out for one stage; a drawn set has far fewer."""
READ_FOR_LANGUAGE = 200
FEWEST_FOR_LANGUAGE = 10
LEAST_SHARE = 0.1
"""Of the answers whose language can be told, for a language to be named."""


def card_of(session: Session, model: Model, artifacts: Artifacts) -> Card:
    """The card of a student as things stand now."""
    chain = lineage.model_lineage(session, model)
    students = tuple(_student(session, model.project_id, one) for one in reversed(chain) if one.kind == "student")
    detail = model.detail
    return Card(
        name=model.name,
        state=model.state,
        root=chain[-1],
        students=students,
        verdict=verdict_of(chain),
        day=datetime.fromtimestamp(time.time(), UTC).date().isoformat(),
        hub_base=_hub_base(session, model.project_id, chain[-1]),
        teachers=_notes(session, model.project_id, {share.teacher for share in lineage.teachers_of(chain)}),
        files=tuple(_files(session, model)),
        made_with=dict(detail.get("made_with") or {}),
        seed=(model.recipe or {}).get("seed"),
        architecture=str(detail.get("architecture") or ""),
        parameters=detail.get("parameters"),
        context_length=detail.get("context_length"),
        languages=_languages(session, model.project_id, students[-1].stages if students else (), artifacts),
        exact_match=detail.get("exact_match"),
    )


def _hub_base(session: Session, project_id: int, root: Ancestor) -> str:
    found = session.exec(select(Model).where(Model.project_id == project_id, Model.name == root.name)).first()
    origin = str(found.detail.get("origin") or "") if found else ""
    return origin if is_hub_id(origin) else ""


def _student(session: Session, project_id: int, ancestor: Ancestor) -> StudentFacts:
    query = select(Stage).join(Model, col(Model.id) == Stage.model_id).order_by(col(Stage.position))
    rows = session.exec(query.where(Model.project_id == project_id, Model.name == ancestor.name)).all()
    stages = (_stage(session, project_id, *pair) for pair in zip(rows, ancestor.stages, strict=True))
    return StudentFacts(ancestor.name, tuple(stages))


def _stage(session: Session, project_id: int, row: Stage, source: StageSource) -> StageFacts:
    dataset = lineage.find_dataset(session, project_id, row.dataset)
    avoided = dataset.detail.get("avoid") if dataset else None
    return StageFacts(
        name=row.name,
        dataset=source.dataset,
        sha256=source.sha256,
        state=row.state,
        steps=row.steps,
        total_steps=row.total_steps,
        seconds=row.seconds,
        tokens=row.tokens,
        train_loss=row.train_loss,
        eval_loss=row.eval_loss,
        rows=dict(row.spec.get("rows") or {}),
        settings={key: value for key, value in row.spec.items() if key not in ("rows", "notes")},
        teachers=source.teachers,
        told=_shown_messages(session, dataset, source) if dataset else None,
        avoided=None if avoided is None else tuple(str(file["file"]) for file in avoided),
        contradictions=_contradictions(dataset),
    )


def _contradictions(dataset: Dataset | None) -> int | None:
    found = dataset.detail.get("contradictions") if dataset else None
    return int(found["prompts"]) if found else None


def _shown_messages(session: Session, dataset: Dataset, source: StageSource) -> tuple[ShownSystemMessage, ...] | None:
    """What the rows of a dataset tell the student, the most frequent first."""
    detail, total = dataset.detail, dataset.train_rows + dataset.test_rows
    if detail.get("keep_system_message"):
        names = dict(islice(Counter(detail.get("system_messages") or {}).most_common(), MOST_MESSAGES))
        texts = {name: _teachers_message(session, dataset, name) for name in names}
    elif "student_messages" in detail:
        names = dict(Counter(detail["student_messages"]).most_common(MOST_MESSAGES))
        texts = _students_messages(session, dataset.project_id, source)
        if left := total - sum(names.values()):
            names[""] = left
    elif "keep_system_message" in detail:
        names, texts = {"": total}, {}
    else:
        return None
    return tuple(ShownSystemMessage(name, texts.get(name, ""), rows) for name, rows in names.items())


def _teachers_message(session: Session, dataset: Dataset, name: str) -> str:
    query = (
        select(TraceText.system_message)
        .join(Trace, col(Trace.id) == TraceText.trace_id)
        .join(DatasetRow, col(DatasetRow.trace_id) == TraceText.trace_id)
        .where(DatasetRow.dataset_id == dataset.id, Trace.system_message == name)
    )
    return session.exec(query.limit(1)).first() or ""


def _students_messages(session: Session, project_id: int, source: StageSource) -> dict[str, str]:
    runs = {run for share in source.teachers for run in share.runs}
    query = select(Run.settings).where(Run.project_id == project_id, col(Run.name).in_(runs))
    told = [settings["student"] for settings in session.exec(query) if settings.get("student")]
    return {one["name"]: one["text"] for one in told}


def _notes(session: Session, project_id: int, names: set[str]) -> dict[str, TeacherNote]:
    query = select(Teacher).where(Teacher.project_id == project_id, col(Teacher.name).in_(names))
    return {row.name: TeacherNote(row.terms, row.terms_note, row.terms_checked_on) for row in session.exec(query)}


def _files(session: Session, model: Model) -> Iterable[FileFacts]:
    query = select(ModelFile).where(ModelFile.model_id == model.id).order_by(col(ModelFile.quantization))
    return (FileFacts(row.quantization, row.bytes, row.sha256, row.parity) for row in session.exec(query))


def _languages(
    session: Session, project_id: int, stages: tuple[StageFacts, ...], artifacts: Artifacts
) -> tuple[str, ...]:
    """The languages of the first answers of each stage's data, where enough of them can be told."""
    found: Counter[str] = Counter()
    for stage in stages:
        dataset = lineage.find_dataset(session, project_id, stage.dataset)
        for answer in _answers(artifacts, dataset.path) if dataset else ():
            if (language := language_of([answer])) is not None:
                found[language] += 1
    told = found.total()
    enough = told >= FEWEST_FOR_LANGUAGE
    return tuple(name for name, count in found.most_common() if enough and count >= LEAST_SHARE * told)


def _answers(artifacts: Artifacts, path: str) -> list[str]:
    try:
        with artifacts.path(path).open(encoding="utf-8") as file:
            rows: list[dict[str, Any]] = [json.loads(line) for line in islice(file, READ_FOR_LANGUAGE)]
    except (OSError, ValueError):
        return []
    return [str(row["messages"][-1]["content"]) for row in rows if row.get("messages")]
