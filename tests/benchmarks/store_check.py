"""What a workspace's database holds of a run, read with plain SQL, so that no code of the collector judges itself."""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROW = re.compile(r"\[row (\d+)\]")
ANSWER = re.compile(r"Row (\d+):")

COUNTS = {
    "items": "SELECT count(*) FROM run_item",
    "done": "SELECT count(*) FROM run_item WHERE state = 'done'",
    "failed": "SELECT count(*) FROM run_item WHERE state = 'failed'",
    "traces": "SELECT count(*) FROM trace",
    "items_with_a_trace": "SELECT count(DISTINCT run_item_id) FROM trace",
    "answered_attempts": "SELECT count(*) FROM attempt WHERE status = 'answered'",
    "answered_requests": "SELECT count(DISTINCT request_id) FROM attempt WHERE status = 'answered'",
    "raw_replies": "SELECT count(*) FROM raw_reply",
    "attempts": "SELECT count(*) FROM attempt",
    "left_in_flight": "SELECT count(*) FROM request WHERE state = 'in_flight'",
    "run_says_completed": "SELECT sum(completed) FROM run",
    "run_says_attempts": "SELECT sum(attempts) FROM run",
}
PAIRS = "SELECT prompt.text, trace_text.response FROM trace JOIN prompt ON prompt.id = trace.prompt_id JOIN trace_text"
PAIRS += " ON trace_text.trace_id = trace.id"


@dataclass(frozen=True)
class Kept:
    """Counts over the only run of a workspace, and how many traces hold another row's answer."""

    counts: dict[str, int]
    mixed_up: int

    def faults(self, rows: int) -> list[str]:
        """What is wrong with a run that is said to be complete; empty when every row is there exactly once."""
        every = (
            "items", "done", "traces", "items_with_a_trace", "answered_attempts", "answered_requests", "raw_replies",
            "run_says_completed",
        )  # fmt: skip
        wrong = [f"{name} is {self.counts[name]}, not {rows}" for name in every if self.counts[name] != rows]
        none = {"failed": self.counts["failed"], "left_in_flight": self.counts["left_in_flight"]}
        wrong += [f"{name} is {count}" for name, count in (none | {"mixed_up": self.mixed_up}).items() if count]
        if self.counts["attempts"] != self.counts["run_says_attempts"]:
            wrong.append(f"the run counts {self.counts['run_says_attempts']} attempts of {self.counts['attempts']}")
        return wrong


def kept_in(database: Path) -> Kept:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        counts = {name: connection.execute(query).fetchone()[0] or 0 for name, query in COUNTS.items()}
        mixed_up = sum(_number(ROW, prompt) != _number(ANSWER, said) for prompt, said in connection.execute(PAIRS))
    return Kept(counts, mixed_up)


def is_made(database: Path) -> bool:
    """Whether a run is written down."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return bool(connection.execute("SELECT count(*) FROM run").fetchone()[0])


def rows_kept(database: Path) -> set[int]:
    """The rows whose answers are kept at this moment."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return {_number(ROW, prompt) for prompt, _ in connection.execute(PAIRS)}


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else -1
