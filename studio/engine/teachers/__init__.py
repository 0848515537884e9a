"""Teachers and collecting: whom to ask, what to ask for, how fast, and keeping every answer that was paid for."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.teachers.collecting import Collecting, RunJobs
    from studio.engine.teachers.endings import RunEndings
    from studio.engine.teachers.grants import host_of
    from studio.engine.teachers.kept_entries import forget_keys
    from studio.engine.teachers.kept_keys import FiledKey, Grant, TeacherKeys
    from studio.engine.teachers.local import is_local, kind_of
    from studio.engine.teachers.presets import PRESETS, Preset, preset_named
    from studio.engine.teachers.replay import read_mapping, serve_replay
    from studio.engine.teachers.roster import Teachers
    from studio.engine.teachers.spending import Spending, Spent
    from studio.engine.teachers.system_messages import SystemMessages, library
    from studio.engine.teachers.trying.trial import TestResult

__all__ = [
    "PRESETS",
    "Collecting",
    "FiledKey",
    "Grant",
    "Preset",
    "RunEndings",
    "RunJobs",
    "Spending",
    "Spent",
    "SystemMessages",
    "TeacherKeys",
    "Teachers",
    "TestResult",
    "forget_keys",
    "host_of",
    "is_local",
    "kind_of",
    "library",
    "preset_named",
    "read_mapping",
    "serve_replay",
]

__getattr__ = on_demand(
    __name__,
    {
        "collecting": ("Collecting", "RunJobs"),
        "endings": ("RunEndings",),
        "grants": ("host_of",),
        "kept_entries": ("forget_keys",),
        "kept_keys": ("FiledKey", "Grant", "TeacherKeys"),
        "local": ("is_local", "kind_of"),
        "presets": ("PRESETS", "Preset", "preset_named"),
        "replay": ("read_mapping", "serve_replay"),
        "roster": ("Teachers",),
        "spending": ("Spending", "Spent"),
        "system_messages": ("SystemMessages", "library"),
        "trying.trial": ("TestResult",),
    },
)
