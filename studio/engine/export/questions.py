"""What a file and its original are both asked by default: held-out questions of the data the model was trained on."""

import json
from random import Random
from typing import Any

from sqlmodel import col, select

from studio.engine.lineage import find_dataset
from studio.engine.practice.families import DEMO_FAMILIES
from studio.engine.practice.world import ask
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.tables import Dataset, Model, Stage

Messages = list[dict[str, Any]]
SEED = 11
MOST_READ = 20_000


def questions_for(database: Database, artifacts: Artifacts, project_id: int, model: str, count: int) -> list[Messages]:
    """Up to `count` conversations: from the last stage's test rows, else its training rows, else practice problems."""
    dataset = _last_dataset(database, project_id, model)
    rows = _rows(artifacts, dataset) if dataset else []
    held_out = [turns for split, turns in rows if split == "test"]
    chosen = held_out if len(held_out) >= min(count, 16) else [turns for _, turns in rows]
    if chosen:
        return Random(SEED).sample(chosen, min(count, len(chosen)))
    return [[{"role": "user", "content": question.prompt}] for question in ask(DEMO_FAMILIES, count, SEED)]


def _last_dataset(database: Database, project_id: int, model: str) -> Dataset | None:
    with database.session() as session:
        query = select(Stage).join(Model, col(Model.id) == Stage.model_id)
        query = query.where(Model.project_id == project_id, Model.name == model).order_by(col(Stage.position).desc())
        stage = session.exec(query).first()
        return find_dataset(session, project_id, stage.dataset) if stage else None


def _rows(artifacts: Artifacts, dataset: Dataset) -> list[tuple[str, Messages]]:
    """(split, turns before the last answer) of the dataset's first rows."""
    path = artifacts.path(dataset.path)
    if not path.is_file():
        return []
    found = []
    with path.open(encoding="utf-8") as lines:
        for _, line in zip(range(MOST_READ), lines, strict=False):
            row = json.loads(line)
            turns = [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]]
            while turns and turns[-1]["role"] != "user":
                turns.pop()
            if turns:
                found.append((str(row.get("split", "")), turns))
    return found
