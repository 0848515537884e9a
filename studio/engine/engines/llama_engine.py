"""A GGUF file loaded with llama.cpp, answering many conversations side by side. Loaded in child processes only.

It calls llama.cpp's C interface directly, since the convenience class of llama-cpp-python answers one at a time: here
every conversation has a sequence of its own and each decoding step moves all of them on by a token.
"""

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import llama_cpp
import numpy as np

from studio.engine.domain.messages import Messages
from studio.engine.engines.engine import Completion, Inbox, Task, checked_prompt
from studio.engine.engines.processes import threads_for
from studio.engine.engines.templates import ChatTemplate
from studio.engine.errors import BadInput

LONGEST = 8192
BATCH = 512
CACHE = 2**30
"""Bytes that all sequences' attention caches together may take."""
MOST_SLOTS = 16


@dataclass
class _Slot:
    """One conversation in progress: `pending` has still to be read by the model."""

    task: Task
    pending: list[int]
    prompt_length: int
    limit: int
    rng: np.random.Generator
    position: int = 0
    said: list[int] = field(default_factory=list)


class LlamaEngine:
    """Raises BadInput when llama.cpp cannot load the file, or the file has no chat template."""

    def __init__(self, path: Path, *, slots: int | None = None, threads: int | None = None) -> None:
        self.name = path.stem
        _quieten()
        llama_cpp.llama_backend_init()
        self._model = _load(path)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self.context = min(llama_cpp.llama_model_n_ctx_train(self._model) or LONGEST, LONGEST)
        self.slots = slots or self._affordable_slots()
        self._context = self._open(threads or threads_for(llama_cpp.llama_model_n_params(self._model)))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(BATCH, 0, 1)
        self._template = self._read_template(path)

    # --- words and tokens

    def tokens_of(self, messages: Messages) -> list[int]:
        return self.tokenize(self._template.render(messages))

    def tokenize(self, text: str) -> list[int]:
        """Ids of a rendered text: the template writes the special tokens, so none is added here."""
        data = text.encode()
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, True)
        if count < 0:
            raise BadInput("The model's tokenizer cannot read this text. Check it for damaged characters.")
        return ids[:count]

    def text_of(self, tokens: Sequence[int]) -> str:
        ids = (llama_cpp.llama_token * len(tokens))(*tokens)
        room = 64 + 16 * len(tokens)
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = llama_cpp.llama_detokenize(self._vocab, ids, len(tokens), buffer, room, False, False)
            if count >= 0:
                return buffer.raw[:count].decode(errors="replace")
            room = -count

    # --- answering

    def serve(self, inbox: Inbox) -> None:
        active: dict[int, _Slot] = {}
        try:
            while True:
                self._admit(inbox, active)
                if not active:
                    return
                self._step(active)
        except BaseException as exc:
            for slot in active.values():
                slot.task.answer.set_exception(exc)
            raise

    def _admit(self, inbox: Inbox, active: dict[int, _Slot]) -> None:
        """Fills free slots with waiting tasks; waits when there is nothing else to do."""
        while len(active) < self.slots:
            tasks = inbox.take(self.slots - len(active), wait=not active)
            if not tasks:
                return
            for task in tasks:
                try:
                    slot = self._slot(task)
                except Exception as exc:
                    task.answer.set_exception(exc)
                    continue
                active[next(number for number in range(self.slots) if number not in active)] = slot

    def _slot(self, task: Task) -> _Slot:
        prompt = checked_prompt(self.tokens_of(task.ask.messages), self.context)
        limit = min(task.ask.max_tokens, self.context - len(prompt))
        return _Slot(task, prompt, len(prompt), limit, np.random.default_rng(task.ask.seed))

    def _step(self, active: dict[int, _Slot]) -> None:
        """Reads what is pending, as much as one batch takes, and moves each finished reader on by a token."""
        rows: list[int] = []
        room = BATCH
        self._batch.n_tokens = 0
        for number, slot in active.items():
            part = slot.pending[:room]
            if not part:
                continue
            slot.pending = slot.pending[len(part) :]
            self._add(number, slot.position, part)
            self._batch.logits[self._batch.n_tokens - 1] = not slot.pending
            slot.position += len(part)
            room -= len(part)
            if not slot.pending:
                rows.append(number)
        self._decode()
        if rows:
            self._choose(active, rows, self._logits(len(rows)))

    def _choose(self, active: dict[int, _Slot], rows: list[int], logits: np.ndarray) -> None:
        likeliest = logits.argmax(axis=1)
        for row, number in enumerate(rows):
            slot = active[number]
            token = int(likeliest[row])
            if slot.task.ask.temperature > 0:
                token = drawn(logits[row], slot.task.ask.temperature, slot.task.ask.top_p, slot.rng)
            ended = llama_cpp.llama_vocab_is_eog(self._vocab, token)
            if not ended:
                slot.said.append(token)
                slot.pending = [token]
            if ended or len(slot.said) >= slot.limit:
                del active[number]
                llama_cpp.llama_memory_seq_rm(self._memory, number, -1, -1)
                slot.task.answer.set_result(self._answer(slot, "stop" if ended else "length"))

    def _answer(self, slot: _Slot, reason: str) -> Completion:
        return Completion(self.text_of(slot.said), tuple(slot.said), slot.prompt_length, reason)

    def log_probabilities(self, tokens: Sequence[int], start: int) -> np.ndarray:
        """What the model expects after each token from `start` on: (len(tokens) - start, vocabulary), in nats."""
        parts = []
        for first in range(0, len(tokens), BATCH):
            part = list(tokens[first : first + BATCH])
            self._batch.n_tokens = 0
            self._add(0, first, part)
            for index in range(len(part)):
                self._batch.logits[index] = True
            self._decode()
            parts.append(self._logits(len(part)).copy())
        llama_cpp.llama_memory_seq_rm(self._memory, 0, -1, -1)
        return log_softmax(np.concatenate(parts)[start:])

    # --- llama.cpp

    def _add(self, sequence: int, position: int, tokens: Sequence[int]) -> None:
        """Puts tokens in the batch; none of them asks for logits yet."""
        batch = self._batch
        for offset, token in enumerate(tokens):
            index = batch.n_tokens + offset
            batch.token[index] = token
            batch.pos[index] = position + offset
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = False
        batch.n_tokens += len(tokens)

    def _decode(self) -> None:
        code = llama_cpp.llama_decode(self._context, self._batch)
        if code != 0:
            raise RuntimeError(f"llama.cpp could not decode (code {code})")

    def _logits(self, rows: int) -> np.ndarray:
        pointer = llama_cpp.llama_get_logits(self._context)
        return np.ctypeslib.as_array(pointer, shape=(rows * self.vocabulary,)).reshape(rows, self.vocabulary)

    def _open(self, threads: int) -> llama_cpp.llama_context_p:
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = self.context * self.slots
        options.n_seq_max = self.slots
        options.n_batch = options.n_ubatch = BATCH
        options.n_threads = options.n_threads_batch = threads
        # One cache for all: measured a third faster for small models than a stream of its own for each sequence.
        options.kv_unified = True
        options.no_perf = True
        context = llama_cpp.llama_init_from_model(self._model, options)
        if not context:
            raise BadInput(
                f"There is not enough memory to run {self.name}. Close other programs or choose a smaller file."
            )
        return context

    def _affordable_slots(self) -> int:
        model = self._model
        heads, shared = llama_cpp.llama_model_n_head(model), llama_cpp.llama_model_n_head_kv(model)
        width = llama_cpp.llama_model_n_embd(model) * max(shared, 1) // max(heads, 1)
        each = max(1, self.context * llama_cpp.llama_model_n_layer(model) * width * 4)
        return max(1, min(MOST_SLOTS, CACHE // each))

    def _read_template(self, path: Path) -> ChatTemplate:
        source = llama_cpp.llama_model_chat_template(self._model, None)
        if not source:
            raise BadInput(
                f"The file {path.name} has no chat template, so it cannot be asked as a chat. Use a chat model's file."
            )
        return ChatTemplate(source.decode(), bos=self._piece("bos"), eos=self._piece("eos"))

    def _piece(self, which: str) -> str:
        token = getattr(llama_cpp, f"llama_vocab_{which}")(self._vocab)
        text = llama_cpp.llama_vocab_get_text(self._vocab, token) if token >= 0 else None
        return text.decode() if text else ""


def drawn(logits: np.ndarray, temperature: float, top_p: float, rng: np.random.Generator) -> int:
    """A token drawn from the softmax at this temperature, from the likeliest ones that together reach `top_p`."""
    weights = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    weights /= weights.sum()
    if top_p < 1:
        order = np.argsort(-weights)
        keep = order[: int(np.searchsorted(np.cumsum(weights[order]), top_p)) + 1]
        return int(rng.choice(keep, p=weights[keep] / weights[keep].sum()))
    return int(rng.choice(len(weights), p=weights))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _load(path: Path) -> llama_cpp.llama_model_p:
    options = llama_cpp.llama_model_default_params()
    options.n_gpu_layers = 999 if llama_cpp.llama_supports_gpu_offload() else 0
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
    if not model:
        raise BadInput(f"llama.cpp cannot load {path.name}: it is damaged, or of a kind this version does not know.")
    return model


@llama_cpp.llama_log_callback
def _errors_only(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
    if level == 4:
        os.write(2, text)


def _quieten() -> None:
    llama_cpp.llama_log_set(_errors_only, ctypes.c_void_p(0))
