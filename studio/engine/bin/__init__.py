"""Putting things away and into a bin, with what depends on them named; taking them out again; emptying the bin.

What is in the bin has no say any more: no list shows it and no name finds it. Its rows and files stay until the bin is
emptied, so that it comes back as it was.
"""

from studio.engine.bin.bin import EMPTY, Bin
from studio.engine.bin.dependents import Dependent
from studio.engine.bin.expiring import Expire, Expiring
from studio.engine.bin.reports import Away, Deleted, Restored, Whereabouts
from studio.engine.bin.things import ThingKind

__all__ = ["EMPTY", "Away", "Bin", "Deleted", "Dependent", "Expire", "Expiring", "Restored", "ThingKind", "Whereabouts"]
