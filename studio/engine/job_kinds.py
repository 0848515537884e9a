"""Every kind of job, and where it begins. To add one: declare its `Kind` beside the service that queues it, and name it
with its entry in that room's `entries.py`."""

from collections.abc import Mapping

from studio.engine.backup import entries as backup
from studio.engine.bin import entries as bin_entries
from studio.engine.demo import entries as demo
from studio.engine.evaluation import entries as evaluation
from studio.engine.export import entries as export
from studio.engine.jobs import Entry, Kind
from studio.engine.models import entries as models
from studio.engine.prompts import entries as prompts
from studio.engine.teachers import entries as teachers
from studio.engine.traces import entries as traces
from studio.engine.training import entries as training

_ROOMS = (backup, bin_entries, demo, evaluation, export, models, prompts, teachers, traces, training)
ENTRIES: Mapping[Kind, Entry] = {kind: entry for room in _ROOMS for kind, entry in room.ENTRIES.items()}
