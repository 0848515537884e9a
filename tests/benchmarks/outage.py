"""A teacher that is gone for a while in the middle of a run: is anything lost, does the run go on by itself, and how
soon after the teacher is back?

`python tests/benchmarks/outage.py [--rows 3000 --away 20]`.
"""

import argparse
import time
from typing import Any
from urllib.parse import urlsplit

from figures import end, note, show
from scene import Scene
from serving import served
from store_check import kept_in
from studio_runs import workspace


def run(rows: int, away: float, concurrency: int) -> dict[str, Any]:
    scene = Scene(latency=0.2, jitter=0.1)
    with workspace() as place:
        with served(scene) as server:
            place.add_prompts(rows)
            place.add_teacher(server.base_url, concurrency=concurrency)
            collecting = place.collect()
            while server.count()["answered"] < rows // 3:
                time.sleep(0.05)
            before = server.count()["requests"]
        note(f"gone for {away:g} s")
        time.sleep(away)
        with served(scene, port=urlsplit(server.base_url).port or 0) as again:
            back = time.monotonic()
            first = collecting.report()
            alone = first["exit_code"] == 0
            report = first if alone else place.resume().report()
            log = again.log()
        wrong = kept_in(place.database).faults(rows)
    return {
        "away": away, "went on by itself": alone, "first request after": round(log[0].arrived - back, 2),
        "failed at first": first["failed"], "completed": report["completed"], "requests": before + len(log),
        "wrong": wrong,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--away", default="2,20,90", help="seconds, separated by commas")
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    runs = [run(options.rows, float(away), options.concurrency) for away in options.away.split(",")]
    show("outage", {"concurrency": options.concurrency, "rows wanted": options.rows}, runs)
    end([fault for one in runs for fault in one["wrong"]])


if __name__ == "__main__":
    main()
