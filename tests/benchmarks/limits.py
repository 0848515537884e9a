"""How much of a teacher's limit is used, and whether it is ever overstepped, against a server that enforces a sliding
minute 5 % above it.

`python tests/benchmarks/limits.py [--minutes 3 --limits 600,6000 --known configured,bucket]`. With `configured` the
teacher has its requests a minute; with `bucket`, `window` or `fixed` it has none and `x-ratelimit-*` headers, counted
in that way, tell them; with `day` it has them while headers speak of a day; with `refusals` and `silent-refusals`
only the 429s themselves tell, with a Retry-After or without; with `tokens` the limit is one of as many tokens a minute
as so many answers have. A run is stopped after the minutes, counted from its
first request.
"""

import argparse
import time
from dataclasses import replace
from typing import Any

from figures import note, show
from limit_headers import STYLES
from scene import ANSWER_TOKENS, OVER_LIMIT, PROMPT_TOKENS, Scene
from serving import Served, busiest, served
from studio_runs import Collecting, workspace

ROOM = 1.05
TOKENS = PROMPT_TOKENS + ANSWER_TOKENS
WAYS = "configured, bucket, window, fixed, day, refusals, silent-refusals, tokens"
SETTLED = 10.0
"""Seconds after the first request from which on the state counts as steady."""


def scene_of(limit: int, known: str, latency: float) -> Scene:
    """What the server enforces, and how it speaks of it."""
    scene = Scene(
        latency=latency, jitter=latency / 2, advertised=limit, headers=known if known in STYLES else "none",
        retry_after_share=float(known != "silent-refusals"),
    )  # fmt: skip
    if known == "tokens":
        return replace(scene, tokens_per_minute=int(limit * TOKENS * ROOM))
    return replace(scene, requests_per_minute=int(limit * ROOM))


def told(limit: int, known: str) -> dict[str, int]:
    """What the teacher is added with."""
    if known == "tokens":
        return {"tpm": limit * TOKENS}
    return {"rpm": limit} if known in ("configured", "day") else {}


def run(limit: int, known: str, minutes: float, latency: float, concurrency: int) -> dict[str, Any]:
    with served(scene_of(limit, known, latency)) as server, workspace() as place:
        place.add_prompts(int(limit * minutes * 1.2) + 200)
        place.add_teacher(server.base_url, concurrency=concurrency, **told(limit, known))
        collecting = place.collect()
        _stop_after(collecting, server, minutes * 60)
        report, log = collecting.report(), server.log()
    began = log[0].arrived
    within = [entry for entry in log if entry.arrived < began + minutes * 60]
    passed = [entry for entry in within if entry.kind != OVER_LIMIT]
    refused = [entry for entry in within if entry.kind == OVER_LIMIT]
    note(f"{limit} a minute, {known}: {len(passed)} passed, {len(refused)} refused")
    return {
        "limit": limit, "known by": known, "minutes": minutes, "allowed": int(limit * minutes), "passed": len(passed),
        "share": round(len(passed) / (limit * minutes), 4), "wanted": 0.97, "429 in all": len(refused),
        "429 in steady state": sum(entry.arrived >= began + SETTLED for entry in refused),
        "busiest minute": busiest(within), "in the first second": sum(entry.arrived < began + 1 for entry in within),
        "completed": report["completed"], "failed": report["failed"],
    }  # fmt: skip


def _stop_after(collecting: Collecting, server: Served, seconds: float) -> None:
    """Ctrl-C once these seconds have passed since its first request."""
    while not server.count()["requests"]:
        if collecting.process.poll() is not None:
            return
        time.sleep(0.02)
    until = time.monotonic() + seconds
    while collecting.process.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    if collecting.process.poll() is None:
        collecting.interrupt()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--limits", default="600,6000")
    parser.add_argument("--known", default="configured,bucket", help=WAYS)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    rows = [
        run(int(limit), known, options.minutes, options.latency, options.concurrency)
        for known in options.known.split(",")
        for limit in options.limits.split(",")
    ]
    show("limits", {"concurrency": options.concurrency, "latency": options.latency}, rows)


if __name__ == "__main__":
    main()
