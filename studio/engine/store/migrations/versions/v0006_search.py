"""The search index of traces: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL.

The FTS5 table keeps no text. To take a row out, FTS5 must be told the words that went in (before SQLite 3.43 there is
no other way), so they are kept beside it, compressed.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

SQLITE = (
    "CREATE VIRTUAL TABLE trace_search USING fts5(words, content='', columnsize=0, tokenize='ascii')",
    "CREATE TABLE trace_words (trace_id INTEGER PRIMARY KEY, words BLOB NOT NULL)",
)
POSTGRESQL = (
    "CREATE TABLE trace_search (trace_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE INDEX trace_search_words ON trace_search USING gin (words)",
)


def upgrade() -> None:
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
