"""Shows what a student would read: the first conversations of each stage as tokens, and which of them it is taught.

The tokenizer and its template are a stranger's and need transformers, so this runs itself as a limited child process:
`python -m studio.engine.training.preview FILE` reads a TrainSpec as JSON from the file and writes one JSON object.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.engine.engines import ModelLimits, die_with_parent, leave, report_to_parent, run_child
from studio.engine.errors import BadInput, StudioError
from studio.engine.training.spec import StageSpec, TrainSpec

PATIENCE = 300.0
"""Seconds; a hub id may have to be fetched first."""


def preview_rows(spec: TrainSpec, rows: int) -> list[dict[str, Any]]:
    """For each stage {stage, dataset, template, rows: [{tokens: [[text, taught]], length, dropped}]}."""
    limits = replace(ModelLimits.for_model(Path(spec.base).expanduser()), seconds=PATIENCE)
    with tempfile.TemporaryDirectory(prefix="understudy-preview-") as folder:
        request = Path(folder) / "request.json"
        request.write_text(json.dumps({"spec": spec.as_dict(), "rows": rows}), encoding="utf-8")
        said = run_child(
            "studio.engine.training.preview", [request], doing="Tokenizing a few rows", limits=limits, online=True
        )
    return list(said["stages"])


def main() -> None:
    die_with_parent()
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        report_to_parent({"stages": _stages(TrainSpec.from_dict(request["spec"]), request["rows"])})
    except StudioError as exc:
        report_to_parent({"error": exc.message, "bad_input": isinstance(exc, BadInput)})


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
    leave(0)
