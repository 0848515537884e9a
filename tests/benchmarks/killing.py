"""SIGKILL at ten random moments, each time gone on with: nothing lost, nothing twice, and how soon it asks again.

`python tests/benchmarks/killing.py [--rows 16000 --kills 10 --longest 6 --seed 7]`. Most lives of the collector end
between nothing and the longest after their first request, some between nothing and two seconds after the process began,
wherever they are then. What was asked is read from the server's log, what is kept from the database. "Ready" leaves
imports out: Python itself counts them (PYTHONPROFILEIMPORTTIME).
"""

import argparse
import re
import time
from dataclasses import dataclass
from random import Random
from typing import Any

from figures import end, note, show
from scene import Scene
from serving import Entry, Served, answers_by_row, served
from store_check import is_made, kept_in, rows_kept
from studio_runs import Collecting, Workspace, workspace

IMPORTED = re.compile(r"^import time: +(\d+) \|", re.MULTILINE)
AT_ITS_START = 0.2
"""Share of kills that are counted from the start of the process."""


@dataclass(frozen=True)
class Moment:
    """Seconds after the process began, or after its first request."""

    seconds: float
    asking: bool


def moments(count: int, longest: float, rng: Random) -> list[Moment]:
    asking = [rng.random() >= AT_ITS_START for _ in range(count)]
    return [Moment(rng.uniform(0.0, longest if asks else 2.0), asks) for asks in asking]


@dataclass
class Life:
    """One invocation of `collect`, from its start to the kill."""

    began: float
    ended: float
    imports: float
    kept: set[int]
    """Rows whose answers were in the database after it."""


def live(place: Workspace, server: Served, collecting: Collecting, moment: Moment | None) -> Life:
    """Waits for the kill, or for the end where there is none."""
    if moment is None:
        report = collecting.report()
        assert report["exit_code"] == 0, report
    else:
        began = _first_request(server, collecting) if moment.asking else collecting.began
        time.sleep(max(0.0, began + moment.seconds - time.monotonic()))
        collecting.kill()
    ended = time.monotonic()
    microseconds = [int(found) for found in IMPORTED.findall(collecting.err.read_text("utf-8", "replace"))]
    return Life(collecting.began, ended, sum(microseconds) / 1e6, rows_kept(place.database))


def run(
    server: Served, rows: int, ends: list[Moment], concurrency: int
) -> tuple[list[Life], dict[str, Any]]:  # fmt: skip
    """The lives of one run, each cut short at its moment and a last one that ends by itself, and what is kept."""
    with workspace() as place:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=concurrency)
        place.environment["PYTHONPROFILEIMPORTTIME"] = "1"
        lives: list[Life] = []
        for moment in (*ends, None):
            collecting = place.resume() if is_made(place.database) else place.collect()
            lives.append(live(place, server, collecting, moment))
            note(f"life {len(lives)}: {len(lives[-1].kept)} of {rows} kept")
        kept = kept_in(place.database)
    return lives, {"store": kept.counts, "wrong": kept.faults(rows)}


def _first_request(server: Served, collecting: Collecting) -> float:
    before = server.count()["requests"]
    while server.count()["requests"] == before and collecting.process.poll() is None:
        time.sleep(0.005)
    return time.monotonic()


def table(lives: list[Life], log: list[Entry]) -> list[dict[str, Any]]:
    """One row for each life: what it asked, what of that had been asked before, and how soon its first request came."""
    seen: set[int] = set()
    kept_before: set[int] = set()
    rows = []
    for number, life in enumerate(lives):
        asked = [entry for entry in log if life.began <= entry.arrived <= life.ended]
        first = asked[0].arrived - life.began if asked else None
        rows.append({
            "life": number + 1, "seconds": round(life.ended - life.began, 2), "requests": len(asked),
            "lost by the kill": len({entry.row for entry in asked} - life.kept),
            "asked again": len({entry.row for entry in asked} & seen),
            "asked though kept": len({entry.row for entry in asked} & kept_before),
            "kept after it": len(life.kept), "imports": round(life.imports, 2),
            "first request": "none" if first is None else round(first, 2),
            "after being ready": "none" if first is None else round(first - life.imports, 2),
        })  # fmt: skip
        seen |= {entry.row for entry in asked}
        kept_before = life.kept
    return rows


def broken(rows: list[dict[str, Any]], concurrency: int) -> list[str]:
    """Promises about kills that did not hold."""
    kept = [f"life {row['life']} asked {row['asked though kept']} rows that were kept" for row in rows]
    lost = [f"life {row['life']} lost {row['lost by the kill']} answers or questions" for row in rows]
    return [
        *(text for text, row in zip(kept, rows, strict=True) if row["asked though kept"]),
        *(text for text, row in zip(lost, rows, strict=True) if row["lost by the kill"] > concurrency),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--longest", type=float, default=6.0, help="seconds of asking before a kill, at most")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    ends = moments(options.kills, options.longest, Random(options.seed))
    with served(Scene(latency=options.latency, jitter=options.latency / 2)) as server:
        lives, found = run(server, options.rows, ends, options.concurrency)
        log = server.log()
    lost_work = sum(max(0, count - 1) for count in answers_by_row(log).values())
    rows = table(lives, log)
    figures = {
        "concurrency": options.concurrency, "rows wanted": options.rows, "requests": len(log),
        "answered more than once by the server": lost_work,
        "most lost by a kill": max(row["lost by the kill"] for row in rows),
        "slowest first request after being ready": max(
            row["after being ready"] for row in rows if row["after being ready"] != "none"
        ),
    }  # fmt: skip
    wrong = found["wrong"] + broken(rows, options.concurrency)
    show("killing", figures | found, rows)
    end(wrong)


if __name__ == "__main__":
    main()
