"""Peak memory of the collecting process with 10,000 and with 200,000 prompts waiting.

`python tests/benchmarks/memory.py [--sizes 10000,200000 --answers 5000]`: each run is stopped as Ctrl-C stops it once
so many answers are in; the peak is the kernel's own count (VmHWM), the highest of the processes that `collect` starts.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from figures import note, show
from scene import Scene
from serving import Served, served
from studio_runs import Collecting, workspace


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def watch(collecting: Collecting, server: Served, answers: int) -> dict[int, float]:
    """The peak of each of its processes by the time it has ended."""
    peaks: dict[int, float] = {}
    stopped = False
    while collecting.process.poll() is None:
        for member in collecting.family():
            peaks[member.pid] = max(peaks.get(member.pid, 0.0), peak_mb(member.pid))
        if not stopped and server.count()["answered"] >= answers:
            collecting.interrupt()
            stopped = True
        time.sleep(0.05)
    return peaks


def run(size: int, answers: int, concurrency: int) -> dict[str, Any]:
    with served(Scene(latency=0.02)) as server, workspace() as place:
        place.add_prompts(size)
        place.add_teacher(server.base_url, concurrency=concurrency)
        collecting = place.collect()
        peaks = watch(collecting, server, answers)
        report = collecting.report()
    note(f"{size} waiting: {max(peaks.values()):.1f} MB")
    return {
        "waiting": size, "peak MB": round(max(peaks.values()), 1), "all processes MB": round(sum(peaks.values()), 1),
        "processes": len(peaks), "completed": report["completed"], "stopped by": report["stopped_by"],
        "seconds": report["seconds"], "wall seconds": report["wall_seconds"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,200000")
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    rows = [run(int(size), options.answers, options.concurrency) for size in options.sizes.split(",")]
    difference = round(rows[-1]["peak MB"] - rows[0]["peak MB"], 1)
    show("memory", {"difference MB": difference, "wanted at most": 30}, rows)


if __name__ == "__main__":
    main()
