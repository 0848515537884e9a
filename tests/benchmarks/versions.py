"""This checkout against another one, in turn: imports of prompts and of answers, collecting, the first page, later
pages, and the quick demo.

`git worktree add ../before COMMIT; python tests/benchmarks/versions.py ../before [--rounds 5 --only import,collect]`.
Both run with this interpreter and its libraries, each in a workspace of its own; the order changes from round to round.
Later pages of both are open in one browser, and each is clicked in the one and then in the other, so that what else the
machine does meets both. Medians, and the median of the ratios round by round. Pages need a Chromium.
"""

import argparse
import compileall
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from figures import middle, note, show
from peers.asking import question
from scene import Scene
from serving import served
from studio_runs import Workspace, workspace

HERE = Path(__file__).resolve().parents[2]
PAGES = ("teachers", "prompts", "collect", "traces", "datasets", "train", "models", "compare", "jobs", "settings")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
SETTLED = 1500
"""Milliseconds that a page is left to fill before the next is opened."""
Figures = dict[str, float]
"""Seconds by what was measured."""


def imports(checkout: Path, rows: int) -> Figures:
    """Prompts of a JSONL file, by the command line, with its start."""
    with _workspace(checkout) as space:
        file = space.folder / "rows.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps({"prompt": question(row)}) + "\n" for row in range(rows))
        with _timed("import of prompts") as figures:
            report = space.command("prompts", "import", file, "--name", "rows")
        assert report["imported"] == rows, report
        return figures


def answers(checkout: Path, rows: int) -> Figures:
    """Answers that exist already, of a JSONL file, by the command line, with its start."""
    with _workspace(checkout) as space:
        file = space.folder / "answers.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for row in range(rows):
                said = {
                    "prompt": question(row),
                    "response": f"The answer to question {row} is {row * 7}, as was shown.",
                }
                lines.write(json.dumps(said) + "\n")
        with _timed("import of answers") as figures:
            report = space.command("traces", "import", file, "--name", "r", "--teacher-name", "t", "--terms", "yes")
        assert report["imported"] == rows, report
        return figures


def collecting(checkout: Path, rows: int) -> Figures:
    """A run against a server that answers at once, by the command line, with its start."""
    with _workspace(checkout) as space, served(Scene(latency=0.0)) as server:
        space.add_prompts(rows)
        space.add_teacher(server.base_url, concurrency=64)
        report = space.collect().report()
        assert report["completed"] == rows, report
        return {"collect": report["wall_seconds"]}


def pages(checkout: Path, _rows: int) -> Figures:
    """From the command to the link, and to the first page's heading."""
    with _browser() as browser, _opened(checkout) as (link, began):
        linked = time.monotonic() - began
        _first_page(browser, link)
        return {"link": linked, "first page": time.monotonic() - began}


def visits(checkouts: Sequence[Path], rounds: int) -> list[dict[Path, Figures]]:
    """From a click to the heading, of every page, in both versions at once."""
    with _browser() as browser, ExitStack() as stack:
        links = {side: stack.enter_context(_opened(side))[0] for side in checkouts}
        shown = {side: _first_page(browser, link) for side, link in links.items()}
        taken = []
        for number in range(rounds):
            note(f"later pages, round {number + 1} of {rounds}")
            figures: dict[Path, Figures] = {side: {} for side in checkouts}
            for turn, name in enumerate(PAGES):
                for side in checkouts if (number + turn) % 2 == 0 else checkouts[::-1]:
                    figures[side][f"page {name}"] = _clicked(shown[side], name)
            for side in checkouts:
                figures[side]["later pages"] = middle(list(figures[side].values()))
            taken.append(figures)
        return taken


def demo(checkout: Path, _rows: int) -> Figures:
    with _workspace(checkout) as space:
        began = time.monotonic()
        space.command("demo", "--quick", "--seed", "7")
        return {"quick demo": time.monotonic() - began}


MEASURES: dict[str, tuple[Callable[[Path, int], Figures], int]] = {
    "import": (imports, 50_000), "answers": (answers, 20_000), "collect": (collecting, 8_000), "pages": (pages, 0),
    "demo": (demo, 0),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join([*MEASURES, "visits"]))
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {}
    sides = [options.before.resolve(), HERE]
    for side in sides:
        compileall.compile_dir(side / "studio", quiet=1)
    for name in options.only.split(","):
        for taken in visits(sides, options.rounds) if name == "visits" else _rounds(name, sides, options.rounds):
            for key in taken[HERE]:
                found.setdefault(key, []).append((taken[sides[0]][key], taken[HERE][key]))
    show("versions", {"rounds": options.rounds}, [_row(key, pairs) for key, pairs in found.items()])


def _rounds(name: str, sides: Sequence[Path], rounds: int) -> Iterator[dict[Path, Figures]]:
    measure, rows = MEASURES[name]
    for number in range(rounds):
        note(f"{name}, round {number + 1} of {rounds}")
        yield {side: measure(side, rows) for side in (sides if number % 2 == 0 else sides[::-1])}


def _row(key: str, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "what": key, "before s": middle([before for before, _ in pairs]), "now s": middle([now for _, now in pairs]),
        "now/before": middle([now / before for before, now in pairs]),
        "least": round(min(now / before for before, now in pairs), 3),
        "most": round(max(now / before for before, now in pairs), 3),
    }  # fmt: skip


@contextmanager
def _timed(what: str) -> Iterator[Figures]:
    """Seconds of a command by the clock, and of processors; filled in at the end of the block."""
    figures: Figures = {}
    began, used = time.monotonic(), _processor_seconds()
    yield figures
    figures |= {what: time.monotonic() - began, f"{what}, of processors": _processor_seconds() - used}


def _processor_seconds() -> float:
    """What all commands that have ended took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _workspace(checkout: Path) -> Iterator[Workspace]:
    with workspace(PYTHONPATH=str(checkout)) as space:
        yield space


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _opened(checkout: Path) -> Iterator[tuple[str, float]]:
    """An app on an empty workspace: its link, and when its command was given."""
    with _workspace(checkout) as space:
        command = [sys.executable, "-m", "studio", "--workspace", str(space.folder / "home"), "open", "--port", "0"]
        began = time.monotonic()
        app = subprocess.Popen(
            [*command, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=space.folder,
            env={**space.environment, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        try:
            yield _link(app), began
        finally:
            app.terminate()
            app.wait(30)


def _first_page(browser: Any, link: str) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
    page.goto(link, timeout=120_000)
    page.wait_for_selector(".page-head h1", timeout=120_000)
    page.wait_for_timeout(SETTLED)
    return page


def _link(app: "subprocess.Popen[str]") -> str:
    assert app.stdout is not None
    for line in app.stdout:
        if found := re.search(r"http://[\w.-]+:\d+/\S*", line):
            return found[0]
    raise RuntimeError("The app ended before it printed its link.")


def _clicked(page: Any, name: str) -> float:
    began = time.monotonic()
    page.locator(f'.us-nav a[data-page="{name}"]').click()
    page.wait_for_selector(f"#{name}-header h1", timeout=60_000)
    seconds = time.monotonic() - began
    page.wait_for_timeout(SETTLED)
    return seconds


def _chromium() -> str | None:
    return next((found for name in ("chromium", "google-chrome", "chrome") if (found := shutil.which(name))), None)


if __name__ == "__main__":
    main()
