"""How a benchmark tells what it found: a table for people on standard error, one JSON line on standard output."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


def show(name: str, figures: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints the rows as a table (the keys of the first are its heads), then all of it as one line of JSON."""
    table = Table(title=name)
    heads = list(rows[0]) if rows else []
    for head in heads:
        table.add_column(head, justify="left" if head == heads[0] else "right")
    for row in rows:
        table.add_row(*(_written(row.get(head)) for head in heads))
    Console(stderr=True, width=140).print(table)
    print(json.dumps({"benchmark": name, **machine(), **figures, "rows": list(rows)}), flush=True)


def end(wrong: Sequence[str]) -> None:
    """Ends with exit code 1 when something was lost, asked twice or mixed up; how fast it went is no reason."""
    for fault in wrong:
        note(f"WRONG: {fault}")
    sys.exit(1 if wrong else 0)


def note(text: str) -> None:
    """Where it is, for whoever waits."""
    sys.stderr.write(f"{datetime.now():%H:%M:%S} {text}\n")
    sys.stderr.flush()


def machine() -> dict[str, Any]:
    """When and on what: figures without these mean little."""
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"), "cores": os.cpu_count(), "processor": _processor(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def middle(values: Sequence[float]) -> float:
    return round(median(values), 3)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
