"""Numbers for many new rows at once, so that rows which refer to each other can be written in bulk."""

from typing import Any

from sqlalchemy import false, func, select, text, update
from sqlmodel import Session, SQLModel

_NEXT = text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)")


def take_ids(session: Session, table: type[SQLModel], count: int) -> list[int]:
    """As many free ids of a table, ascending.

    On SQLite they are the ones after the highest, which nobody else can take, since an update of nothing has made this
    transaction the one that writes. On PostgreSQL they come from the table's sequence.
    """
    columns: Any = table.__table__.c  # type: ignore[attr-defined]
    if session.get_bind().dialect.name == "sqlite":
        session.connection().execute(update(table).where(false()).values(id=columns.id))
        first = int(session.connection().execute(select(func.coalesce(func.max(columns.id), 0))).scalar_one()) + 1
        return list(range(first, first + count))
    sequence = {"sequence": f"{columns.id.table.name}_id_seq", "count": count}
    return [int(number) for number in session.connection().execute(_NEXT, sequence).scalars()]
