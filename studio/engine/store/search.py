"""Full-text search over traces, in any language, with the same words on SQLite (FTS5) and PostgreSQL (tsvector).

The databases' own tokenizers miss two-character Chinese words, so text is cut into words here and handed to them
ready made: Latin and other spaced scripts by word, without case and accents; Chinese, Japanese, Korean, Thai and
their neighbours, which write without spaces, by overlapping pairs of characters. A longer run is then a phrase of
pairs, and a single character a prefix of one.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate

from sqlalchemy import ColumnElement, Select, bindparam, column, false, select, text
from sqlalchemy.sql import table as table_named
from sqlmodel import Session

from studio.engine.store.database import Database

LONGEST_TEXT = 16_383
"""Words of one trace that are searched: PostgreSQL counts no positions beyond it."""
LARGEST_TEXT = 1_000_000
"""Bytes of those words, each with what PostgreSQL stores beside it: it refuses more than a megabyte."""
LONGEST_WORD = 200
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u3096\u309d-\u30ff\u31f0-\u31ff\u3005-\u3007"
_UNSPACED += "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u1100-\u11ff\U00020000-\U0003ffff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_ASCII_WORD = re.compile("[a-z0-9]+")
_ANY_WORD = re.compile(rf"(?P<run>[{_UNSPACED}]+)|(?P<word>(?:[^\W_{_UNSPACED}]|[{_MARKS}])+)")
_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_LATIN_END = 0x0530
_BESIDE = 6
"""Bytes of a word's position, its count and their alignment."""

_search = table_named("trace_search", column("rowid"), column("trace_id"), column("words"))


# --- words


def segment(text: str) -> str:
    """The words of a text as the index holds them, separated by single spaces."""
    return " ".join(_words(text))


def match_query(text: str) -> str:
    """An FTS5 query that finds every term a person typed. Empty when there is no word in it.

    A quoted part, or a term with punctuation inside, must occur as a phrase; the last word also matches longer words
    that begin with it. Whatever is typed is data: no operator of the database's query language gets through.
    """
    return " AND ".join(_fts5_phrase(words, prefix) for words, prefix in _terms(text))


def tsquery(text: str) -> str:
    """The same query in PostgreSQL's notation, to be cast to `tsquery`."""
    return " & ".join(f"({_tsquery_phrase(words, prefix)})" for words, prefix in _terms(text))


def _words(text: str) -> Iterator[str]:
    if text.isascii():
        yield from [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(text.lower())]
        return
    for match in _ANY_WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        run = match.group("run")
        if run is None:
            # An accent that stands alone, as in "I´m" once it is normalised, leaves nothing to be found by.
            if word := _without_accents(match.group("word"))[:LONGEST_WORD]:
                yield word
        else:
            yield from (run[index : index + 2] for index in range(len(run)))


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    return "".join(_base(character) for character in word if not "\u0300" <= character <= "\u036f")


def _base(character: str) -> str:
    """Latin, Greek and Cyrillic letters lose their accents; in other scripts a mark makes another letter."""
    first = unicodedata.normalize("NFD", character)[0]
    return first if ord(first) < _LATIN_END else character


def _terms(text: str) -> list[tuple[list[str], bool]]:
    """(the words of one term in order, whether the last of them may be the beginning of a longer word)."""
    terms = []
    matches = list(_TERM.finditer(text[:1000].replace("\x00", " ")))
    for index, match in enumerate(matches):
        quoted, bare = match.groups()
        words = list(_words(quoted if bare is None else bare))
        if words:
            terms.append(_ended(words, typing=bare is not None and index == len(matches) - 1))
    return terms


def _ended(words: list[str], typing: bool) -> tuple[list[str], bool]:
    """In a text the last character of a run stands alone in the index; in a query another may follow it."""
    last = words[-1]
    if not re.fullmatch(f"[{_UNSPACED}]", last):
        return words, typing
    paired = len(words) > 1 and len(words[-2]) == 2 and words[-2][1] == last and re.match(f"[{_UNSPACED}]", words[-2])
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
    index_new_traces(session, [(trace_id, text)])


def index_new_traces(session: Session, texts: Sequence[tuple[int, str]]) -> None:
    """Makes traces that are not in the index yet findable: (id, text) of each."""
    words = [(trace_id, _indexed(text)) for trace_id, text in texts]
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


def _indexed(text: str) -> list[str]:
    """The words that a trace is found by: all of them, unless they are too many or too long."""
    words = segment(text).split(" ")[:LONGEST_TEXT]
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
