"""The export room: a model becomes GGUF files, each read back, hashed and held against the original."""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.engine.cards import Cards
from studio.engine.errors import BadInput, NotFound
from studio.engine.export import gguf_writing
from studio.engine.export.converter import converter_folder
from studio.engine.export.parity import Reference, reference_of
from studio.engine.export.quantizations import FLOATS, quantization_named
from studio.engine.export.questions import Messages, questions_for
from studio.engine.jobs import JobContext, Jobs, Progress
from studio.engine.models import ModelRef, Models
from studio.engine.models.folder import FolderFacts, read_folder
from studio.engine.models.gguf_file import read_gguf
from studio.engine.models.processes import threads_for
from studio.engine.models.registry import file_report
from studio.engine.settings import Settings
from studio.engine.store.artifacts import Artifacts, sha256_of
from studio.engine.store.database import Database
from studio.engine.store.tables import Job, ModelFile

SIDE_BY_SIDE = 2
"""Files checked at once."""
CHECKED_PROMPTS = 64


@dataclass(frozen=True)
class _Plan:
    """One export, decided before anything is written."""

    model: ModelRef
    facts: FolderFacts
    outs: dict[str, Path]
    prompts: tuple[Messages, ...]
    converter: Path
    answers: tuple[str, ...] = ()


class Exporting:
    """Exports this project's models."""

    def __init__(self, database: Database, project_id: int, settings: Settings, models: Models, jobs: Jobs) -> None:
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.models = models
        self.jobs = jobs

    def export(
        self,
        model: str,
        quantization: str,
        out: Path | None = None,
        *,
        prompts: Sequence[str | Messages] | None = None,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """One GGUF file, with its actual tensor types and its parity with the original.

        `prompts` are what both are asked (texts or conversations): by default questions of the data it was trained on;
        an empty list skips the check. Raises BadInput, MissingPart, or Failed; no half file is left.
        """
        outs = {quantization_named(quantization): out} if out else None
        return self.export_many(
            model, [quantization], outs=outs, prompts=prompts, progress=progress, should_stop=should_stop
        )[0]

    def export_many(
        self,
        model: str,
        quantizations: Sequence[str],
        *,
        outs: dict[str, Path] | None = None,
        prompts: Sequence[str | Messages] | None = None,
        answers: Sequence[str] = (),
        max_tokens: int = 256,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[dict[str, Any]]:
        """Several files of one model in the order given; it is converted once and answers the questions once.

        With `answers`, the right one for each prompt, each file's parity says `exact_match` too.
        """
        tell = progress or (lambda done, total, message: None)
        plan = replace(self._plan(model, quantizations, outs or {}, prompts), answers=tuple(answers))
        steps = _Steps(tell, 2 * len(plan.outs) + 2)
        with ExitStack() as stack, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            reference = pool.submit(self._reference, stack, plan, max_tokens, steps, should_stop)
            try:
                self._write(plan, steps, should_stop)
            finally:
                reference.exception()
            reports = list(pool.map(lambda name: self._checked(plan, name, reference, steps, should_stop), plan.outs))
        return self._with_cards(plan, reports)

    def start(self, model: str, quantizations: Sequence[str]) -> Job:
        """Exports in the background. Raises what can be told beforehand."""
        names = [quantization_named(name) for name in quantizations]
        self._plan(model, names, {}, [])
        payload = {"model": model, "quantizations": names}
        title = f"Export {model} as {', '.join(names)}"
        return self.jobs.enqueue(
            "export", title, "studio.engine.export.exporting:job", payload, total=2 * len(names) + 2
        )

    def files(self, model: str) -> Sequence[ModelFile]:
        """The model's GGUF files, the newest first."""
        return self.models.files(model)

    # --- deciding

    def _plan(
        self,
        model: str,
        quantizations: Sequence[str],
        outs: dict[str, Path],
        prompts: Sequence[str | Messages] | None,
    ) -> _Plan:
        names = list(dict.fromkeys(quantization_named(name) for name in quantizations))
        if not names:
            raise BadInput("No quantization was chosen. Name at least one, such as Q8_0.")
        found = self.models.find(model)
        if found.gguf_path is not None:
            raise BadInput(f"'{model}' is a GGUF file already. Export the model it was made from.")
        facts = read_folder(found.path)
        paths = {name: self._out(found, name, outs.get(name)) for name in names}
        if prompts is None:
            prompts = questions_for(self.database, self.models.artifacts, self.project_id, found.name, CHECKED_PROMPTS)
        if prompts and not facts.chat_template:
            raise BadInput(
                f"Model '{model}' has no chat template, so its file could not be asked. Train it on chats first."
            )
        converter = converter_folder(self.settings)
        needed = facts.parameters * (2 + 2 * len(names))
        for path in paths.values():
            gguf_writing.check_room(path.parent, needed)
        return _Plan(found, facts, paths, tuple(_conversation(prompt) for prompt in prompts), converter)

    def _out(self, model: ModelRef, quantization: str, out: Path | None) -> Path:
        """Where a file goes. A place of the user's own must be free, or hold this same export from before."""
        usual = (
            self.settings.workspace
            / "exports"
            / str(self.project_id)
            / model.name
            / f"{model.name}-{quantization}.gguf"
        )
        if out is None:
            usual.parent.mkdir(parents=True, exist_ok=True)
            return usual
        out = out.expanduser().absolute()
        if out.is_dir():
            out = out / usual.name
        if not out.parent.is_dir():
            raise BadInput(
                f"There is no folder {out.parent} to write {out.name} to. Create it or choose another place."
            )
        if not os.access(out.parent, os.W_OK):
            raise BadInput(f"The folder {out.parent} cannot be written. Check its permissions or choose another place.")
        if out.exists() and not self._is_own(model, quantization, out):
            raise BadInput(f"There is already a file at {out}. Remove it or choose another name with --out.")
        return out

    def _is_own(self, model: ModelRef, quantization: str, out: Path) -> bool:
        try:
            files = self.models.files(model.name)
        except NotFound:
            return False
        return any(file.quantization == quantization and Path(file.path) == out for file in files)

    # --- doing

    def _reference(
        self, stack: ExitStack, plan: _Plan, max_tokens: int, steps: "_Steps", should_stop: Callable[[], bool] | None
    ) -> Reference | None:
        if not plan.prompts:
            return None
        opened = reference_of(
            plan.model.path,
            plan.prompts,
            max_tokens=max_tokens,
            should_stop=should_stop,
        )
        reference = stack.enter_context(opened)
        steps.done(f"the original answered {len(plan.prompts)} questions")
        return reference

    def _write(self, plan: _Plan, steps: "_Steps", should_stop: Callable[[], bool] | None) -> None:
        """All files, through one float file that is written first and thrown away unless it was wanted."""
        threads = threads_for(plan.facts.parameters)
        floats = {name: path for name, path in plan.outs.items() if name in FLOATS}
        quantized = {name: path for name, path in plan.outs.items() if name not in FLOATS}
        with tempfile.TemporaryDirectory(dir=next(iter(plan.outs.values())).parent, prefix=".export-") as folder:
            room = Path(folder)
            sources = {name: room / f"{name}.gguf" for name in floats}
            kind = gguf_writing.float_kind(plan.facts, "")
            if quantized:
                sources.setdefault(kind, room / f"{kind}.gguf")
            for name, path in sources.items():
                gguf_writing.convert(
                    plan.model.path, path, name, name=plan.model.name, converter=plan.converter, should_stop=should_stop
                )
            steps.done("converted")
            for name, path in quantized.items():
                made = room / f"{name}.gguf"
                gguf_writing.quantize(sources[kind], made, name, threads=threads, should_stop=should_stop)
                gguf_writing.settle(made, path)
                steps.done(f"{name} written")
            for name, path in floats.items():
                gguf_writing.settle(sources[name], path)
                steps.done(f"{name} written")

    def _checked(
        self,
        plan: _Plan,
        name: str,
        reference: "Future[Reference | None]",
        steps: "_Steps",
        should_stop: Callable[[], bool] | None,
    ) -> dict[str, Any]:
        path, original = plan.outs[name], reference.result()
        facts = read_gguf(path)
        parity = original.compare(path, known=plan.answers, should_stop=should_stop) if original else None
        file = ModelFile(
            model_id=0,
            quantization=name,
            path=str(path),
            bytes=facts.bytes,
            sha256=sha256_of(path),
            tensor_types=facts.tensor_types,
            parity=parity.as_dict() if parity else None,
        )
        if plan.model.kind != "folder":
            self.models.record_file(plan.model.name, file)
        steps.done(f"{name} checked")
        return file_report(file)

    def _with_cards(self, plan: _Plan, reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A student's card is brought up to date and lies beside each file: `card` says where, None if not."""
        if plan.model.kind != "student":
            return reports
        cards = Cards(self.models).refresh(plan.model.name, *plan.outs.values())
        return [report | {"card": str(card) if card else None} for report, card in zip(reports, cards, strict=True)]


class _Steps:
    """Counts finished steps of an export; threads may report at once."""

    def __init__(self, tell: Progress, total: int) -> None:
        self._tell, self._total, self._done = tell, total, 0

    def done(self, message: str) -> None:
        self._done = min(self._done + 1, self._total)
        self._tell(self._done, self._total, message)


def job(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Entry point of an export in the background: {"model", "quantizations"}."""
    jobs = Jobs(context.database, context.project_id, context.settings)
    models = Models(context.database, context.project_id, context.settings, Artifacts(context.settings.artifacts))
    exporting = Exporting(context.database, context.project_id, context.settings, models, jobs)
    files = exporting.export_many(
        payload["model"], payload["quantizations"], progress=context.progress, should_stop=context.should_stop
    )
    return {"files": files}


def _conversation(prompt: str | Messages) -> Messages:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
