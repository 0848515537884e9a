"""A whole workspace in one file, made while it is worked with, and a workspace made of such a file.

What opens doors stays out of it: sessions, links, grants of keys and the workspace's own secrets. A workspace that was
restored starts nothing by itself.
"""

from studio.engine.backup.backups import BACKUP, Backups, KeptBackup
from studio.engine.backup.contents import LEFT_OUT
from studio.engine.backup.holding import Holding, ProjectHolding
from studio.engine.backup.replacing import Prepared, Replaced, switch
from studio.engine.backup.restores import RESTORE, Restores
from studio.engine.backup.restoring import holds_something, restore

__all__ = [
    "BACKUP",
    "LEFT_OUT",
    "RESTORE",
    "Backups",
    "Holding",
    "KeptBackup",
    "Prepared",
    "ProjectHolding",
    "Replaced",
    "Restores",
    "holds_something",
    "restore",
    "switch",
]
