"""Prompts: imported from files or made by the practice world, kept in named sources, each distinct prompt once."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.prompts.diversity import AMONG, ASKED, Diversity, Spread
    from studio.engine.prompts.importing import AUTO, FORMATS, Source, preview, settle
    from studio.engine.prompts.jobs import PromptJobs
    from studio.engine.prompts.keeping import Seen
    from studio.engine.prompts.making import STANDARD_LEVEL
    from studio.engine.prompts.prompts import ASKING, Prompts
    from studio.engine.prompts.read_options import ReadOptions
    from studio.engine.prompts.reading import read_pairs, read_rows
    from studio.engine.prompts.reading_progress import by_bytes
    from studio.engine.prompts.record import (
        DUPLICATE,
        NOT_TEXT,
        ImportedAnswer,
        ImportReport,
        NewPrompt,
        Preview,
        Record,
        Skip,
        Tally,
        is_plain,
        is_storable,
    )
    from studio.engine.prompts.shapes.columns import FIELDS, parse_map, value_of

__all__ = [
    "AMONG",
    "ASKED",
    "ASKING",
    "AUTO",
    "DUPLICATE",
    "FIELDS",
    "FORMATS",
    "NOT_TEXT",
    "STANDARD_LEVEL",
    "Diversity",
    "ImportReport",
    "ImportedAnswer",
    "NewPrompt",
    "Preview",
    "PromptJobs",
    "Prompts",
    "ReadOptions",
    "Record",
    "Seen",
    "Skip",
    "Source",
    "Spread",
    "Tally",
    "by_bytes",
    "is_plain",
    "is_storable",
    "parse_map",
    "preview",
    "read_pairs",
    "read_rows",
    "settle",
    "value_of",
]

__getattr__ = on_demand(
    __name__,
    {
        "diversity": (
            "AMONG",
            "ASKED",
            "Diversity",
            "Spread",
        ),
        "importing": (
            "AUTO",
            "FORMATS",
            "Source",
            "preview",
            "settle",
        ),
        "jobs": ("PromptJobs",),
        "keeping": ("Seen",),
        "making": ("STANDARD_LEVEL",),
        "prompts": (
            "ASKING",
            "Prompts",
        ),
        "read_options": ("ReadOptions",),
        "reading": (
            "read_pairs",
            "read_rows",
        ),
        "reading_progress": ("by_bytes",),
        "record": (
            "DUPLICATE",
            "NOT_TEXT",
            "ImportedAnswer",
            "ImportReport",
            "NewPrompt",
            "Preview",
            "Record",
            "Skip",
            "Tally",
            "is_plain",
            "is_storable",
        ),
        "shapes.columns": (
            "FIELDS",
            "parse_map",
            "value_of",
        ),
    },
)
