"""Turns conversations into tokens through the model's own chat template, with a mask on what the teacher said.

The mask covers the tokens of every assistant turn and of the token that ends it, and nothing else: not the prompts, not
the markers of the roles. Runs in child processes only (it needs transformers).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import render_jinja_template

from studio.engine.domain.messages import Messages
from studio.engine.errors import BadInput

Span = tuple[int, int]
CHUNK = 256
GENERATION = re.compile(r"{%-?\s*generation\s*-?%}")

PLAIN_TEMPLATE = (
    "{{ bos_token if bos_token else '' }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}### Answer:\n{{ message['content'] | trim }}{{ eos_token }}"
    "{% elif message['role'] == 'system' %}{{ message['content'] | trim }}\n\n"
    "{% else %}### Prompt:\n{{ message['content'] | trim }}\n\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}### Answer:\n{% endif %}"
)
"""For a base that brings no chat template; it is saved with the student."""


class AmbiguousError(Exception):
    """It cannot be told which tokens of a conversation are the teacher's; the reason is the message."""


@dataclass(frozen=True)
class Row:
    """A conversation as tokens: `ids` and `taught` of shape (length,); `taught` is true on the teacher's tokens."""

    ids: np.ndarray
    taught: np.ndarray

    def cut(self, length: int) -> "Row":
        return Row(self.ids[:length], self.taught[:length])


class Formatter:
    """Formats conversations for one tokenizer. Raises BadInput when its chat template cannot be used at all."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.is_fast:
            raise BadInput(
                "The base's tokenizer cannot say where its tokens lie in the text. Use a base with a tokenizer.json."
            )
        if not isinstance(tokenizer.chat_template, str):
            raise BadInput("The base has no single chat template. Use a base with one, such as an instruct version.")
        self.tokenizer = tokenizer
        self.template: str = tokenizer.chat_template
        self.marked = bool(GENERATION.search(self.template))
        """Whether the template itself marks what the assistant generates."""
        self.end = tokenizer.eos_token or ""

    def rows(self, conversations: Sequence[Messages]) -> Iterator[Row | AmbiguousError]:
        """A row for each conversation, in order, or why it has none."""
        for start in range(0, len(conversations), CHUNK):
            yield from self._chunk(conversations[start : start + CHUNK])

    def row(self, messages: Messages) -> Row:
        """One conversation; raises AmbiguousError."""
        (row,) = self._chunk([messages])
        if isinstance(row, AmbiguousError):
            raise row
        return row

    def spans(self, messages: Messages) -> tuple[str, list[Span]]:
        """The conversation as text, and from where to where the teacher speaks in it (end token included)."""
        if not any(message.get("role") == "assistant" for message in messages):
            raise AmbiguousError("it has no answer")
        text, blocks = self._render(messages)
        spans = blocks if self.marked else list(self._compared(messages, text))
        return text, [(start, self._end_of(text, start, end)) for start, end in spans if end > start]

    def pieces(self, messages: Messages) -> list[str]:
        """The text each token stands for, in order; a byte of a longer character is shown by its token's name."""
        text = self.spans(messages)[0]
        encoded = self._encode([text], offsets=True)
        names = self.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])
        shown, end = [], 0
        for name, (_, stop) in zip(names, encoded["offset_mapping"][0], strict=True):
            shown.append(text[end:stop] or str(name))
            end = max(end, stop)
        return shown

    def _chunk(self, conversations: Sequence[Messages]) -> list[Row | AmbiguousError]:
        found = [self._attempt(messages) for messages in conversations]
        texts = [item[0] for item in found if not isinstance(item, AmbiguousError)]
        prompts = [item[0][: span[0]] for item in found if not isinstance(item, AmbiguousError) for span in item[1]]
        encoded = self._encode(texts, offsets=True) if texts else {"input_ids": [], "offset_mapping": []}
        openings = iter(self._encode(prompts)["input_ids"] if prompts else [])
        pairs = iter(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))
        rows: list[Row | AmbiguousError] = []
        for item in found:
            if isinstance(item, AmbiguousError):
                rows.append(item)
                continue
            ids, offsets = next(pairs)
            rows.append(_masked(ids, offsets, item[1], [next(openings) for _ in item[1]]))
        return rows

    def _attempt(self, messages: Messages) -> tuple[str, list[Span]] | AmbiguousError:
        try:
            return self.spans(messages)
        except AmbiguousError as reason:
            return reason

    def _encode(self, texts: list[str], offsets: bool = False) -> Any:
        return self.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=offsets, verbose=False)

    def _render(self, messages: Messages, *, ask: bool = False) -> tuple[str, list[Span]]:
        try:
            rendered: Any = render_jinja_template(
                [list(messages)],
                chat_template=self.template,
                return_assistant_tokens_mask=self.marked,
                add_generation_prompt=ask,
                **dict[str, Any](self.tokenizer.special_tokens_map),
            )
        except Exception as exc:  # A template is a program of its author's; it may raise anything, mostly about roles.
            raise AmbiguousError(f"the chat template refuses it ({' '.join(str(exc).split())[:120]})") from exc
        texts, blocks = rendered
        return texts[0], [(start, end) for start, end in blocks[0]] if blocks else []

    def _compared(self, messages: Messages, text: str) -> Iterator[Span]:
        """Where each answer stands, by rendering the conversation up to it and through it."""
        for place, message in enumerate(messages):
            if message.get("role") != "assistant":
                continue
            before = self._render(messages[:place], ask=True)[0]
            through = self._render(messages[: place + 1])[0]
            if not text.startswith(before) or not text.startswith(through) or len(through) < len(before):
                raise AmbiguousError(
                    "the chat template writes an earlier answer differently once the conversation goes on"
                )
            if str(message.get("content", "")).strip() not in text[len(before) : len(through)]:
                raise AmbiguousError("the chat template does not repeat the answer as it is")
            yield len(before), len(through)

    def _end_of(self, text: str, start: int, end: int) -> int:
        """Moves the end of a span onto the end of the token that ends the turn."""
        if not self.end:
            return end
        if text.startswith(self.end, end) and not text[start:end].endswith(self.end):
            return end + len(self.end)
        last = text.rfind(self.end, start, end)
        if last >= 0 and not text[last + len(self.end) : end].strip():
            return last + len(self.end)
        return end


def _masked(ids: list[int], offsets: list[Span], spans: list[Span], openings: list[list[int]]) -> Row | AmbiguousError:
    """Marks the tokens inside the spans. `openings` are the tokens of the text before each span, taken alone: if they
    are not how the whole begins, the student would be asked with other tokens than it was trained on."""
    starts, ends = np.array(offsets, dtype=np.int64).reshape(-1, 2).T
    taught = np.zeros(len(ids), dtype=bool)
    for (_, end), opening in zip(spans, openings, strict=True):
        first = len(opening)
        if ids[:first] != opening:
            return AmbiguousError("a token spans the end of the prompt and the beginning of the answer")
        after = np.flatnonzero(starts[first:] >= end)
        last = first + int(after[0]) if len(after) else len(ids)
        if last > first and ends[last - 1] > end:
            return AmbiguousError("a token spans the end of the answer and what follows it")
        taught[first:last] = True
    return Row(np.array(ids, dtype=np.int32), taught)
