"""Reads lists out of a model's reply, whichever way it numbered them, and records with named fields.

items("9. Name a river.\n10) Sort these.")          -> ["Name a river.", "Sort these."]
records("1. Task: Add.\nInput: 1 2\nOutput: 3", "instruction", "input", "output")
                                                     -> [{"instruction": "Add.", "input": "1 2", "output": "3"}]
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

Fields = dict[str, str]

NAMES = {
    "instruction": ("instruction", "task", "指令", "任务"),
    "input": ("input", "输入"),
    "output": ("output", "输出"),
    "label": ("class label", "label", "类别标签", "标签"),
    "question": ("question", "q", "问题", "问"),
    "answer": ("answer", "a", "答案", "回答", "答"),
}
"""What a model may write before a field; only the fields that were asked for are looked for."""
_NUMBER = re.compile(
    r"^([ \t]*)(?:[*_#>\-•]+[ \t]*)?(?:(?:task|instruction|question|prompt|任务|指令|问题)[ \t]*)?#?(\d{1,4})"
    r"(?:[*_]*[ \t]*[.):、．：][*_]*|[ \t]+-)(?:[ \t]+|(?=\D)|$)",
    re.IGNORECASE | re.MULTILINE,
)
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)
_DIVIDER = re.compile(
    r"^[ \t]*[*_#]*(?:#{2,}|-{3,}|={3,}|\*{3,}|"
    r"(?:example|instance|pair|示例|例子|例)[ \t]*#?\d*[*_]*[ \t]*[:：.]?[*_]*)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_FENCED = re.compile(r"^[ \t]*```\w*[ \t]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_OBJECT = re.compile(r"\{[^{}]*\}", re.DOTALL)
_HEADING = re.compile(
    r"^[*_#\s]*(?:the |a )?(?:harder version|prompt|提示)[*_]*[ \t]*[:：][*_]*\s*",
    re.IGNORECASE,
)
_NO_INPUT = frozenset(("", "none", "n/a", "na", "no input", "noinput", "empty", "无", "无输入", "没有"))
FEWEST_LINES = 3
"""Fewer lines without any mark are a refusal or a remark rather than a list."""
MOST_SKIPPED = 3
"""A number this much above the last still counts as the next item; a lower one belongs to the item's own text."""


def items(text: str) -> list[str]:
    """The items of a numbered, bulleted or JSON list, or of three lines and more; none of a text that is no list."""
    found = _json_items(text)
    if found is None:
        text = _bare(text)
        found = _numbered(text) or _bulleted(text) or _lines(text)
    return [stripped for item in found if (stripped := _plain(item))]


def records(text: str, *names: str) -> list[Fields]:
    """Records of these fields, each beginning with the first of them. Where the reply does not name that one, each item
    of a list is a record, and its words before the first named field are that field."""
    objects = _objects(text, names)
    if objects:
        return objects
    text = _DIVIDER.sub("", _bare(text))
    found = list(_labelled(text, names))
    if any(field == names[0] for field, _ in found):
        return _joined(found, names[0])
    return [_item_record(item, names) for item in items(text)]


def fields(text: str, *names: str) -> list[Fields]:
    """Records of these fields where any may come first: one that is there already begins the next record."""
    objects = _objects(text, names)
    if objects:
        return objects
    return _joined(list(_labelled(_DIVIDER.sub("", _bare(text)), names)), None)


def unwrapped(text: str) -> str:
    """A reply that is one text, without a heading such as `Prompt:` and the quotes and fences put around it."""
    text = _HEADING.sub("", _bare(text), count=1)
    return _plain(text)


def given_input(text: str | None) -> str:
    """An instance's input, empty where the model says in some way that there is none."""
    text = (text or "").strip()
    return "" if text.strip("<>()[]（）.。 ").lower() in _NO_INPUT else text


@cache
def _label(names: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(sorted((re.escape(word) for name in names for word in NAMES[name]), key=len, reverse=True))
    number = r"(?:\d+[ \t]*[.):、．][ \t]*)?"
    return re.compile(
        rf"^[ \t]*[*_#>\-•]*[ \t]*{number}[*_]*({words})[ \t]*#?\d*[*_]*[ \t]*[:：][*_]*[ \t]*",
        re.IGNORECASE | re.MULTILINE,
    )


def _bare(text: str) -> str:
    """A reply without a code fence around all of it or around its JSON; other fences belong to what it says."""
    text = text.strip()
    fenced = _FENCED.search(text)
    if fenced and (fenced[1].lstrip().startswith(("[", "{")) or (fenced.start() == 0 and fenced.end() == len(text))):
        return fenced[1].strip()
    return text


def _labelled(text: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    labels = list(_label(names).finditer(text))
    ends = [*(label.start() for label in labels), len(text)][1:]
    for label, end in zip(labels, ends, strict=False):
        field = next(name for name in names if label[1].lower() in NAMES[name])
        yield field, _unnumbered(text[label.end() : end])


def _unnumbered(value: str) -> str:
    """A value without the bare number of the next item that a model may leave at its end."""
    return re.sub(r"\n[ \t]*\d{1,4}[ \t]*[.)、][ \t]*$", "", value.rstrip()).strip()


def _joined(pairs: Sequence[tuple[str, str]], opening: str | None) -> list[Fields]:
    found: list[Fields] = []
    for field, value in pairs:
        if not found or field in found[-1] or field == opening:
            found.append({})
        found[-1][field] = value
    return found


def _item_record(item: str, names: tuple[str, ...]) -> Fields:
    first = _label(names).search(item)
    head = item[: first.start()] if first else item
    return {**dict(_labelled(item, names)), names[0]: head.strip()}


def _numbered(text: str) -> list[str]:
    marks = list(_NUMBER.finditer(text))
    if not marks:
        return []
    kept = [marks[0]]
    same = len(marks) > 1 and len({mark[2] for mark in marks}) == 1
    for mark in marks[1:]:
        step = int(mark[2]) - int(kept[-1][2])
        if len(mark[1]) <= len(kept[0][1]) and (same or 0 < step <= MOST_SKIPPED):
            kept.append(mark)
    ends = [mark.start() for mark in kept[1:]] + [len(text)]
    return [text[mark.end() : end] for mark, end in zip(kept, ends, strict=True)]


def _bulleted(text: str) -> list[str]:
    parts = _BULLET.split(text)
    return parts[1:] if len(parts) > 1 else []


def _lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines if len(lines) >= FEWEST_LINES else []


def _plain(item: str) -> str:
    """An item without the marks and quotes that models put around it."""
    item = _DIVIDER.sub("", item).strip()
    for mark in ("**", "__", '"', "“”", "「」"):
        first, last = (mark[0], mark[1]) if mark in ("“”", "「」") else (mark, mark)
        inner = item[len(first) : -len(last)]
        if len(item) > len(first + last) and item.startswith(first) and item.endswith(last) and first not in inner:
            item = inner.strip()
    return item


def _json_items(text: str) -> list[str] | None:
    start = _bare(text)
    if not start.startswith(("[", "{")):
        return None
    value = _listed(_parsed(start))
    if isinstance(value, list):
        return [_said(one) for one in value]
    if not re.match(r'\[\s*"', start):
        return None
    # Cut off within the list: the texts that are whole, which leaves the last one out.
    return [str(json.loads(found)) for found in re.findall(r'"(?:[^"\\\n]|\\.)*"', start)] or None


def _listed(value: Any) -> Any:
    """The first list in an object that wraps one, such as `{"tasks": [...]}`; anything else as it is."""
    return next((one for one in value.values() if isinstance(one, list)), value) if isinstance(value, dict) else value


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return next(iter(_fields_of(value, ("instruction", "question")).values()), "")
    return value if isinstance(value, str) else ""


def _objects(text: str, names: tuple[str, ...]) -> list[Fields]:
    """The records of a reply in JSON: one object, a list, or as many objects as are whole where it broke off."""
    bare = _bare(text)
    if not bare.startswith(("[", "{")):
        return []
    value = _parsed(bare)
    value = [value] if isinstance(value, dict) and _fields_of(value, names) else _listed(value)
    if not isinstance(value, list):
        value = [_parsed(found) for found in _OBJECT.findall(bare)]
    return [named for one in value if isinstance(one, dict) and (named := _fields_of(one, names))]


def _fields_of(value: dict[Any, Any], names: tuple[str, ...]) -> Fields:
    keys = {str(key).strip().lower().replace("_", " "): one for key, one in value.items()}
    return {name: _written(keys[word]) for name in names for word in NAMES[name] if word in keys}


def _written(value: Any) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> Any:
    """JSON, or what is nearly that: single quotes, True and None, a comma too many."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None
