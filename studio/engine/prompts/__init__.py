"""Prompts: imported from files or made by the practice world, kept in named sources, each distinct prompt once."""

from studio.engine.prompts.importing import FORMATS
from studio.engine.prompts.record import ImportReport, NewPrompt, Preview, Skip
from studio.engine.prompts.service import Prompts
from studio.engine.prompts.shapes.columns import FIELDS, parse_map

__all__ = ["FIELDS", "FORMATS", "ImportReport", "NewPrompt", "Preview", "Prompts", "Skip", "parse_map"]
