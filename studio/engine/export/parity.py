"""Does a GGUF file answer like the model it was made from? The original answers once for all files."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.engine.models.processes import run_child
from studio.engine.traces.grade import same_answer

CHILD = "studio.engine.export.parity_child"
KL_TOKENS = 2000
"""Tokens of the original's answers over which the two models' expectations are compared."""
MAX_TOKENS = 256
Stop = Callable[[], bool] | None


@dataclass(frozen=True)
class Parity:
    """`same_answers` is a share; `mean_kl` is in nats a token, None when the vocabularies differ.

    `template_match` says whether every rendered prompt had exactly the original's token ids, `exact_match` the share of
    the file's answers that are right, where the right ones are known.
    """

    prompts: int
    same_answers: float
    mean_kl: float | None
    template_match: bool
    exact_match: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As reports and the store have it; `exact_match` only where it was asked for."""
        return {key: value for key, value in vars(self).items() if key != "exact_match" or value is not None}


@dataclass(frozen=True)
class Reference:
    """The original's answers, in a folder that lives as long as the comparison."""

    work: Path
    answers: tuple[dict[str, Any], ...]
    """`text` and `tokens` of each."""

    def compare(self, file: Path, *, known: Sequence[str] | None = None, should_stop: Stop = None) -> Parity:
        """Asks the file what the original was asked; `known` are the right answers, one for each question.

        Raises Failed when the file cannot be run.
        """
        found = run_child(CHILD, ["file", self.work, file], doing=f"Checking {file.name}", should_stop=should_stop)
        return Parity(
            prompts=len(self.answers),
            same_answers=share_of_same(self.answers, found["answers"]),
            mean_kl=found["mean_kl"],
            template_match=found["template_match"],
            exact_match=share_right(known, [answer["text"] for answer in found["answers"]]) if known else None,
        )


@contextmanager
def reference_of(
    folder: Path,
    prompts: Sequence[list[dict[str, Any]]],
    *,
    max_tokens: int = MAX_TOKENS,
    should_stop: Stop = None,
) -> Iterator[Reference]:
    """The answers of the model in `folder` to these conversations, greedy, through its own chat template."""
    with tempfile.TemporaryDirectory(prefix="understudy-parity-") as name:
        work = Path(name)
        ask = {
            "folder": str(folder),
            "prompts": list(prompts),
            "max_tokens": max_tokens,
            "kl_tokens": KL_TOKENS,
        }
        (work / "ask.json").write_text(json.dumps(ask))
        run_child(CHILD, ["original", work], doing="Asking the original model", should_stop=should_stop)
        answers = json.loads((work / "original.json").read_text())["answers"]
        yield Reference(work, tuple(answers))


def share_right(known: Sequence[str], texts: Sequence[str]) -> float:
    """Share of texts that end in the known answer of their question."""
    return sum(same_answer(text, answer) for answer, text in zip(known, texts, strict=True)) / len(known)


def share_of_same(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> float:
    """Share of pairs that end in the same final answer, or are the same token by token and need not end in any."""
    pairs = zip(first, second, strict=True)
    same = sum(a["tokens"] == b["tokens"] or same_answer(a["text"], b["text"]) for a, b in pairs)
    return same / len(first)
