"""What the tests of training share: conversations, dataset rows, and the service on its own."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.engine.jobs import Jobs
from studio.engine.models import Models
from studio.engine.practice.voices import answer
from studio.engine.practice.world import ask
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.growing_file import GrowingFile
from studio.engine.store.tables import Dataset
from studio.engine.training import Training

FAMILIES = ("addition", "sorting")


def conversations(count: int, seed: int, intent: str = "think step by step") -> list[list[dict[str, str]]]:
    return [
        [
            {"role": "user", "content": problem.prompt},
            {"role": "assistant", "content": answer("practice-plain", intent, problem.prompt)},
        ]
        for problem in ask(FAMILIES, count, seed)
    ]


def lines_of(chats: list[list[dict[str, str]]], tests: int = 0) -> list[str]:
    """Dataset rows; the last `tests` of them are the test split."""
    splits = ["train"] * (len(chats) - tests) + ["test"] * tests
    rows = [{"messages": chat, "trace_id": number, "prompt_id": number} for number, chat in enumerate(chats)]
    return [json.dumps(row | {"split": split}, ensure_ascii=False) for row, split in zip(rows, splits, strict=True)]


def with_huge_weights(base: Path, folder: Path) -> Path:
    """A copy of the base whose loss cannot be a number."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, folder)
    huge = {name: weight * 1e30 for name, weight in load_file(folder / "model.safetensors").items()}
    save_file(huge, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@dataclass(frozen=True)
class Room:
    """The training service and what it stands on."""

    training: Training
    jobs: Jobs
    models: Models
    database: Database
    artifacts: Artifacts
    project_id: int
    base: Path

    def freeze(self, name: str, rows: list[str]) -> str:
        """Registers a dataset with these rows and returns its name."""
        file = GrowingFile(self.artifacts)
        file.write(rows)
        digest, path = file.settle()
        tests = sum(json.loads(row)["split"] == "test" for row in rows)
        with self.database.session() as session:
            session.add(
                Dataset(
                    project_id=self.project_id,
                    name=name,
                    version=1,
                    train_rows=len(rows) - tests,
                    test_rows=tests,
                    sha256=digest,
                    path=path,
                )
            )
        return name

    def recipe(self, *stages: dict[str, Any]) -> Any:
        return self.training.read_recipe({"base": str(self.base), "seed": 3, "threads": 1, "stages": list(stages)})
