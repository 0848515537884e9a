"""Every table of the studio.

A project owns everything; texts and raw replies live beside the narrow rows people browse. Times are seconds since
1970 in UTC, money is in US dollars, shares are between 0 and 1.
"""

from studio.engine.store.tables.jobs import Job, JobState
from studio.engine.store.tables.models import Model, ModelFile, Stage, StagePoint
from studio.engine.store.tables.project import Preference, Project, SystemMessage
from studio.engine.store.tables.prompts import Prompt, PromptSource
from studio.engine.store.tables.studies import Study, StudyAnswer, StudyItem, Vote
from studio.engine.store.tables.teachers import (
    Attempt,
    Batch,
    BatchLine,
    BatchState,
    RawReply,
    Request,
    RequestState,
    Run,
    RunItem,
    RunState,
    RunVoice,
    Teacher,
)
from studio.engine.store.tables.traces import Dataset, DatasetRow, Operation, OperationRow, Trace, TraceTag, TraceText

__all__ = [
    "Attempt",
    "Batch",
    "BatchLine",
    "BatchState",
    "Dataset",
    "DatasetRow",
    "Job",
    "JobState",
    "Model",
    "ModelFile",
    "Operation",
    "OperationRow",
    "Preference",
    "Project",
    "Prompt",
    "PromptSource",
    "RawReply",
    "Request",
    "RequestState",
    "Run",
    "RunItem",
    "RunState",
    "RunVoice",
    "Stage",
    "StagePoint",
    "Study",
    "StudyAnswer",
    "StudyItem",
    "SystemMessage",
    "Teacher",
    "Trace",
    "TraceTag",
    "TraceText",
    "Vote",
]
