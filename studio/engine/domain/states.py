"""The states that things go through, by the words that the database keeps."""

from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """What a later version calls by a word of its own: it is read so and never written."""


class RunState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class RequestState(StrEnum):
    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    ANSWERED = "answered"
    FAILED = "failed"


class ItemState(StrEnum):
    """Of one question of a run."""

    WAITING = "waiting"
    SENT = "sent"
    """Of a hidden run, or where money is set aside: it went out, and its answer is not kept yet."""
    DONE = "done"
    FAILED = "failed"


class BatchState(StrEnum):
    PREPARED = "prepared"
    """Its lines are written down; nothing has been sent."""
    UPLOADED = "uploaded"
    SUBMITTED = "submitted"
    ENDED = "ended"
    """The provider is done with it, in whole or in part; its answers wait to be read."""
    COLLECTED = "collected"
    LOST = "lost"
    """It never came about, or the provider no longer knows it; its questions are asked again."""


class OperationState(StrEnum):
    RUNNING = "running"
    """Some of its traces are changed, and the rest will be."""
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class BinState(StrEnum):
    KEPT = "kept"
    """It can be restored."""
    EMPTYING = "emptying"
    """Its rows and files are being deleted; it cannot be restored any more."""


class ModelState(StrEnum):
    TRAINING = "training"
    """It is not whole yet: its job trains it, or waits to."""
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"


class StageState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class StudyState(StrEnum):
    PREPARING = "preparing"
    """Its arms are being asked, or wait to be."""
    READY = "ready"
    """It takes votes."""
    CLOSED = "closed"
    FAILED = "failed"


class State(StrEnum):
    """What a person calls the state of a thing: what its row says, and what became of the job that works on it."""

    WAITING = "waiting"
    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    RUNNING = "running"
    PAUSED = "paused"
    READY = "ready"
    DONE = "done"
    CLOSED = "closed"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Its job is in a state that only a later version knows."""


class StopReason(StrEnum):
    """Why a run or an invention stopped by itself or was stopped."""

    DONE = "done"
    USER = "user"
    BUDGET = "budget"
    NOTHING_NEW = "nothing_new"
    """Round after round, an invention kept nothing."""
    GENERATIONS = "generations"
    """An invention has made as many as it was to make."""


class KeyState(StrEnum):
    """Whether a teacher's keys are there for this process."""

    NONE = "none"
    """It needs none."""
    SET = "set"
    MISSING = "missing"


JOB_UNDER_WAY = frozenset({JobState.QUEUED, JobState.RUNNING})
JOB_ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.STOPPED})
JOB_BROKEN_OFF = frozenset({JobState.FAILED, JobState.STOPPED})
"""Jobs that ended without what they were for."""
