"""What a file and its original are both asked by default: held-out questions of the data the model was trained on."""

import json
from dataclasses import dataclass
from random import Random

from sqlmodel import col, select

from studio.engine.domain.messages import Messages
from studio.engine.lineage import find_dataset
from studio.engine.practice import ask
from studio.engine.practice.families import DEMO_FAMILIES
from studio.engine.store import Artifacts, Database
from studio.engine.store.tables import Dataset, Model, Prompt, Stage

SEED = 11
MOST_READ = 20_000


@dataclass(frozen=True)
class Questions:
    """Conversations and the right answer of each, empty where it is not known; `are_unseen` by the model's training."""

    conversations: tuple[Messages, ...]
    answers: tuple[str, ...]
    are_unseen: bool


def questions_for(database: Database, artifacts: Artifacts, project_id: int, model: str, count: int) -> Questions:
    """Up to `count` questions: the last stage's test rows, else its training rows, else practice problems."""
    dataset = _last_dataset(database, project_id, model)
    rows = _rows(artifacts, dataset) if dataset else []
    held_out = [row for row in rows if row.split == "test"]
    are_unseen = len(held_out) >= min(count, 16)
    if chosen := held_out if are_unseen else rows:
        drawn = Random(SEED).sample(chosen, min(count, len(chosen)))
        known = _known(database, [row.prompt_id for row in drawn if row.prompt_id is not None])
        answers = tuple(known.get(row.prompt_id or 0, "") for row in drawn)
        return Questions(tuple(row.turns for row in drawn), answers, are_unseen)
    problems = list(ask(DEMO_FAMILIES, count, SEED))
    asked: tuple[Messages, ...] = tuple([{"role": "user", "content": problem.prompt}] for problem in problems)
    return Questions(asked, tuple(problem.answer for problem in problems), are_unseen=True)


@dataclass(frozen=True)
class _Row:
    """A row of a dataset: its turns before the last answer, and the prompt that they came from."""

    split: str
    turns: Messages
    prompt_id: int | None


def _last_dataset(database: Database, project_id: int, model: str) -> Dataset | None:
    with database.session() as session:
        query = select(Stage).join(Model, col(Model.id) == Stage.model_id)
        query = query.where(Model.project_id == project_id, Model.name == model).order_by(col(Stage.position).desc())
        stage = session.exec(query).first()
        return find_dataset(session, project_id, stage.dataset, also_binned=False) if stage else None


def _rows(artifacts: Artifacts, dataset: Dataset) -> list[_Row]:
    """The dataset's first rows that ask something."""
    path = artifacts.path(dataset.path)
    if not path.is_file():
        return []
    found: list[_Row] = []
    with path.open(encoding="utf-8") as lines:
        for _, line in zip(range(MOST_READ), lines, strict=False):
            row = json.loads(line)
            turns = [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]]
            while turns and turns[-1]["role"] != "user":
                turns.pop()
            if turns:
                found.append(_Row(str(row.get("split", "")), turns, row.get("prompt_id")))
    return found


def _known(database: Database, prompt_ids: list[int]) -> dict[int, str]:
    """The right answers of those prompts that have one."""
    query = select(Prompt.id, Prompt.answer).where(col(Prompt.id).in_(prompt_ids), col(Prompt.answer).is_not(None))
    with database.session() as session:
        return {id or 0: answer or "" for id, answer in session.exec(query)}
