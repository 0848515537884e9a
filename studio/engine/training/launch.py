"""Runs a whole recipe, stage after stage, in this process, and goes on where an earlier one stopped or was killed.

`train_stages(TrainSpec(...), working_folder, student_folder)` needs no database: an observer is told what happens.
"""

import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.engine.domain.status import status
from studio.engine.errors import BadInput, Failed
from studio.engine.store import write_whole
from studio.engine.training.spec import Observer, StageReport, TrainResult, TrainSpec

log = logging.getLogger(__name__)
REPORT = "report.json"
WEIGHTS = "weights"


def train_stages(spec: TrainSpec, folder: Path, path: Path, observer: Observer | None = None) -> TrainResult:
    """Trains every stage that is not done yet; the student is at `path` afterwards, also when it was stopped.

    `folder` keeps checkpoints and reports: calling again with the same arguments does no stage twice. Raises BadInput
    before anything is trained, Failed when the disk is full or numbers broke (the last checkpoint is kept).
    """
    finished = _finished(spec, folder, path)
    if finished is not None:
        return finished
    with _explained(folder):
        return _Training(spec, folder, path, observer or Observer()).run()


class _Training:
    def __init__(self, spec: TrainSpec, folder: Path, path: Path, observer: Observer) -> None:
        import torch

        from studio.engine.training.base import base_folder, open_tokenizer

        _quiet()
        if spec.threads:
            torch.set_num_threads(spec.threads)
        self.spec = spec
        self.folder = folder
        self.path = path
        self.observer = observer
        self.base = base_folder(spec.base)
        self.tokenizer = open_tokenizer(self.base)

    def run(self) -> TrainResult:
        from studio.engine.training.stage import save_stage

        reports = _done_reports(self.folder, len(self.spec.stages))
        stages = self._prepared(len(reports))
        for position in range(len(reports), len(self.spec.stages)):
            finished, report, model = stages[position].train(self.tokenizer, self.observer)
            if not finished:
                save_stage(model, self.tokenizer, self.base, self.path)
                return TrainResult("stopped", [*reports, report], self.path)
            self._keep(position, report, model)
            reports.append(report)
            self.observer.stage_finished(position, report)
        _move(_stage_folder(self.folder, len(reports) - 1) / WEIGHTS, self.path)
        return TrainResult("done", reports, self.path)

    def _prepared(self, done: int) -> dict[int, Any]:
        """Reads the data of every stage that is left, before the first is trained."""
        from studio.engine.training.base import reading_limit
        from studio.engine.training.formatting import Formatter
        from studio.engine.training.rows import read_rows
        from studio.engine.training.stage import StageRun

        formatter, limit = Formatter(self.tokenizer), reading_limit(self.base)
        stages: dict[int, StageRun] = {}
        for position in range(done, len(self.spec.stages)):
            stage = self.spec.stages[position]
            self.observer.progress(position, 0, status("reading_dataset", dataset=stage.settings.dataset))
            longest = longest_row(stage.settings.max_length, limit, self.spec.base)
            rows = read_rows(stage, formatter, longest)
            start = _stage_folder(self.folder, position - 1) / WEIGHTS if position else self.base
            where = _stage_folder(self.folder, position)
            stages[position] = StageRun(position, stage.settings, rows, longest, start, where, self.spec.seed)
            log.info("Stage %s: %s", stage.settings.name, ", ".join(f"{n:,} {key}" for key, n in rows.counts.items()))
        self.observer.planned(
            [len(stages[place].plan) if place in stages else 0 for place in range(len(self.spec.stages))]
        )
        return stages

    def _keep(self, position: int, report: StageReport, model: Any) -> None:
        """The report is written last: with it the stage is done for good."""
        from studio.engine.training.stage import save_stage

        folder = _stage_folder(self.folder, position)
        save_stage(model, self.tokenizer, self.base, folder / WEIGHTS)
        write_whole(folder / REPORT, json.dumps(report.as_dict()))
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint, ignore_errors=True)
        if position:
            shutil.rmtree(_stage_folder(self.folder, position - 1) / WEIGHTS, ignore_errors=True)


def longest_row(wanted: int | None, limit: int, base: str) -> int:
    """The tokens a conversation may have: what the stage says, or what the base can read up to 2,048."""
    if wanted is not None and wanted > limit:
        raise BadInput(f"max_length is {wanted}, but the base '{base}' reads at most {limit} tokens. Lower max_length.")
    return wanted or min(limit, 2048)


def _finished(spec: TrainSpec, folder: Path, path: Path) -> TrainResult | None:
    """The result of a training that ended before, perhaps in a process that died before it could say so."""
    reports = _done_reports(folder, len(spec.stages))
    if len(reports) < len(spec.stages):
        return None
    _move(_stage_folder(folder, len(reports) - 1) / WEIGHTS, path)
    return TrainResult("done", reports, path)


def _done_reports(folder: Path, stages: int) -> list[StageReport]:
    reports: list[StageReport] = []
    for position in range(stages):
        file = _stage_folder(folder, position) / REPORT
        if not file.is_file():
            break
        reports.append(StageReport(**json.loads(file.read_text(encoding="utf-8"))))
    return reports


def _stage_folder(folder: Path, position: int) -> Path:
    return folder / f"stage-{position + 1}"


def _move(weights: Path, path: Path) -> None:
    if not weights.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(path, ignore_errors=True)
    shutil.move(weights, path)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Says in a sentence what the libraries say in many ways: a full disk, too little memory."""
    try:
        yield
    except Exception as exc:
        text = str(exc)
        full = getattr(exc, "errno", None) == 28 or "No space left" in text or "PytorchStreamWriter failed" in text
        if full:
            raise Failed(
                f"There is no disk space left in {folder.parent}. The last whole checkpoint is kept; free some space "
                "and resume."
            ) from exc
        if isinstance(exc, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
            raise Failed(
                "There is not enough memory for a step. Lower batch_size or max_length, or use method lora; "
                "the last checkpoint is kept."
            ) from exc
        raise


def _quiet() -> None:
    """The libraries' own progress bars and advice do not belong into the job's log."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module="torch|transformers|accelerate|peft")
