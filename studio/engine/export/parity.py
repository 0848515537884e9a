"""Does a GGUF file answer like the model it was made from? Both answer through the project's stored answers, each
question once; a process of its own then measures how far the two expect other tokens."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.engine.domain.messages import Messages
from studio.engine.engines import ModelLimits, run_child
from studio.engine.scoring import EXACT_MATCH, same_where_known

CHILD = "studio.engine.export.parity_child"
KL_TOKENS = 2000
"""Tokens of the original's answers over which the two models' expectations are compared."""
MAX_TOKENS = 256
Stop = Callable[[], bool] | None


@dataclass(frozen=True)
class Parity:
    """`mean_kl` is in nats a token, None when the vocabularies differ; the others are shares.

    `identical_answers` are the same letter by letter. `same_answers` end in the same final answer, of those prompts
    whose right answer is known and where both end in one of its kind; None where there are none. `template_match` says
    whether every rendered prompt had exactly the original's token ids, `exact_match` the share of the file's answers
    that are right, where the right ones are known.
    """

    prompts: int
    identical_answers: float
    same_answers: float | None
    mean_kl: float | None
    template_match: bool
    exact_match: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As reports and the store have it; `exact_match` only where it was asked for."""
        return {key: value for key, value in vars(self).items() if key != "exact_match" or value is not None}


@dataclass(frozen=True)
class Original:
    """The original's answers and expectations, in a folder that lives as long as the comparison."""

    work: Path
    texts: tuple[str, ...]

    def compare(
        self,
        file: Path,
        texts: Sequence[str],
        *,
        known: Sequence[str] = (),
        are_unseen: bool = True,
        should_stop: Stop = None,
    ) -> Parity:
        """Holds the file's answers to the same questions beside the original's; `known` are the right ones, each empty
        where it is not known. How many are right is only told of questions that training did not see.

        Raises Failed when the file cannot be run.
        """
        found = run_child(
            CHILD, ["file", self.work, file], doing=f"Checking {file.name}", limits=ModelLimits.for_model(file),
            should_stop=should_stop,
        )  # fmt: skip
        return Parity(
            prompts=len(self.texts),
            identical_answers=sum(map(str.__eq__, self.texts, texts)) / len(self.texts),
            same_answers=share_of_same(self.texts, texts, known),
            mean_kl=found["mean_kl"],
            template_match=found["template_match"],
            exact_match=share_right(known, texts) if are_unseen else None,
        )


@contextmanager
def original_of(
    folder: Path, prompts: Sequence[Messages], texts: Sequence[str], *, should_stop: Stop = None
) -> Iterator[Original]:
    """What the model in `folder` expects after each token of its own answers `texts` to these conversations."""
    with tempfile.TemporaryDirectory(prefix="understudy-parity-") as name:
        work = Path(name)
        ask = {"folder": str(folder), "prompts": list(prompts), "answers": list(texts), "kl_tokens": KL_TOKENS}
        (work / "ask.json").write_text(json.dumps(ask))
        limits = ModelLimits.for_model(folder)
        run_child(CHILD, ["original", work], doing="Reading the original model", limits=limits, should_stop=should_stop)
        yield Original(work, tuple(texts))


def share_right(known: Sequence[str], texts: Sequence[str]) -> float | None:
    """Share of texts that end in the known answer of their question, of those where it is known; None without any."""
    if not any(known):
        return None
    pairs = [(answer, text) for answer, text in zip(known, texts, strict=True) if answer]
    return sum(EXACT_MATCH.score("", text, answer).is_right is True for answer, text in pairs) / len(pairs)


def share_of_same(first: Sequence[str], second: Sequence[str], known: Sequence[str]) -> float | None:
    """Share of pairs that end in the same final answer, of those where that can be told; None when it never can."""
    if not any(known):
        return None
    told = [same_where_known(*triple) for triple in zip(first, second, known, strict=True) if triple[2]]
    measured = [same for same in told if same is not None]
    return sum(measured) / len(measured) if measured else None
