"""The export room: a model becomes GGUF files, each read back, hashed and held against the original."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.engine.cards import Cards
from studio.engine.domain.messages import Messages
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.status import status
from studio.engine.engines import threads_for
from studio.engine.errors import BadInput, NotFound
from studio.engine.export import gguf_writing
from studio.engine.export.converter import converter_folder
from studio.engine.export.parity import MAX_TOKENS, Original, original_of
from studio.engine.export.quantizations import FLOATS, quantization_named
from studio.engine.export.questions import questions_for
from studio.engine.jobs import WHOLE_MACHINE, Jobs, Kind, Progress, Retry, Subject
from studio.engine.models import FolderFacts, ModelRef, Models, read_folder, read_gguf
from studio.engine.scoring import Answers, AnswerSettings, AnswerSubject, Question
from studio.engine.settings import Settings
from studio.engine.store import Database, place_of, sha256_of, temporary_folder
from studio.engine.store.tables import Job, ModelFile

EXPORT = Kind("export", WHOLE_MACHINE, retry=Retry.REPEATS)
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
    """The right answer of each prompt, empty where it is not known."""
    are_unseen: bool = True


class Exporting(Service):
    """Exports this project's models."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        models: Models,
        cards: Cards,
        jobs: Jobs,
        answers: Answers,
        subject: Callable[[str], AnswerSubject],
    ) -> None:
        """`subject` finds who answers behind the path of a folder or a file."""
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.models = models
        self.cards = cards
        self.jobs = jobs
        self.answers = answers
        self.subject = subject

    @needs(Action.BUILD)
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

    @needs(Action.BUILD)
    def export_many(
        self,
        model: str,
        quantizations: Sequence[str],
        *,
        outs: dict[str, Path] | None = None,
        prompts: Sequence[str | Messages] | None = None,
        answers: Sequence[str] = (),
        max_tokens: int = MAX_TOKENS,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[dict[str, Any]]:
        """Several files of one model in the order given; it is converted once and answers the questions once.

        With `answers`, the right one for each prompt, each file's parity says `exact_match` too, unless the model was
        trained on the prompts.
        """
        tell = progress or (lambda done, total, message: None)
        plan = self._plan(model, quantizations, outs or {}, prompts)
        if answers:
            plan = replace(plan, answers=tuple(answers))
        steps = _Steps(tell, 2 * len(plan.outs) + 2)
        with ExitStack() as stack, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            reference = pool.submit(self._reference, stack, plan, max_tokens, steps, should_stop)
            try:
                self._write(plan, steps, should_stop)
            finally:
                reference.exception()
            reports = list(
                pool.map(lambda name: self._checked(plan, name, max_tokens, reference, steps, should_stop), plan.outs)
            )
        return self._with_cards(plan, reports)

    @needs(Action.BUILD)
    def start(self, model: str, quantizations: Sequence[str]) -> Job:
        """Exports in the background. Raises what can be told beforehand."""
        names = [quantization_named(name) for name in quantizations]
        found = self._plan(model, names, {}, []).model
        payload: dict[str, Any] = {"model": found.name, "quantizations": names}
        if found.kind == "folder":
            payload["address"] = str(self.models.addresses.of(found.path))
        title = status("title_export", name=found.name, quantizations=", ".join(names))
        about = self._subject(model)
        return self.jobs.enqueue(EXPORT, title, payload, subject=about, total=2 * len(names) + 2)

    @needs(Action.READ)
    def files(self, model: str) -> Sequence[ModelFile]:
        """The model's GGUF files, the newest first."""
        return self.models.files(model)

    def _subject(self, model: str) -> Subject | None:
        """The model's row; a folder that is no row of this project is nobody's subject."""
        try:
            return Subject("model", self.models.get(model).id or 0)
        except NotFound:
            return None

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
        answers: Sequence[str] = ()
        are_unseen = True
        if prompts is None:
            where = self.database, self.models.artifacts, self.project_id
            asked = questions_for(*where, found.name, CHECKED_PROMPTS)
            prompts, answers, are_unseen = asked.conversations, asked.answers, asked.are_unseen
        if prompts and not facts.chat_template:
            raise BadInput(
                f"Model '{model}' has no chat template, so its file could not be asked. Train it on chats first."
            )
        converter = converter_folder(self.settings)
        needed = facts.parameters * (2 + 2 * len(names))
        for path in paths.values():
            gguf_writing.check_room(path.parent, needed)
        conversations = tuple(_conversation(prompt) for prompt in prompts)
        return _Plan(found, facts, paths, conversations, converter, tuple(answers), are_unseen)

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
        references = self.models.references
        out = references.target(out / usual.name if references.source(out).is_dir() else out)
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
        address = str(self.models.addresses.of(out))
        return any(file.quantization == quantization and file.path == address for file in files)

    # --- doing

    def _reference(
        self, stack: ExitStack, plan: _Plan, max_tokens: int, steps: "_Steps", should_stop: Callable[[], bool] | None
    ) -> Original | None:
        if not plan.prompts:
            return None
        said = self._said(plan, plan.model.path, max_tokens, should_stop)
        reference = stack.enter_context(original_of(plan.model.path, plan.prompts, said, should_stop=should_stop))
        steps.done(status("original_answered", n=len(plan.prompts)))
        return reference

    def _said(self, plan: _Plan, path: Path, max_tokens: int, should_stop: Callable[[], bool] | None) -> list[str]:
        """What a folder or a file says to the questions, greedily; asked only for what is not stored yet."""
        questions = [Question(messages) for messages in plan.prompts]
        settings = AnswerSettings(max_tokens=max_tokens)
        found = self.answers.ask(self.subject(str(path)), questions, settings, should_stop=should_stop)
        return [answer.text for answer in found]

    def _write(self, plan: _Plan, steps: "_Steps", should_stop: Callable[[], bool] | None) -> None:
        """All files, through one float file that is written first and thrown away unless it was wanted."""
        threads = threads_for(plan.facts.parameters)
        floats = {name: path for name, path in plan.outs.items() if name in FLOATS}
        quantized = {name: path for name, path in plan.outs.items() if name not in FLOATS}
        with temporary_folder(place_of(next(iter(plan.outs.values()))).parent, ".export-") as room:
            sources = {name: room / f"{name}.gguf" for name in floats}
            kind = gguf_writing.float_kind(plan.facts, "")
            if quantized:
                sources.setdefault(kind, room / f"{kind}.gguf")
            for name, path in sources.items():
                gguf_writing.convert(
                    plan.model.path, path, name, name=plan.model.name, converter=plan.converter, should_stop=should_stop
                )
            steps.done(status("converted"))
            for name, path in quantized.items():
                made = room / f"{name}.gguf"
                gguf_writing.quantize(sources[kind], made, name, threads=threads, should_stop=should_stop)
                gguf_writing.settle(made, path)
                steps.done(status("written", name=name))
            for name, path in floats.items():
                gguf_writing.settle(sources[name], path)
                steps.done(status("written", name=name))

    def _checked(
        self,
        plan: _Plan,
        name: str,
        max_tokens: int,
        reference: "Future[Original | None]",
        steps: "_Steps",
        should_stop: Callable[[], bool] | None,
    ) -> dict[str, Any]:
        path, original = plan.outs[name], reference.result()
        facts = read_gguf(path)
        parity = None
        if original:
            said = self._said(plan, path, max_tokens, should_stop)
            parity = original.compare(
                path, said, known=plan.answers, are_unseen=plan.are_unseen, should_stop=should_stop
            )
        file = ModelFile(
            model_id=0,
            quantization=name,
            path=str(self.models.addresses.of(path)),
            bytes=facts.bytes,
            sha256=sha256_of(path),
            tensor_types=facts.tensor_types,
            parity=parity.as_dict() if parity else None,
        )
        if plan.model.kind != "folder":
            self.models.record_file(plan.model.name, file)
        steps.done(status("checked", name=name))
        return self.models.file_report(file)

    def _with_cards(self, plan: _Plan, reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A student's card is brought up to date and lies beside each file: `card` says where, None if not."""
        if plan.model.kind != "student":
            return reports
        cards = self.cards.refresh(plan.model.name, *plan.outs.values())
        return [report | {"card": str(card) if card else None} for report, card in zip(reports, cards, strict=True)]


class _Steps:
    """Counts finished steps of an export; threads may report at once."""

    def __init__(self, tell: Progress, total: int) -> None:
        self._tell, self._total, self._done = tell, total, 0

    def done(self, message: str) -> None:
        self._done = min(self._done + 1, self._total)
        self._tell(self._done, self._total, message)


def _conversation(prompt: str | Messages) -> Messages:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
