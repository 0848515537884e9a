"""OpenAssistant's trees: one message a row with `message_id` and `parent_id`, or one tree a row with nested `replies`.

Of each tree one conversation is taken: from the first message along the best-ranked reply, step by step. What a chat
model or a volunteer replied is not kept as a known answer.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, ClassVar

from studio.engine.domain.status import status
from studio.engine.prompts.dialogue import Dialogue
from studio.engine.prompts.keeping import temporary
from studio.engine.prompts.record import DUPLICATE, NOT_TEXT, Record, Skip, Unusable, is_storable
from studio.engine.prompts.shapes.shape import Conversations, text_of
from studio.engine.prompts.shapes.turns import NO_CONVERSATION, WITHOUT_TEXT, read_turn

PATH = "best_ranked_path"
"""The column of a gathered row: the messages of one path in order."""
OFF_THE_PATH = status("row_off_path")
NO_PARENT = status("row_no_parent")
WITHDRAWN = status("row_withdrawn")
LONGEST_PATH = 1000
_KEPT = ("text", "role", "lang")


class Oasst(Conversations):
    name: ClassVar[str] = "oasst"
    mapping: ClassVar[dict[str, str]] = {"prompt": "text", "id": "message_tree_id"}

    def matches(self, row: dict[str, Any]) -> bool:
        return PATH in row or _is_tree(row) or {"message_id", "parent_id", "text", "role"} <= row.keys()

    def gathered(self, records: Iterable[Record | Skip]) -> Iterator[Record | Skip]:
        """Trees pass; single messages are brought together, in any order, once all have been read."""
        with closing(temporary()) as messages:
            messages.execute(
                "CREATE TABLE message (id TEXT PRIMARY KEY, parent TEXT, rank REAL, line INT, used INT, body TEXT)"
            )
            for record in records:
                if isinstance(record, Skip) or "message_id" not in record.value or _is_tree(record.value):
                    yield record
                elif fault := _keep(messages, record):
                    yield fault
            messages.execute("CREATE INDEX replies ON message (parent, rank, line)")
            messages.execute("CREATE INDEX roots ON message (line) WHERE parent = ''")
            yield from _paths(messages)
            yield from _unused(messages)

    def taken(self, row: dict[str, Any]) -> frozenset[str]:
        """What volunteers said of a message is nobody's to keep: all of it counts as read."""
        return frozenset(row)

    def dialogues(self, row: dict[str, Any]) -> Iterator[Dialogue]:
        path = row[PATH] if PATH in row else list(_best_path(row.get("prompt")))
        if not path:
            raise Unusable(NO_CONVERSATION)
        turns = tuple(read_turn({"role": message.get("role"), "content": message.get("text")}) for message in path)
        language = str(path[0].get("lang") or "").partition("-")[0].lower()
        yield Dialogue(turns, text_of(row.get("message_tree_id"), "id"), language=language or None)


def _is_tree(row: dict[str, Any]) -> bool:
    prompt = row.get("prompt")
    return isinstance(prompt, dict) and "replies" in prompt and "text" in prompt


def _best_path(message: object) -> Iterator[dict[str, Any]]:
    """Down a nested tree along the best-ranked reply that still stands."""
    for _ in range(LONGEST_PATH):
        if not isinstance(message, dict) or _is_withdrawn(message):
            return
        yield message
        replies = message.get("replies")
        standing = [reply for reply in replies if isinstance(reply, dict)] if isinstance(replies, list) else []
        standing = [reply for reply in standing if not _is_withdrawn(reply)]
        if not standing:
            return
        message = min(standing, key=lambda reply: _rank(reply.get("rank")))


def _keep(messages: sqlite3.Connection, record: Record) -> Skip | None:
    """Puts a message away, or says why it is none."""
    row = record.value
    if _is_withdrawn(row):
        return Skip(record.line, WITHDRAWN)
    if not isinstance(row.get("text"), str) or not row["text"].strip():
        return Skip(record.line, WITHOUT_TEXT)
    kept = json.dumps({"tree": row.get("message_tree_id"), **{name: row.get(name) for name in _KEPT}})
    values = (str(row["message_id"]), str(row.get("parent_id") or ""), _rank(row.get("rank")), record.line, 0, kept)
    if not all(is_storable(value) for value in values if isinstance(value, str)):
        return Skip(record.line, NOT_TEXT)
    added = messages.execute("INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?)", values)
    return None if added.rowcount else Skip(record.line, DUPLICATE)


def _paths(messages: sqlite3.Connection) -> Iterator[Record]:
    """One gathered row for each first message, in the order of the file."""
    after = -1
    first = "SELECT id, line, body FROM message WHERE parent = '' AND line > ? ORDER BY line LIMIT 1"
    while found := messages.execute(first, (after,)).fetchone():
        id, after, body = found
        path = [json.loads(body)]
        messages.execute("UPDATE message SET used = 1 WHERE id = ?", (id,))
        while len(path) < LONGEST_PATH and (found := _best_reply(messages, id)):
            id, body = found
            path.append(json.loads(body))
            messages.execute("UPDATE message SET used = 1 WHERE id = ?", (id,))
        yield Record(after, {"message_tree_id": path[0]["tree"], PATH: path})


def _best_reply(messages: sqlite3.Connection, id: str) -> Any:
    query = "SELECT id, body FROM message WHERE parent = ? ORDER BY rank, line LIMIT 1"
    return messages.execute(query, (id,)).fetchone()


def _unused(messages: sqlite3.Connection) -> Iterator[Skip]:
    query = (
        "SELECT message.line, parent.id IS NULL FROM message LEFT JOIN message AS parent ON parent.id = message.parent "
        "WHERE message.used = 0 ORDER BY message.line"
    )
    for line, is_orphan in messages.execute(query):
        yield Skip(line, NO_PARENT if is_orphan else OFF_THE_PATH)


def _is_withdrawn(message: dict[str, Any]) -> bool:
    return bool(message.get("deleted")) or message.get("review_result") is False


def _rank(value: object) -> float:
    """Best is 0; a message without a rank comes after those with one."""
    return float(value) if isinstance(value, int | float) and value == value else 1e9
