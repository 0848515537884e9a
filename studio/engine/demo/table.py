"""The demo's figures as tables for a terminal, from its report."""

from typing import Any

from rich.table import Table


def report_tables(report: dict[str, Any]) -> list[Table]:
    """Models by family (base, the three students, the teacher), then the files of the last student."""
    return [models(report), files(report)]


def models(report: dict[str, Any]) -> Table:
    families = report["families"]
    made = Table(title="Exact match on unseen problems, and style", box=None, padding=(0, 2, 0, 0))
    made.add_column("model", no_wrap=True)
    for column in ("all", *(family[:4] for family in families), "style", "tokens", "time"):
        made.add_column(column, justify="right", no_wrap=True)

    def row(name: str, overall: float, by_family: dict[str, float], *rest: str) -> None:
        made.add_row(name, _share(overall), *(_share(by_family[family]) for family in families), *rest)

    row("base", report["base_exact_match"], report["base_by_family"], _share(report["base_style_similarity"]), "", "")
    for student in report["students"]:
        took = f"{student['train_tokens'] / 1000:.0f} k", f"{student['train_seconds']:.0f} s"
        row(student["name"], student["exact_match"], student["by_family"], _share(student["style_similarity"]), *took)
    row("teacher", report["teacher_exact_match"], report["teacher_by_family"], "1.00", "", "")
    return made


def files(report: dict[str, Any]) -> Table:
    made = Table(title=f"GGUF files of {report['gguf'][0]['model']}, put to the same problems")
    for column in ("file", "MB", "exact match", "same answers", "tensor types"):
        made.add_column(column, justify="left" if column in ("file", "tensor types") else "right")
    for row in report["gguf"]:
        default = " (default)" if row["quantization"] == report["default_quantization"] else ""
        kinds = ", ".join(f"{count} {kind}" for kind, count in row["tensor_types"].items())
        size = f"{row['bytes'] / 1e6:.1f}"
        made.add_row(
            f"{row['quantization']}{default}", size, _share(row["exact_match"]), _percent(row["same_answers"]), kinds
        )
    return made


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _share(value: float) -> str:
    return f"{value:.2f}"
