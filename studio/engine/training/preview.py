"""Shows what a student would read: the first conversations of each stage as tokens, and which of them it is taught.

The tokenizer needs transformers, so this runs itself as a child process: `python -m studio.engine.training.preview`
reads a TrainSpec as JSON from standard input and writes one JSON object.
"""

import json
import subprocess
import sys
from typing import Any

from studio.engine.errors import BadInput, Failed, StudioError
from studio.engine.training.spec import StageSpec, TrainSpec

PATIENCE = 300.0
"""Seconds; a hub id may have to be fetched first."""


def preview_rows(spec: TrainSpec, rows: int) -> list[dict[str, Any]]:
    """For each stage {stage, dataset, template, rows: [{tokens: [[text, taught]], length, dropped}]}."""
    request = json.dumps({"spec": spec.as_dict(), "rows": rows})
    command = [sys.executable, "-m", "studio.engine.training.preview"]
    try:
        done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as exc:
        raise Failed(
            "Tokenizing a few rows took more than five minutes. Is the base being fetched? Try again later."
        ) from exc
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as exc:
        last = done.stderr.strip().splitlines()[-1:] or ["no words"]
        raise Failed(f"The preview process ended with {done.returncode} ({last[0][:200]}). Try again.") from exc
    if "error" in answer:
        raise (BadInput if answer["bad_input"] else Failed)(answer["error"])
    return answer["stages"]


def main() -> None:
    request = json.loads(sys.stdin.read())
    try:
        answer: dict[str, Any] = {"stages": _stages(TrainSpec.from_dict(request["spec"]), request["rows"])}
    except StudioError as exc:
        answer = {"error": exc.message, "bad_input": isinstance(exc, BadInput)}
    sys.stdout.write(json.dumps(answer) + "\n")


def _stages(spec: TrainSpec, rows: int) -> list[dict[str, Any]]:
    from studio.engine.training.base import base_folder, has_template, open_tokenizer, reading_limit
    from studio.engine.training.formatting import Formatter
    from studio.engine.training.launch import longest_row

    folder = base_folder(spec.base)
    formatter, limit = Formatter(open_tokenizer(folder)), reading_limit(folder)
    template = "own" if has_template(folder) else "plain"
    return [
        {
            "stage": stage.settings.name,
            "dataset": stage.settings.dataset,
            "template": template,
            "rows": _rows(stage, formatter, longest_row(stage.settings.max_length, limit, spec.base), rows),
        }
        for stage in spec.stages
    ]


def _rows(stage: StageSpec, formatter: Any, longest: int, rows: int) -> list[dict[str, Any]]:
    from studio.engine.training.formatting import AmbiguousError
    from studio.engine.training.rows import read_messages

    shown = []
    conversations = read_messages(stage.file, rows)
    for messages, row in zip(conversations, formatter.rows(conversations), strict=True):
        if isinstance(row, AmbiguousError):
            shown.append({"tokens": [], "length": 0, "dropped": str(row)})
            continue
        long = len(row.ids) > longest
        kept = row.cut(longest) if long and stage.settings.too_long == "cut" else row
        pieces = formatter.pieces(messages)[: len(kept.ids)]
        tokens = [[text, bool(taught)] for text, taught in zip(pieces, kept.taught, strict=True)]
        dropped = f"longer than {longest} tokens" if long and kept is row else None
        shown.append({"tokens": tokens, "length": len(row.ids), "dropped": dropped})
    return shown


if __name__ == "__main__":
    main()
