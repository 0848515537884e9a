"""The room that answers: opens a model or a teacher by name, and talks to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.engines import running
from studio.engine.errors import BadInput, NotFound
from studio.engine.inference.responder import Responder, responder_of_model
from studio.engine.inference.teacher_responder import TeacherResponder
from studio.engine.models import ModelRef, Models, identity_of, located
from studio.engine.scoring import AnswerSubject
from studio.engine.settings import Settings
from studio.engine.store import Database
from studio.engine.store.tables import Teacher
from studio.engine.teachers import SystemMessages, Teachers
from studio.engine.teachers.asking import Asking, Purpose
from studio.engine.teachers.plans import identity

MODEL_PARAMETERS = ("max_tokens", "temperature")
"""What can be set of an answer of a model of this machine."""


class Inference(Service):
    """Answers from this project's models and teachers. A name that stands for both means the model."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        models: Models,
        teachers: Teachers,
        system_messages: SystemMessages,
        asking: Asking,
    ) -> None:
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.models = models
        self.teachers = teachers
        self.system_messages = system_messages
        self.asking = asking

    @needs(Action.SPEND)
    @contextmanager
    def open(
        self,
        name: str,
        *,
        quantization: str | None = None,
        purpose: Purpose = Purpose.CHAT,
        parameters: dict[str, Any] | None = None,
        fresh: bool = False,
    ) -> Iterator[Responder | TeacherResponder]:
        """A responder for a model (or its GGUF file of that quantization), a folder, a .gguf path, or a teacher.

        A model runs in a child process for as long as the block lasts. A teacher is asked through collecting, for a
        purpose, with the parameters given and no others; `fresh` asks again what was answered before. Raises NotFound
        for an unknown name, BadInput when the model cannot be loaded.
        """
        teacher = self._teacher(name)
        if teacher is not None and quantization is None:
            yield TeacherResponder(self.asking, teacher, purpose, parameters or {}, fresh=fresh)
            return
        model = self._model(name, quantization)
        with running(model.name, model.weights) as process:
            yield responder_of_model(model.name, process.base_url, process.why_gone)

    @needs(Action.READ)
    def subject(self, name: str, *, quantization: str | None = None, purpose: Purpose = Purpose.SCORE) -> AnswerSubject:
        """Whoever `open` would open, as the one to whom stored answers belong. Raises the same."""
        teacher = self._teacher(name)
        is_teacher = teacher is not None and quantization is None
        if teacher is not None and is_teacher:
            key = f"teacher:{identity(teacher)} {teacher.model}"
        else:
            key = identity_of(self._model(name, quantization))
        return AnswerSubject(key, lambda: self.open(name, quantization=quantization, purpose=purpose), is_teacher)

    @needs(Action.SPEND)
    def chat(
        self,
        name: str,
        message: str,
        system: str = "",
        *,
        quantization: str | None = None,
        parameters: dict[str, Any] | None = None,
        fresh: bool = False,
        on_delta: Callable[[str | None], None] | None = None,
    ) -> str:
        """One answer to one message. `system` is the text of a system message, or empty for none.

        A teacher's answer comes to `on_delta` in pieces as it arrives, with None where it begins. The parameters are
        sent to a teacher as they are; of a model they can set `max_tokens` and `temperature`.
        """
        if not message.strip():
            raise BadInput("The message is empty. Write something to answer.")
        turns = [{"role": "system", "content": system}] if system else []
        turns += [{"role": "user", "content": message}]
        with self.open(name, quantization=quantization, parameters=parameters, fresh=fresh) as responder:
            if isinstance(responder, TeacherResponder):
                return responder.respond(turns, on_delta=on_delta).text
            return responder.respond(turns, **_of_a_model(parameters or {})).text

    def _model(self, name: str, quantization: str | None) -> ModelRef:
        if quantization is None:
            return self.models.find(name)
        files = {file.quantization.casefold(): file for file in self.models.files(name)}
        file = files.get(quantization.casefold())
        if file is None:
            known = ", ".join(sorted(found.quantization for found in files.values())) or "none yet"
            raise NotFound(f"Model '{name}' has no {quantization} file (it has: {known}). Export it first.")
        path = self.models.path_of(file)
        if (found := located(path)) is None:
            raise BadInput(f"The {file.quantization} file of model '{name}' is gone from {path}. Export it again.")
        return replace(found, name=f"{name} {file.quantization}")

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


def _of_a_model(parameters: dict[str, Any]) -> dict[str, Any]:
    """Raises BadInput for a parameter that a model of this machine does not take."""
    for name in parameters:
        if name not in MODEL_PARAMETERS:
            raise BadInput(f"A model takes {' and '.join(MODEL_PARAMETERS)}, not '{name}'. Leave it out.")
    return parameters
