"""Every table of the studio.

A project owns everything; texts and raw replies live beside the narrow rows people browse. Times are seconds since
1970 in UTC, money is in US dollars, shares are between 0 and 1.
"""

from studio.engine.store.tables.answers import Answer
from studio.engine.store.tables.bin import BinItem
from studio.engine.store.tables.jobs import Job
from studio.engine.store.tables.models import Model, ModelFile, Stage, StagePoint
from studio.engine.store.tables.people import BrowserSession, Person
from studio.engine.store.tables.project import Preference, Project, SystemMessage
from studio.engine.store.tables.prompts import Prompt, PromptSource
from studio.engine.store.tables.studies import Presentation, RaterInvitation, Study, StudyAnswer, StudyItem, Vote
from studio.engine.store.tables.teachers import (
    Attempt,
    Batch,
    BatchLine,
    KeyGrant,
    RawReply,
    Request,
    Run,
    RunItem,
    RunReturnedModel,
    Teacher,
)
from studio.engine.store.tables.traces import Dataset, DatasetRow, Operation, OperationRow, Trace, TraceTag, TraceText

__all__ = [
    "Answer",
    "Attempt",
    "Batch",
    "BatchLine",
    "BinItem",
    "BrowserSession",
    "Dataset",
    "DatasetRow",
    "Job",
    "KeyGrant",
    "Model",
    "ModelFile",
    "Operation",
    "OperationRow",
    "Person",
    "Preference",
    "Presentation",
    "Project",
    "Prompt",
    "PromptSource",
    "RaterInvitation",
    "RawReply",
    "Request",
    "Run",
    "RunItem",
    "RunReturnedModel",
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
