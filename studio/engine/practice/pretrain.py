"""Makes the practice base: trains its tokenizer and pre-trains a small Llama on `base_corpus.documents`.

Run once by a developer, not by users: `python -m studio.engine.practice.pretrain --out assets/practice-base`. Two
processes of one thread each share every step (faster on two cores than one process of two threads), and everything is
drawn from `--seed`. There are two phases, each with its own text and a fresh optimizer: reading, along the first part
of a long cosine, and settling, where the learning rate falls to nothing. Together: about forty minutes on two cores.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
from transformers import LlamaConfig, LlamaForCausalLM, LlamaTokenizer

from studio.engine.practice import base_corpus
from studio.engine.practice.families import FAMILIES
from studio.engine.practice.world import ask

TURNS = ("<|system|>", "<|user|>", "<|assistant|>")
END = "<|end|>"
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}"
    "{% if message['content'] %}<|system|>{{ message['content'] }}<|end|>{% endif %}"
    "{% elif message['role'] == 'user' %}<|user|>{{ message['content'] }}<|end|>"
    "{% elif message['role'] == 'assistant' %}<|assistant|>"
    "{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LENGTH = 256
ROWS = 16
WORKERS = 2
READING_STEPS, READING_HORIZON, READING_RATE = 1500, 3500, 1.5e-3
SETTLING_STEPS, SETTLING_RATE = 400, 9e-4
VOCABULARY = 768
SHAPE: dict[str, Any] = dict(
    hidden_size=256, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--settle-only", action="store_true", help="start from the model that reading left in --out")
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    if not arguments.settle_only:
        train_tokenizer(arguments.out, arguments.seed)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29517")
    multiprocessing.spawn(work, args=(arguments.out, arguments.seed, arguments.settle_only), nprocs=WORKERS)


def work(rank: int, folder: Path, seed: int, settle_only: bool) -> None:
    """One of the processes: its own stream of documents, gradients averaged with the others'."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    distributed.init_process_group("gloo", rank=rank, world_size=WORKERS)
    tokenizer = LlamaTokenizer.from_pretrained(folder)
    if settle_only:
        model = LlamaForCausalLM.from_pretrained(folder)
    else:
        model = LlamaForCausalLM(configuration(tokenizer))
        train(model, batches(tokenizer, seed + 1 + rank), "reading", READING_STEPS, reading_rate, rank, folder)
    train(model, batches(tokenizer, seed + 11 + rank), "settling", SETTLING_STEPS, settling_rate, rank, folder)
    distributed.destroy_process_group()


def reading_rate(step: int) -> float:
    """Warms up over 100 steps, then follows a cosine that would end at READING_HORIZON."""
    return READING_RATE * min(1.0, step / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / READING_HORIZON)))


def settling_rate(step: int) -> float:
    """Warms up over 40 steps, then falls along a line to nothing."""
    return SETTLING_RATE * min(1.0, step / 40) * (1 - step / (SETTLING_STEPS + 1))


def train_tokenizer(folder: Path, seed: int) -> LlamaTokenizer:
    """A SentencePiece BPE with byte fallback and split digits over the reading and the wording of questions."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [
        document if isinstance(document, str) else " ".join(document)
        for document in islice(base_corpus.documents(seed), 20_000)
    ]
    texts += [question.prompt for question in ask(tuple(FAMILIES), 4_000, seed)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=VOCABULARY,
        split_digits=True,
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        character_coverage=1.0,
        pad_id=3,
        eos_piece=END,
        control_symbols=list(TURNS),
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    tokenizer = LlamaTokenizer.from_pretrained(folder, add_prefix_space=False, eos_token=END)
    tokenizer.add_special_tokens(
        {
            "bos_token": "<s>",
            "eos_token": END,
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "extra_special_tokens": list(TURNS),
        }
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    return tokenizer


def configuration(tokenizer: LlamaTokenizer) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **SHAPE,
    )


def batches(tokenizer: LlamaTokenizer, seed: int) -> Iterator[torch.Tensor]:
    """Packed token rows of (ROWS, LENGTH); documents end with the end token and may be cut at a row's edge."""
    row: list[int] = []
    rows: list[list[int]] = []
    for document in base_corpus.documents(seed):
        row += encode(tokenizer, document)
        while len(row) >= LENGTH:
            rows.append(row[:LENGTH])
            row = row[LENGTH:]
            if len(rows) == ROWS:
                yield torch.tensor(rows)
                rows = []


def encode(tokenizer: LlamaTokenizer, document: base_corpus.Document) -> list[int]:
    if isinstance(document, str):
        text = f"<s>{document}{END}"
    else:
        said, back = document
        messages = [{"role": "user", "content": said}, {"role": "assistant", "content": back}]
        text = str(tokenizer.apply_chat_template(messages, tokenize=False))
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def train(model: LlamaForCausalLM, source: Iterator[torch.Tensor], phase: str, steps: int,
          rate: Callable[[int], float], rank: int, folder: Path) -> None:  # fmt: skip
    """Runs one phase; the first process prints, and saves the model and what the phase took at its end."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate(1), betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    compiled = torch.compile(model)
    start, smooth, tokens = time.monotonic(), 0.0, 0
    for step, batch in enumerate(islice(source, steps), 1):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        loss = compiled(input_ids=batch, labels=batch, use_cache=False).loss
        loss.backward()
        average_gradients(model)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        smooth = loss.item() if step == 1 else 0.98 * smooth + 0.02 * loss.item()
        tokens += WORKERS * batch.numel()
        if rank == 0 and step % 50 == 0:
            speed = tokens / (time.monotonic() - start)
            print(f"{phase} {step}/{steps}  loss {smooth:.4f}  {speed:,.0f} tokens/s", flush=True)
    if rank == 0:
        model.save_pretrained(folder)
        took = dict(steps=steps, tokens=tokens, loss=round(smooth, 4), seconds=round(time.monotonic() - start))
        record(folder, phase, took)


def record(folder: Path, phase: str, took: dict[str, float]) -> None:
    path = folder / "pretraining.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**known, phase: took}, indent=2) + "\n")


def average_gradients(model: LlamaForCausalLM) -> None:
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= WORKERS
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


if __name__ == "__main__":
    main()
