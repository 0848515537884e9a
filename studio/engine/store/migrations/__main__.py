"""Writes the next step of the schema's history: what changed in `store/tables` since the last one.

    python -m studio.engine.store.migrations "what changes" [TABLE ...]

With tables named, only what concerns these is written. The step is a draft: read it before it is kept.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps
from sqlalchemy import create_engine
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from studio.engine.store import tables
from studio.engine.store.migrations import FOLDER, belongs_to_tables, newest, upgrade

HEAD = '''"""{words}"""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = {before}


def upgrade() -> None:
'''


def main(words: str, only: Sequence[str] = ()) -> Path:
    """Writes the step and returns its path. It has one function for each table."""
    assert tables.Project.metadata is SQLModel.metadata
    before = newest()
    number = f"{int(before) + 1:04}"
    path = FOLDER / "versions" / f"v{number}_{re.sub(r'[^a-z0-9]+', '_', words.lower()).strip('_')}.py"
    changes = {table: code for table, code in _changes(before).items() if not only or table in only}
    text = HEAD.format(words=words, number=number, before=repr(before) if int(before) else None)
    text += "".join(f"    _{table}()\n" for table in changes)
    text += "".join(f"\n\ndef _{table}() -> None:\n    {code}\n" for table, code in changes.items())
    path.write_text(text)
    return path


def _changes(before: str) -> dict[str, str]:
    """The code of each table, in the order in which foreign keys allow it."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/empty.db")
        if int(before):
            upgrade(engine)
        with engine.connect() as connection:
            options: dict[str, Any] = {"include_object": belongs_to_tables}
            found = produce_migrations(MigrationContext.configure(connection, opts=options), SQLModel.metadata)
        engine.dispose()
    assert found.upgrade_ops is not None
    grouped: dict[str, list[Any]] = {}
    for operation in found.upgrade_ops.ops:
        grouped.setdefault(operation.table_name, []).append(operation)  # type: ignore[attr-defined]
    return {table: _code(operations) for table, operations in grouped.items()}


def _code(operations: list[Any]) -> str:
    code = render_python_code(UpgradeOps(operations), render_as_batch=True, render_item=_plain)
    return re.sub(r"^ *#.*$\n?", "", code, flags=re.MULTILINE).replace("], )", "])").strip()


def _plain(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


if __name__ == "__main__":
    print(main(sys.argv[1] if len(sys.argv) > 1 else "Unnamed.", sys.argv[2:]))
