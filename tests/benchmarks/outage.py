"""A teacher that is out of order for a while in the middle of a run: is anything lost, does the run go on by itself,
and how soon after the teacher is back?

`python tests/benchmarks/outage.py [--rows 3000 --away 2,20,90 --how refused,502,503]`. With `refused` nothing listens;
otherwise every reply is that HTTP status. A run that gives up is resumed, as its message says.
"""

import argparse
import time
from typing import Any
from urllib.parse import urlsplit

from figures import end, note, show
from scene import DOWN, Scene
from serving import Entry, served
from store_check import kept_in
from studio_runs import Collecting, Workspace, workspace

BEFORE = 4.0
"""Seconds of asking before the outage."""


def refused(place: Workspace, scene: Scene, away: float) -> tuple[dict[str, Any], dict[str, Any], list[Entry], float]:
    """The reports at first and in the end, the log, and the moment at which the teacher was back."""
    with served(scene) as server:
        collecting = _asking(place, server.base_url)
        while not server.count()["requests"]:
            time.sleep(0.02)
        time.sleep(BEFORE)
        log = server.log()
    time.sleep(away)
    with served(scene, port=urlsplit(server.base_url).port or 0) as again:
        back = time.monotonic()
        first, last = _to_the_end(place, collecting)
        return first, last, log + again.log(), back


def answered_with(
    place: Workspace, scene: Scene, away: float
) -> tuple[dict[str, Any], dict[str, Any], list[Entry], float]:
    with served(scene) as server:
        first, last = _to_the_end(place, _asking(place, server.base_url), lambda: _is_over(server.log(), away))
        log = server.log()
    return first, last, log, log[0].arrived + BEFORE + away


def _asking(place: Workspace, base_url: str) -> Collecting:
    place.add_teacher(base_url, concurrency=64)
    return place.collect()


def _is_over(log: list[Entry], away: float) -> bool:
    return time.monotonic() > log[0].arrived + BEFORE + away


def _to_the_end(place: Workspace, collecting: Collecting, is_over: Any = lambda: True) -> tuple[Any, Any]:
    """What the first invocation reported, and the last; a person resumes once the teacher is back."""
    first = collecting.report()
    if first["exit_code"] == 0:
        return first, first
    while not is_over():
        time.sleep(0.1)
    return first, place.resume().report()


def run(how: str, rows: int, away: float) -> dict[str, Any]:
    scene = Scene(latency=0.2, jitter=0.1)
    if how != "refused":
        scene = Scene(latency=0.2, jitter=0.1, down_from=BEFORE, down_seconds=away, down_status=int(how))
    with workspace() as place:
        place.add_prompts(rows)
        first, last, log, back = (refused if how == "refused" else answered_with)(place, scene, away)
        wrong = kept_in(place.database).faults(rows)
    note(f"{how} for {away:g} s: exit code {first['exit_code']}")
    again = [entry.arrived for entry in log if entry.arrived >= back]
    return {
        "how": how, "seconds away": away, "went on by itself": first["exit_code"] == 0,
        "failed at first": first["failed"], "first request after": round(min(again) - back, 2) if again else "none",
        "refused": sum(entry.kind == DOWN for entry in log), "completed": last["completed"], "wrong": wrong,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--away", default="2,20,90", help="seconds, separated by commas")
    parser.add_argument("--how", default="refused,502,503", help="refused, or an HTTP status")
    options = parser.parse_args()
    runs = [run(how, options.rows, float(away)) for how in options.how.split(",") for away in options.away.split(",")]
    show("outage", {"concurrency": 64, "rows wanted": options.rows}, runs)
    end([fault for one in runs for fault in one["wrong"]])


if __name__ == "__main__":
    main()
