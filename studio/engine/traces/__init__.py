"""Traces: what a teacher answered, browsed, labelled, repaired, graded and frozen into datasets."""

from studio.engine.store import matches_in
from studio.engine.traces.browse import Facets, TraceDetail, TracePage
from studio.engine.traces.contradictions import sentence as contradiction_sentence
from studio.engine.traces.dataset_files import DATASET_FORMATS
from studio.engine.traces.datasets import Datasets, FreezeOutlook, dataset_report
from studio.engine.traces.export_jobs import TraceExports
from studio.engine.traces.exporting import ExportOptions
from studio.engine.traces.filters import FILTER_KEYS, NO_VALUE, WITH_TRACES, TraceFilter
from studio.engine.traces.freeze_jobs import Freezes
from studio.engine.traces.freezing import FreezeOptions
from studio.engine.traces.import_jobs import AnswerImports, AnswerOptions
from studio.engine.traces.traces import Selection, Traces

__all__ = [
    "DATASET_FORMATS",
    "FILTER_KEYS",
    "NO_VALUE",
    "WITH_TRACES",
    "AnswerImports",
    "AnswerOptions",
    "Datasets",
    "ExportOptions",
    "Facets",
    "FreezeOptions",
    "FreezeOutlook",
    "Freezes",
    "Selection",
    "TraceDetail",
    "TraceExports",
    "TraceFilter",
    "TracePage",
    "Traces",
    "contradiction_sentence",
    "dataset_report",
    "matches_in",
]
