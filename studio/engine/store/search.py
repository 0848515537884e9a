"""Full-text search over traces, in any language, with the same words on SQLite (FTS5) and PostgreSQL (tsvector).

The databases' own tokenizers miss two-character Chinese words, so text is cut into words here and handed to them
ready made: Latin and other spaced scripts by word, without case and accents; Chinese, Japanese, Korean, Thai and
their neighbours, which write without spaces, by overlapping pairs of characters. A longer run is then a phrase of
pairs, and a single character a prefix of one.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate

from sqlalchemy import ColumnElement, Select, bindparam, column, false, select, text
from sqlalchemy.sql import table as table_named
from sqlmodel import Session

from studio.engine.domain.words import index_words, is_paired, placed_words
from studio.engine.store.database import Database

LONGEST_TEXT = 16_383
"""Words of one trace that are searched: PostgreSQL counts no positions beyond it."""
LARGEST_TEXT = 1_000_000
"""Bytes of those words, each with what PostgreSQL stores beside it: it refuses more than a megabyte."""
_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_BESIDE = 6
"""Bytes of a word's position, its count and their alignment."""

_search = table_named("trace_search", column("rowid"), column("trace_id"), column("words"))


# --- words


def match_query(text: str) -> str:
    """An FTS5 query that finds every term a person typed. Empty when there is no word in it.

    A quoted part, or a term with punctuation inside, must occur as a phrase; the last word also matches longer words
    that begin with it. Whatever is typed is data: no operator of the database's query language gets through.
    """
    return " AND ".join(_fts5_phrase(words, prefix) for words, prefix in _terms(text))


def tsquery(text: str) -> str:
    """The same query in PostgreSQL's notation, to be cast to `tsquery`."""
    return " & ".join(f"({_tsquery_phrase(words, prefix)})" for words, prefix in _terms(text))


def matches_in(text: str, query: str) -> list[tuple[int, int]]:
    """Where a text holds what a query asks for: the beginning and end of each place, in order, none overlapping."""
    terms = _terms(query)
    words = [*placed_words(text)] if terms else []
    found = sorted(span for term, prefix in terms for span in _places(words, term, prefix))
    joined: list[tuple[int, int]] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _places(words: list[tuple[str, int, int]], term: list[str], prefix: bool) -> Iterator[tuple[int, int]]:
    last = len(term) - 1
    for first in range(len(words) - last):
        ending, _, end = words[first + last]
        fits = ending.startswith(term[last]) if prefix else ending == term[last]
        if fits and all(words[first + place][0] == term[place] for place in range(last)):
            shown = words[first + last][1] + len(term[last]) if is_paired(ending) else end
            yield words[first][1], shown


def _terms(text: str) -> list[tuple[list[str], bool]]:
    """(the words of one term in order, whether the last of them may be the beginning of a longer word)."""
    terms = []
    matches = list(_TERM.finditer(text[:1000].replace("\x00", " ")))
    for index, match in enumerate(matches):
        quoted, bare = match.groups()
        words = index_words(quoted if bare is None else bare)
        if words:
            terms.append(_ended(words, typing=bare is not None and index == len(matches) - 1))
    return terms


def _ended(words: list[str], typing: bool) -> tuple[list[str], bool]:
    """In a text the last character of a run stands alone in the index; in a query another may follow it."""
    last = words[-1]
    if len(last) > 1 or not is_paired(last):
        return words, typing
    paired = len(words) > 1 and len(words[-2]) == 2 and words[-2][1] == last and is_paired(words[-2])
    return (words[:-1], False) if paired else (words, True)


def _fts5_phrase(words: list[str], prefix: bool) -> str:
    return '"' + " ".join(words) + '"' + ("*" if prefix else "")


def _tsquery_phrase(words: list[str], prefix: bool) -> str:
    quoted = [f"'{word}'" for word in words]
    return " <-> ".join(quoted) + (":*" if prefix else "")


def _tsvector(words: list[str]) -> str:
    return " ".join(f"'{word}':{position}" for position, word in enumerate(words, start=1))


# --- the index


def index_trace(session: Session, trace_id: int, text: str) -> None:
    """Makes a trace findable by `text`, in place of whatever it was found by before."""
    if _on_sqlite(session):
        forget_trace(session, trace_id)
    index_new_traces(session, [(trace_id, indexed_words(text))])


def index_new_traces(session: Session, words: Sequence[tuple[int, list[str]]]) -> None:
    """Makes traces that are not in the index yet findable: id and `indexed_words` of each."""
    if not words:
        return
    if not _on_sqlite(session):
        rows = [{"id": trace_id, "words": _tsvector(of) if of != [""] else ""} for trace_id, of in words]
        session.connection().execute(_PUT_TSVECTOR, rows)
        return
    lines = [(trace_id, " ".join(of)) for trace_id, of in words]
    packed = [{"id": trace_id, "words": zlib.compress(line.encode(), 1)} for trace_id, line in lines]
    session.connection().execute(_FTS5_ADD, [{"id": trace_id, "words": line} for trace_id, line in lines])
    session.connection().execute(_FTS5_PUT_WORDS, packed)


def indexed_words(text: str) -> list[str]:
    """The words that a trace is found by: all of them, unless they are too many or too long."""
    words = index_words(text)[:LONGEST_TEXT] or [""]
    if 4 * sum(map(len, words)) + _BESIDE * len(words) <= LARGEST_TEXT:
        return words
    sizes = accumulate(len(word.encode()) + _BESIDE for word in words)
    return [word for word, size in zip(words, sizes, strict=True) if size <= LARGEST_TEXT]


def forget_trace(session: Session, trace_id: int) -> None:
    """Takes a trace out of the index."""
    if not _on_sqlite(session):
        session.execute(_DROP_TSVECTOR, {"id": trace_id})
        return
    packed = session.execute(_FTS5_WORDS, {"id": trace_id}).scalar()
    if packed is not None:
        session.execute(_FTS5_DELETE, {"id": trace_id, "words": zlib.decompress(packed).decode()})
        session.execute(_FTS5_DROP_WORDS, {"id": trace_id})


def trace_ids_matching(database: Database, text: str) -> Select[tuple[int]]:
    """A subquery of trace ids, for `Trace.id.in_(...)`. A text without a word in it matches nothing."""
    query = match_query(text) if database.is_sqlite else tsquery(text)
    key = _search.c.rowid if database.is_sqlite else _search.c.trace_id
    condition: ColumnElement[bool] = false()
    if query:
        condition = _matches(query, database.is_sqlite)
    return select(key).select_from(_search).where(condition)


def _matches(query: str, on_sqlite: bool) -> ColumnElement[bool]:
    notation = "trace_search MATCH :words" if on_sqlite else "trace_search.words @@ CAST(:words AS tsquery)"
    return text(notation).bindparams(bindparam("words", query, unique=True))  # type: ignore[return-value]


def _on_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


# The tables are made in migrations/versions/v0006_search.py, which says why the words are kept beside the FTS5 table.
_FTS5_ADD = text("INSERT INTO trace_search (rowid, words) VALUES (:id, :words)")
_FTS5_PUT_WORDS = text("INSERT INTO trace_words (trace_id, words) VALUES (:id, :words)")
_FTS5_WORDS = text("SELECT words FROM trace_words WHERE trace_id = :id")
_FTS5_DROP_WORDS = text("DELETE FROM trace_words WHERE trace_id = :id")
_FTS5_DELETE = text("INSERT INTO trace_search (trace_search, rowid, words) VALUES ('delete', :id, :words)")
_PUT_TSVECTOR = text(
    "INSERT INTO trace_search (trace_id, words) VALUES (:id, CAST(:words AS tsvector)) "
    "ON CONFLICT (trace_id) DO UPDATE SET words = excluded.words"
)
_DROP_TSVECTOR = text("DELETE FROM trace_search WHERE trace_id = :id")
