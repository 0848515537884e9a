"""Seconds from the command to the link and to the whole first page, and to each later page, in a real Chromium.

    python tests/benchmarks/first_page.py --rounds 5 --compare ../another-checkout

Prints one JSON line with the medians of each checkout; with `--compare` the rounds of both alternate. A page is there
once its heading is, which Gradio draws; later pages are visited three times in each round. `cpu` is the processor time
that a process takes to make the app, which other work on the machine changes little.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parents[2]
PAGES = ("", "teachers", "prompts", "collect", "traces", "datasets", "train", "models", "compare", "jobs", "settings")
VISITS = 3
HEADING = ".page-head h1"
MAKE_APP = (
    "import os, sys, time\n"
    "from studio.app import create_app\n"
    "from studio.engine.settings import Settings\n"
    "create_app(Settings().prepare(), worker=False)\n"
    "print(time.process_time(), flush=True)\n"
    "os._exit(0)\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compare", type=Path, help="another checkout, measured in alternation")
    given = parser.parse_args()
    checkouts = [HERE, *([given.compare.resolve()] if given.compare else [])]
    found: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(given.rounds):
            for checkout in checkouts:
                page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
                found[checkout].append(one_round(page, checkout, Path(folder) / "workspace"))
                page.context.close()
        browser.close()
    for checkout, rounds in found.items():
        medians = {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}
        print(json.dumps({"checkout": str(checkout), "load": os.getloadavg()[0], **medians}))


def one_round(page: Page, checkout: Path, workspace: Path) -> dict[str, float]:
    """Seconds by what was waited for."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**inherited, "PYTHONPATH": str(checkout), "UNDERSTUDY_WORKSPACE": str(workspace)}
    made = [sys.executable, "-c", MAKE_APP]
    cpu = subprocess.run(made, env=environment, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=True)
    begun = time.monotonic()
    with opened(environment) as link:
        at_link = time.monotonic() - begun
        arrive(page, link)
        found = {"cpu": float(cpu.stdout), "link": at_link, "first": time.monotonic() - begun}
        base = link.split("/?")[0]
        return found | {name or "home": visited(page, f"{base}/{name}") for name in PAGES}


@contextmanager
def opened(environment: dict[str, str]) -> Iterator[str]:
    """The link of an app that runs meanwhile."""
    command: list[Any] = [sys.executable, "-m", "studio", "open", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=tempfile.gettempdir(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def visited(page: Page, address: str) -> float:
    """The median of some visits, in seconds."""
    taken = []
    for _ in range(VISITS):
        begun = time.monotonic()
        arrive(page, address)
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def arrive(page: Page, address: str) -> None:
    page.goto(address, wait_until="commit")
    page.wait_for_selector(HEADING)


if __name__ == "__main__":
    main()
