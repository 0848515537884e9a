"""What every client that is compared has in common: the question, the options, and its figures as JSON."""

import argparse
import json
import time
from collections.abc import Callable

PROMPT = (
    "[row {row}] A reader asks how two numbers of several digits are added by hand. Explain each step in your own "
    "words, say why it is right, and end with the result on a line of its own."
)


def question(row: int) -> str:
    return PROMPT.format(row=row)


def report(ask_all: Callable[[argparse.Namespace], int], what: str, **extra: str) -> None:
    """Reads the options, asks, and prints how many were answered in how many seconds; imports are over by then."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=64)
    for name, default in extra.items():
        parser.add_argument(f"--{name}", default=default)
    options = parser.parse_args()
    began = time.monotonic()
    answered = ask_all(options)
    print(json.dumps({"answered": answered, "seconds": round(time.monotonic() - began, 3)}), flush=True)
