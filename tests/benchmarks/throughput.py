"""Rows a second against a server that answers at once, every client on one core with 64 questions under way.

`python tests/benchmarks/throughput.py [--rows 20000 --rounds 3 --only ours,openai-aiohttp]`. Ours keeps every answer
in its database; the bare clients keep nothing; distilabel and curator write what they write. Each round asks all
clients, every other round in reverse order; figures are medians. `environments.py` makes the environments of the
last two; without them they are left out and named.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import python_of
from figures import middle, note, show
from serving import Served, answers_by_row, pinned, served
from studio_runs import workspace

PEERS = Path(__file__).with_name("peers")
SLOW = {"distilabel": 5}
"""Clients so slow that they get a share of the rows, enough for their start to matter little."""


@dataclass(frozen=True)
class Timed:
    """One client in one round."""

    rows: int
    seconds: float
    wall: float
    cpu: float


def ours(server: Served, rows: int, concurrency: int) -> Timed:
    """`seconds` is what `collect` reports, from the moment the teacher can be asked."""
    with workspace() as place:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=concurrency)
        before = _children_cpu()
        report = place.collect().report()
        assert (report["completed"], report["failed"]) == (rows, 0), report
        return Timed(rows, report["seconds"], report["wall_seconds"], _children_cpu() - before)


def peer(python: Path, script: str, *extra: str) -> Callable[[Served, int, int], Timed]:
    def ask(server: Served, rows: int, concurrency: int) -> Timed:
        command = [str(python), str(PEERS / script), "--base-url", server.base_url, "--rows", str(rows)]
        before, began = _children_cpu(), time.monotonic()
        line = pinned([*command, "--concurrency", str(concurrency), *extra])
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
        said = json.loads(done.stdout.strip().splitlines()[-1])
        assert said["answered"] == rows, said
        return Timed(rows, said["seconds"], time.monotonic() - began, _children_cpu() - before)

    return ask


def clients() -> dict[str, Callable[[Served, int, int], Timed]]:
    here = Path(sys.executable)
    found = {
        "ours": ours,
        "openai": peer(here, "ask_openai.py"),
        "openai-aiohttp": peer(here, "ask_openai.py", "--transport", "aiohttp"),
        "aiohttp": peer(here, "ask_aiohttp.py"),
    }
    for name in ("distilabel", "curator"):
        if (python := python_of(name)) is None:
            note(f"{name} is left out: make its environment with environments.py")
        else:
            found[name] = peer(python, f"ask_{name}.py")
    return found


def compare(names: list[str], rows: int, rounds: int, concurrency: int) -> dict[str, list[Timed]]:
    known, timed = clients(), {name: [] for name in names}  # type: dict[str, Any], dict[str, list[Timed]]
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            asked = rows // SLOW.get(name, 1)
            with served() as server:
                timed[name].append(known[name](server, asked, concurrency))
                answers = answers_by_row(server.log())
            assert sum(count == 1 for row, count in answers.items() if row >= 0) == asked, "rows asked twice or never"
            last = timed[name][-1]
            note(f"round {number + 1}: {name} {asked / last.seconds:,.0f} rows/s")
    return timed


def table(timed: dict[str, list[Timed]]) -> list[dict[str, Any]]:
    rates = {name: middle([one.rows / one.seconds for one in ones]) for name, ones in timed.items()}
    return [
        {
            "client": name, "rows": ones[0].rows, "rows/s": round(rates[name], 1),
            "all rounds": ", ".join(f"{one.rows / one.seconds:,.0f}" for one in ones),
            "ours is": f"{rates['ours'] / rates[name]:.2f} x" if "ours" in rates else "",
            "ms CPU a row": middle([1000 * one.cpu / one.rows for one in ones]),
            "rows/s, start and imports too": round(middle([one.rows / one.wall for one in ones]), 1),
        }
        for name, ones in timed.items()
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--only", help="names, separated by commas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(clients())
    timed = compare(names, options.rows, options.rounds, options.concurrency)
    show("throughput", {"concurrency": options.concurrency, "rounds": options.rounds}, table(timed))


def _children_cpu() -> float:
    """Seconds of processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
