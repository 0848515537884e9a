"""Renders a model's chat template as transformers does: the same sandboxed Jinja, extensions and filters."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from studio.engine.domain.messages import Messages
from studio.engine.errors import BadInput

LONGEST = 20_000_000
"""Characters of one conversation in its template: several times what the longest contexts hold."""
_GENERATION = re.compile(r"(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})")


def without_generation_marks(template: str) -> str:
    """The template as every llama.cpp-based program can read it: training marks become conditions that always hold."""
    return _GENERATION.sub(lambda found: f"{found[1]}{'endif' if found[2] else 'if true'}{found[3]}", template)


class ChatTemplate:
    """A template with the token texts it may mention. Raises BadInput when it is no valid template."""

    def __init__(self, source: str, *, bos: str, eos: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _now
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = environment.from_string(without_generation_marks(source))
        except jinja2.TemplateError as exc:
            raise BadInput(
                f"The model's chat template is not valid Jinja ({exc}). Use a model with a working one."
            ) from exc

    def render(self, messages: Messages, *, add_generation_prompt: bool = True) -> str:
        """The conversation as one text. Raises BadInput when the template refuses these messages, or writes far more
        than they hold."""
        values = {"messages": list(messages), "add_generation_prompt": add_generation_prompt, "tools": None}
        try:
            return _bounded(self._template.generate(**values, **self._tokens))
        except jinja2.TemplateError as exc:
            raise BadInput(
                f"The model's chat template refuses these messages ({exc}). Change their roles or order."
            ) from exc


def _bounded(pieces: Iterable[str]) -> str:
    """The pieces as one text. Raises BadInput where they do not end: a template is a stranger's program."""
    written, length = [], 0
    for piece in pieces:
        written.append(piece)
        length += len(piece)
        if length > LONGEST:
            raise BadInput(
                f"The model's chat template writes more than {LONGEST:,} characters. Get the model anew, from someone "
                "you trust."
            )
    return "".join(written)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)
