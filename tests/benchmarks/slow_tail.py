"""Does a slow tail stall the rest? 1 % of the answers take 10 s, the others 0.1 s, 64 are in flight.

`python tests/benchmarks/slow_tail.py [--rows 10000]` gives the completions a second between the 5th and the 95th
percent of them, as the server saw them, against concurrency / mean latency.
"""

import argparse

from figures import end, show
from scene import Scene
from serving import Entry, served
from store_check import kept_in
from studio_runs import workspace


def middle_rate(log: list[Entry]) -> float:
    """Completions a second between the 5th and the 95th percent."""
    times = sorted(entry.answered for entry in log if entry.answered is not None)
    low, high = int(len(times) * 0.05), int(len(times) * 0.95)
    return (high - low) / (times[high] - times[low])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    scene = Scene(latency=options.latency, slow_share=0.01, slow_seconds=10.0, seed=options.seed)
    with served(scene) as server, workspace() as place:
        place.add_prompts(options.rows)
        place.add_teacher(server.base_url, concurrency=options.concurrency)
        report, log = place.collect().report(), server.log()
        wrong = kept_in(place.database).faults(options.rows)
    answered = [entry.answered - entry.arrived for entry in log if entry.answered is not None]
    mean = sum(answered) / len(answered)
    rate, ideal = middle_rate(log), options.concurrency / mean
    row = {
        "rows": options.rows, "slow rows": sum(seconds > 9 for seconds in answered), "mean latency": round(mean, 4),
        "rows/s, 5th to 95th percent": round(rate, 1), "concurrency / mean latency": round(ideal, 1),
        "share": round(rate / ideal, 4), "wanted": 0.95, "seconds": report["seconds"], "wrong": wrong,
    }  # fmt: skip
    show("slow tail", {"concurrency": options.concurrency}, [row])
    end(wrong)


if __name__ == "__main__":
    main()
