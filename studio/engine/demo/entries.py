"""Where this room's jobs begin: the demo, from the Home page."""

from typing import Any

from studio.engine.demo.demo import run_demo
from studio.engine.demo.sizes import DEMO
from studio.engine.jobs import Entry, JobContext, Kind

STEPS = 8


def demo(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Payload: {seed, quick}, both optional. Returns the demo's report; raises `Stopped` soon after a stop is asked."""
    done = 0

    def say(text: str) -> None:
        nonlocal done
        context.progress(done, STEPS, text)
        done += 1

    seed, quickly = payload.get("seed", 7), payload.get("quick", False)
    return run_demo(context.studio, seed=seed, quickly=quickly, say=say, should_stop=context.should_stop)


ENTRIES: dict[Kind, Entry] = {DEMO: demo}
