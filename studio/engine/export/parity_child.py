"""The two sides of a parity check, each in a process of its own.

    python -m studio.engine.export.parity_child original WORK      what the model folder expects along its answers
    python -m studio.engine.export.parity_child file WORK FILE     compares a GGUF file with it

WORK holds `ask.json` (folder, prompts, answers, kl_tokens); the first side adds `original.json` and
`expected.npy`, its natural log probabilities over its own first answers, one row for each token.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from studio.engine.engines import die_with_parent, leave, report_to_parent
from studio.engine.errors import BadInput, StudioError

MOST_VALUES = 32_000_000
"""Log probabilities kept at most: 128 MB."""


def original(work: Path) -> dict[str, Any]:
    """What the folder's model expects along its own answers, each put into tokens by its own tokenizer."""
    from studio.engine.engines import TorchEngine

    ask = json.loads((work / "ask.json").read_text())
    engine = TorchEngine(Path(ask["folder"]))
    prompts = [engine.tokens_of(messages) for messages in ask["prompts"]]
    answers = [engine.tokenizer.encode(text, add_special_tokens=False) for text in ask["answers"]]
    kept: list[np.ndarray] = []
    for prompt, answer in zip(prompts, answers, strict=True):
        rows = engine.log_probabilities([*prompt, *answer], len(prompt) - 1)
        kept.append(rows.astype(np.float32))
        seen = sum(map(len, kept))
        if seen >= ask["kl_tokens"] or seen * rows.shape[1] >= MOST_VALUES:
            break
    np.save(work / "expected.npy", np.concatenate(kept))
    said = [{"prompt": prompt, "tokens": answer} for prompt, answer in zip(prompts, answers, strict=True)]
    (work / "original.json").write_text(json.dumps({"answers": said, "compared": len(kept)}))
    return {"answers": len(said)}


def file(work: Path, path: Path) -> dict[str, Any]:
    """Whether the file reads the prompts alike, and how far it expects other tokens."""
    from studio.engine.engines import LlamaEngine

    ask, first = json.loads((work / "ask.json").read_text()), json.loads((work / "original.json").read_text())
    engine = LlamaEngine(path)
    read = [engine.tokens_of(messages) for messages in ask["prompts"]]
    return {
        "template_match": read == [answer["prompt"] for answer in first["answers"]],
        "mean_kl": _mean_divergence(
            engine, first["answers"][: first["compared"]], np.load(work / "expected.npy", mmap_mode="r")
        ),
    }


def _mean_divergence(engine: Any, answers: list[dict[str, Any]], expected: np.ndarray) -> float | None:
    """Mean Kullback-Leibler divergence in nats, original from file, over the original's own answers token by token.

    None when the two do not share a vocabulary, so that there is nothing to compare.
    """
    if abs(engine.vocabulary - expected.shape[1]) > expected.shape[1] // 20:
        return None
    width = min(engine.vocabulary, expected.shape[1])
    total, position = 0.0, 0
    for answer in answers:
        tokens = [*answer["prompt"], *answer["tokens"]]
        if max(tokens) >= engine.vocabulary:
            return None
        found = engine.log_probabilities(tokens, len(answer["prompt"]) - 1)
        wanted = expected[position : position + len(found), :width]
        total += float((np.exp(wanted) * (wanted - found[:, :width])).sum())
        position += len(found)
    return max(0.0, total / position)


def main() -> int:
    side, work = sys.argv[1], Path(sys.argv[2])
    die_with_parent()
    try:
        report_to_parent(original(work) if side == "original" else file(work, Path(sys.argv[3])))
    except StudioError as error:
        report_to_parent({"error": error.message, "bad_input": isinstance(error, BadInput)})
        return error.exit_code
    return 0


if __name__ == "__main__":
    leave(main())
