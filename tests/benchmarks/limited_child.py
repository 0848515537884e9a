"""What it costs to read a stranger's file in a limited child, against reading the same small file in this process.

    python tests/benchmarks/limited_child.py --gguf FILE [--rounds 7]

Medians in seconds, by the clock and of processors, after one reading that is not counted. The two ways take turns.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from figures import middle, show

from studio.engine.models import folder, gguf_file
from studio.engine.prompts import token_counts
from studio.engine.prompts.cleaning.tokens import TokenCounter
from studio.engine.prompts.files import child_rows, in_child

BASE = Path(__file__).resolve().parents[2] / "assets" / "practice-base"
Reading = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "small.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"prompt": ["a", "b"], "answer": ["c", "d"]}), table)
        ways: dict[str, tuple[Reading, Reading]] = {
            "Parquet": (
                lambda: list(in_child.rows(table, "parquet")),
                lambda: list(child_rows.said("parquet", str(table))),
            ),
            "model folder": (_folder, lambda: folder.facts_of(str(BASE))),
            "tokenizer": (_tokenizer, lambda: token_counts.counting(str(BASE))(None)),
            "GGUF": (lambda: _gguf(options.gguf), lambda: gguf_file.facts_of(str(options.gguf))),
        }
        show(
            "limited child",
            {"rounds": options.rounds},
            [_row(what, *two, options.rounds) for what, two in ways.items()],
        )


def _row(what: str, child: Reading, here: Reading, rounds: int) -> dict[str, Any]:
    child(), here()
    taken = [(_timed(child), _timed(here)) for _ in range(rounds)]
    return {
        "file": what,
        "child s": middle([one[0] for one, _ in taken]), "child, of processors": middle([one[1] for one, _ in taken]),
        "in process s": middle([one[0] for _, one in taken]),
        "more s": middle([one[0] - other[0] for one, other in taken]),
    }  # fmt: skip


def _timed(reading: Reading) -> tuple[float, float]:
    began, used = time.perf_counter(), _processor_seconds()
    reading()
    return time.perf_counter() - began, _processor_seconds() - used


def _processor_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _gguf(path: Path) -> None:
    gguf_file._read.cache_clear()
    gguf_file.read_gguf(path)


def _folder() -> None:
    folder._read.cache_clear()  # Else it is read once.
    folder.read_folder(BASE)


def _tokenizer() -> None:
    TokenCounter(BASE)._child.close()


if __name__ == "__main__":
    main()
