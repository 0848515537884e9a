"""Times the ROUGE-L filter of invented prompts against comparing with the whole pool, and checks that verdicts agree.

    python tests/benchmarks/rouge_filter.py --data ../shared/data --peers FOLDER [--pool 50000] [--candidates 200]

FOLDER is where `pip install --target FOLDER rouge-score rapidfuzz` put the two packages. The texts are real: the seed
and user tasks of Self-Instruct, then the sentences of t0's, gsm8k's, Big-Bench Hard's, Tulu's and Koala's prompts in a
shuffled order (seed 20). Half of the candidates are sentences that the pool does not hold; the other half are texts of
the pool with some words left out, changed or added, so that many are close to the threshold on either side.

Two loops are timed. One is Self-Instruct's: the `rouge-score` package on every pair (on `--loop` candidates only, since
it takes seconds for each). The other is the best loop we know: texts tokenized once, and rapidfuzz's LCSseq with a
cut-off, over all candidates.
"""

import argparse
import gzip
import importlib
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from figures import note, show

from studio.engine.domain.words import rouge_tokens
from studio.engine.prompts.similarity import THRESHOLD, SimilarityIndex

SEED = 20
FEWEST_WORDS, MOST_WORDS = 4, 150
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def main() -> None:
    options = _options()
    sys.path.append(str(options.peers))
    pool, candidates = texts(options.data, options.pool, options.candidates)
    note(f"{len(pool):,} kept texts, {len(candidates)} candidates")
    index, seconds = indexed(pool)
    verdicts, each = timed(lambda text: index.match(text) is not None, candidates)
    rows = [row("the index", verdicts, each, verdicts, each)]
    note("every pair by rapidfuzz")
    rows.append(row("every pair, rapidfuzz", *timed(rapidfuzz_loop(pool), candidates), verdicts, each))
    if options.loop:
        some = slice(None, None, max(1, len(candidates) // options.loop))
        note(f"every pair by rouge-score, {len(candidates[some])} candidates")
        found = timed(rouge_loop(pool), candidates[some])
        rows.append(row("every pair, rouge-score", *found, verdicts[some], each[some]))
    show("ROUGE-L filter", {
        "pool": len(pool), "threshold": THRESHOLD, "seed": SEED, "too_like": sum(verdicts),
        "adding_the_pool_s": round(seconds, 2), "median_ms_by_pool": growth(pool, candidates),
    }, rows)  # fmt: skip


def indexed(pool: Sequence[str]) -> tuple[SimilarityIndex, float]:
    """(the index of a pool, seconds that it took)."""
    started, index = time.perf_counter(), SimilarityIndex()
    for text in pool:
        index.add(text)
    return index, time.perf_counter() - started


def row(
    name: str, verdicts: Sequence[bool], each: Sequence[float], ours: Sequence[bool], our_each: Sequence[float]
) -> dict[str, Any]:
    """One way to decide, compared with the index on the same candidates."""
    return {
        "decided by": name, "candidates": len(verdicts), "seconds": round(sum(each), 3),
        "median ms": round(median(each) * 1e3, 3), "slowest ms": round(max(each) * 1e3, 2),
        "times the index": round(sum(each) / sum(our_each), 1),
        "other verdicts": sum(one != other for one, other in zip(verdicts, ours, strict=True)),
    }  # fmt: skip


def texts(data: Path, pool: int, candidates: int) -> tuple[list[str], list[str]]:
    """(kept texts, candidates)."""
    rng = random.Random(SEED)
    sentences = list(dict.fromkeys(chain.from_iterable(map(_sentences, _prompts(data)))))
    rng.shuffle(sentences)
    instructions = list(dict.fromkeys(_instructions(data)))
    kept = [*instructions, *sentences[: pool - len(instructions)]]
    fresh = sentences[len(kept) - len(instructions) :]
    if len(kept) < pool or len(fresh) < candidates:
        raise SystemExit(f"There are only {len(kept) + len(fresh):,} real texts; ask for a smaller pool.")
    altered = [_altered(text, rng) for text in rng.sample(kept, candidates // 2)]
    asked = altered + fresh[: candidates - len(altered)]
    rng.shuffle(asked)
    return kept, asked


def timed(verdict: Callable[[str], bool], candidates: Sequence[str]) -> tuple[list[bool], list[float]]:
    verdicts, seconds = [], []
    for text in candidates:
        started = time.perf_counter()
        verdicts.append(verdict(text))
        seconds.append(time.perf_counter() - started)
    return verdicts, seconds


def growth(pool: Sequence[str], candidates: Sequence[str]) -> dict[int, float]:
    """Milliseconds of one question by the size of the pool."""
    found = {}
    for share in (8, 4, 2, 1):
        index, _ = indexed(pool[: len(pool) // share])
        _, each = timed(lambda text: index.match(text) is not None, candidates)  # noqa: B023
        found[len(pool) // share] = round(median(each) * 1e3, 3)
    return found


def rapidfuzz_loop(pool: Sequence[str]) -> Callable[[str], bool]:
    """Every kept text, tokenized once and written with one character for a token."""
    lcs = importlib.import_module("rapidfuzz.distance.LCSseq").similarity
    ids: dict[str, str] = {}

    def written(text: str) -> str:
        return "".join(ids.setdefault(token, chr(len(ids))) for token in rouge_tokens(text))

    kept = [written(text) for text in pool]

    def too_like(text: str) -> bool:
        asked = written(text)
        for other in kept:
            common = lcs(asked, other)
            if common:
                precision, recall = common / len(asked), common / len(other)
                if 2 * precision * recall / (precision + recall) >= THRESHOLD:
                    return True
        return False

    return too_like


def rouge_loop(pool: Sequence[str]) -> Callable[[str], bool]:
    """What Self-Instruct does: the scorer on every pair, then the highest score."""
    scorer: Any = importlib.import_module("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)

    def too_like(text: str) -> bool:
        return max(scorer.score(text, other)["rougeL"].fmeasure for other in pool) >= THRESHOLD

    return too_like


def _prompts(data: Path) -> Iterator[str]:
    with gzip.open(data / "t0" / "t0_sample.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)["prompt"] for line in lines)
    for name in ("train", "test"):
        yield from (row["question"] for row in _rows(data / "gsm8k" / f"{name}.jsonl"))
    yield from (row["prompt"] for row in _rows(data / "tulu_human_eval" / "eval_instances_tulu_1.jsonl"))
    yield from (row["prompt"] for row in _rows(data / "koala" / "koala_test_set.jsonl"))
    for path in sorted((data / "bbh").glob("*.json")):
        yield from (item["input"] for item in json.loads(path.read_text(encoding="utf-8"))["examples"])


def _instructions(data: Path) -> list[str]:
    names = ("seed_tasks.jsonl", "user_oriented_instructions.jsonl")
    return [row["instruction"] for name in names for row in _rows(data / "self_instruct" / name)]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _sentences(prompt: str) -> list[str]:
    found = (" ".join(part.split()) for part in _SENTENCE.split(prompt))
    return [text for text in found if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS]


def _altered(text: str, rng: random.Random) -> str:
    """A text with up to half of its words left out, changed or doubled."""
    words = text.split()
    for _ in range(rng.randint(1, max(1, len(words) // 2))):
        place, what = rng.randrange(len(words)), rng.random()
        if what < 0.4 and len(words) > 2:
            del words[place]
        elif what < 0.8:
            words[place] = f"changed{rng.randrange(1000)}"
        else:
            words.insert(place, words[place])
    return " ".join(words)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("--peers", type=Path, required=True, help="folder with rouge-score and rapidfuzz")
    parser.add_argument("--pool", type=int, default=50_000)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--loop", type=int, default=4, help="candidates for the rouge-score loop; 0 leaves it out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
