"""A long run against a teacher with faults: every row done, none lost, none twice, and how much longer it takes.

`python tests/benchmarks/faults.py [--rows 20000]`: 200 ms an answer, 64 in flight, a timeout of 5 s; 5 % of replies
are 429 (half of them with a Retry-After of a second), 2 % are 5xx, 0.5 % are broken JSON, 0.05 % never come. The same
rows are asked of a teacher without faults before it.
"""

import argparse
from collections import Counter
from dataclasses import replace
from typing import Any

from figures import end, note, show
from scene import Scene
from serving import answers_by_row, served
from store_check import kept_in
from studio_runs import workspace

CLEAN = Scene(latency=0.2)
FAULTY = replace(
    CLEAN, limited_share=0.05, retry_after=1.0, retry_after_share=0.5, error_share=0.02, malformed_share=0.005,
    hang_share=0.0005,
)  # fmt: skip


def run(name: str, scene: Scene, rows: int, concurrency: int, timeout: float) -> dict[str, Any]:
    with served(scene) as server, workspace() as place:
        place.add_prompts(rows)
        place.add_teacher(server.base_url, concurrency=concurrency, timeout=timeout)
        report = place.collect().report()
        log, kept = server.log(), kept_in(place.database)
    note(f"{name}: {report['seconds']} s")
    wrong = kept.faults(rows) + ([] if report["completed"] == rows else [f"{report['completed']} of {rows} completed"])
    if len(log) != kept.counts["attempts"]:
        wrong.append(f"{len(log)} requests reached the server, {kept.counts['attempts']} attempts are kept")
    first, last = log[0].arrived, max(entry.answered or 0.0 for entry in log)
    return {
        "run": name, "rows": rows, "seconds": report["seconds"], "asking seconds": round(last - first, 2),
        "requests": len(log), "completed": report["completed"], "failed": report["failed"],
        "answered twice": sum(count > 1 for count in answers_by_row(log).values()),
        "kinds": dict(Counter(entry.kind for entry in log)), "wrong": wrong,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--timeout", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--retry-after-share", type=float, default=FAULTY.retry_after_share)
    options = parser.parse_args()
    faulty = replace(FAULTY, seed=options.seed, retry_after_share=options.retry_after_share)
    runs = [
        run(name, scene, options.rows, options.concurrency, options.timeout)
        for name, scene in (("clean", CLEAN), ("with faults", faulty))
    ]
    ratio = runs[1]["seconds"] / runs[0]["seconds"]
    ideal = options.rows * CLEAN.latency / options.concurrency
    figures = {"times the clean run": round(ratio, 3), "ideal seconds": ideal, "wanted at most": 1.3}
    show("faults", figures | {"concurrency": options.concurrency}, runs)
    end([fault for one in runs for fault in one["wrong"]])


if __name__ == "__main__":
    main()
