"""The demo's one table, from its report."""

from typing import Any

from rich.table import Table


def table(report: dict[str, Any]) -> Table:
    """Rows: base, the three students, the files of the last one, the teacher. Columns as in the README."""
    families = report["families"]
    made = Table(title="Exact match on unseen problems", title_justify="left")
    made.add_column("model")
    for column in ("exact match", *families, "style", "train tokens", "train time"):
        made.add_column(column, justify="right")
    made.add_row("practice base", *_figures(report["base_exact_match"], report["base_by_family"], families),
                 _share(report["base_style_similarity"]), "", "")  # fmt: skip
    for row in report["students"]:
        made.add_row(
            row["name"],
            *_figures(row["exact_match"], row["by_family"], families),
            _share(row["style_similarity"]),
            f"{row['train_tokens']:,}",
            f"{row['train_seconds']:.0f} s",
        )
    for row in report["gguf"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in row["tensor_types"].items())
        same = f"same answer {row['same_answers']:.1%}"
        note = " (default)" if row["quantization"] == report["default_quantization"] else ""
        made.add_row(
            f"  {row['quantization']}{note}: {row['bytes'] / 1e6:.1f} MB, {same}\n  {kinds}",
            _share(row["exact_match"]),
            *[""] * (len(families) + 3),
        )
    made.add_row("teacher (practice-thorough)", *_figures(report["teacher_exact_match"], report["teacher_by_family"],
                 families), "1.00", "", "")  # fmt: skip
    return made


def _figures(overall: float, by_family: dict[str, float], families: list[str]) -> list[str]:
    return [_share(overall), *(_share(by_family[family]) for family in families)]


def _share(value: float) -> str:
    return f"{value:.2f}"
