"""A Hugging Face folder loaded with transformers, answering in batches. Loaded in child processes only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.engine.domain.messages import Messages
from studio.engine.engines.engine import Completion, Inbox, Task, checked_prompt
from studio.engine.engines.processes import threads_for
from studio.engine.errors import BadInput

ROWS = 64
KEEP_ABOVE = 0.75
"""Share of a batch's rows still going, at or below which the finished ones are dropped from the computation."""
LONGEST = 8192


@dataclass
class _Row:
    """One conversation of a batch in progress."""

    task: Task
    prompt: list[int]
    limit: int
    said: list[int] = field(default_factory=list)
    ended: bool = False
    drawing: torch.Generator | None = None

    def generator(self) -> torch.Generator:
        if self.drawing is None:
            self.drawing = torch.Generator().manual_seed(self.task.ask.seed)
        return self.drawing


class TorchEngine:
    """Raises BadInput when transformers cannot load the folder, or its tokenizer has no chat template."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self.name = folder.name
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, trust_remote_code=False, use_safetensors=True, dtype="auto", local_files_only=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as exc:
            reason = str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
            raise BadInput(
                f"transformers cannot load the model in {folder} ({reason}). Use a complete copy of it."
            ) from exc
        if not self.tokenizer.chat_template:
            raise BadInput(
                f"The model in {folder} has no chat template, so it cannot be asked as a chat. Train it on chats first."
            )
        torch.set_num_threads(threads or threads_for(model.num_parameters()))
        self.model = model.to(self.device).eval()
        self.context = min(_context_length(model.config), LONGEST)
        self.stops = _stops(self.tokenizer, self.model)

    def tokens_of(self, messages: Messages) -> list[int]:
        try:
            return list(
                self.tokenizer.apply_chat_template(
                    list(messages), add_generation_prompt=True, tokenize=True, return_dict=True
                )["input_ids"]
            )
        except MemoryError as exc:
            raise BadInput(
                "The model's chat template needs more memory than a model may take. Get the model anew, from someone "
                "you trust."
            ) from exc
        except Exception as exc:  # Jinja's and the template's own errors share no base
            raise BadInput(
                f"The model's chat template refuses these messages ({exc}). Change their roles or order."
            ) from exc

    def serve(self, inbox: Inbox) -> None:
        while tasks := inbox.take(ROWS, wait=True):
            ready: list[tuple[Task, list[int]]] = []
            for task in tasks:
                try:
                    ready.append((task, checked_prompt(self.tokens_of(task.ask.messages), self.context)))
                except Exception as exc:
                    task.answer.set_exception(exc)
            try:
                self._answer(ready)
            except BaseException as exc:
                for task, _ in ready:
                    if not task.answer.done():
                        task.answer.set_exception(exc)
                raise

    def log_probabilities(self, tokens: Sequence[int], start: int) -> np.ndarray:
        """What the model expects after each token from `start` on: (len(tokens) - start, vocabulary), in nats."""
        with torch.inference_mode():
            logits = self.model(input_ids=torch.tensor([list(tokens)], device=self.device), use_cache=False).logits
            return logits[0, start:].float().log_softmax(-1).cpu().numpy()

    @torch.inference_mode()
    def _answer(self, ready: list[tuple[Task, list[int]]]) -> None:
        """Continues all prompts together, left-padded; each answer is handed over when it ends."""
        if not ready:
            return
        ids, mask = self._padded([prompt for _, prompt in ready])
        rows = [_Row(task, prompt, min(task.ask.max_tokens, self.context - len(prompt))) for task, prompt in ready]
        cache, positions = None, (mask.cumsum(-1) - 1).clamp(min=0)
        while True:
            out = self.model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
            )
            cache = out.past_key_values
            chosen = _chosen(out.logits[:, -1].float(), rows)
            left = [index for index, row in enumerate(rows) if self._goes_on(row, int(chosen[index]))]
            if not left:
                return
            ids, positions = chosen[:, None], positions[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            if len(left) <= len(rows) * KEEP_ABOVE and hasattr(cache, "batch_select_indices"):
                keep = torch.tensor(left, device=self.device)
                cache.batch_select_indices(keep)
                ids, positions, mask, rows = ids[keep], positions[keep], mask[keep], [rows[index] for index in left]

    def _goes_on(self, row: "_Row", token: int) -> bool:
        """Adds the token to what was said and, when that ends the answer, hands it over."""
        if row.ended:
            return False
        stopped = token in self.stops
        if not stopped:
            row.said.append(token)
        row.ended = stopped or len(row.said) >= row.limit
        if row.ended:
            text = self.tokenizer.decode(row.said, skip_special_tokens=True)
            reason = "stop" if stopped else "length"
            row.task.answer.set_result(Completion(text, tuple(row.said), len(row.prompt), reason))
        return not row.ended

    def _padded(self, prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and mask of (rows, longest prompt), filled up on the left."""
        width = max(map(len, prompts))
        filler = self.tokenizer.pad_token_id or 0
        ids = [[filler] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)


def _chosen(logits: torch.Tensor, rows: list[_Row]) -> torch.Tensor:
    chosen = logits.argmax(-1)
    for index, row in enumerate(rows):
        if row.task.ask.temperature > 0 and not row.ended:
            chosen[index] = _drawn(logits[index].cpu(), row)
    return chosen


def _drawn(logits: torch.Tensor, row: _Row) -> int:
    weights = (logits / row.task.ask.temperature).softmax(-1)
    if row.task.ask.top_p < 1:
        ordered, order = weights.sort(descending=True)
        ordered[ordered.cumsum(-1) - ordered > row.task.ask.top_p] = 0
        weights = torch.zeros_like(weights).scatter(0, order, ordered)
    return int(torch.multinomial(weights, 1, generator=row.generator()))


def _stops(tokenizer: Any, model: Any) -> frozenset[int]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    found = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*found, tokenizer.eos_token_id] if token is not None)


def _context_length(config: Any) -> int:
    """Tokens that the model reads at most; `LONGEST` for a model that does not say."""
    text = config.get_text_config()
    found = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    return found if isinstance(found, int) else LONGEST
