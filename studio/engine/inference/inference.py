"""The room that answers: opens a model or a teacher by name, and talks to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from studio.engine.errors import BadInput, NotFound
from studio.engine.inference.responder import Responder, responder_of_model
from studio.engine.inference.serving import running
from studio.engine.models import ModelRef, Models
from studio.engine.settings import Settings
from studio.engine.store.database import Database
from studio.engine.store.tables import Teacher
from studio.engine.teachers import Teachers
from studio.engine.teachers.local import served
from studio.engine.teachers.system_messages import SystemMessages


class Inference:
    """Answers from this project's models and teachers. A name that stands for both means the model."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        models: Models,
        teachers: Teachers,
        system_messages: SystemMessages,
    ) -> None:
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.models = models
        self.teachers = teachers
        self.system_messages = system_messages

    @contextmanager
    def open(self, name: str, *, quantization: str | None = None) -> Iterator[Responder]:
        """A responder for a model (or its GGUF file of that quantization), a folder, a .gguf path, or a teacher.

        A model runs in a child process for as long as the block lasts. Raises NotFound for an unknown name, BadInput
        when the model cannot be loaded.
        """
        teacher = self._teacher(name)
        if teacher is not None and quantization is None:
            with served(teacher) as base_url:
                yield Responder(f"The teacher '{name}'", teacher, base_url)
            return
        model = self._model(name, quantization)
        with running(model) as process:
            yield responder_of_model(model.name, process.base_url, process.why_gone)

    def chat(self, name: str, message: str, system: str = "", *, quantization: str | None = None) -> str:
        """One answer to one message. `system` is the text of a system message, or empty for none."""
        if not message.strip():
            raise BadInput("The message is empty. Write something to answer.")
        turns = [{"role": "system", "content": system}] if system else []
        with self.open(name, quantization=quantization) as responder:
            return responder.respond([*turns, {"role": "user", "content": message}]).text

    def _model(self, name: str, quantization: str | None) -> ModelRef:
        if quantization is None:
            return self.models.find(name)
        files = {file.quantization.casefold(): file for file in self.models.files(name)}
        file = files.get(quantization.casefold())
        if file is None:
            known = ", ".join(sorted(found.quantization for found in files.values())) or "none yet"
            raise NotFound(f"Model '{name}' has no {quantization} file (it has: {known}). Export it first.")
        found = self.models.find(file.path)
        return ModelRef(f"{name} {file.quantization}", found.path, "gguf", found.gguf_path)

    def _teacher(self, name: str) -> Teacher | None:
        """The teacher of that name, unless a model or a file answers to it. Raises NotFound when nothing does."""
        try:
            self.models.find(name)
            return None
        except NotFound:
            pass
        try:
            return self.teachers.get(name)
        except NotFound:
            models = ", ".join(sorted(model.name for model in self.models.list())) or "none"
            raise NotFound(f"There is no model or teacher named '{name}' in this project. Models: {models}.") from None
