"""What a limited child says: values as lines of JSON, in which days, numbers of any length and bytes keep their kind.

A value that JSON does not know is `{tag: [kind, text]}` under a tag that only this child and its parent know.
"""

import base64
import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_READ: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda seconds: datetime.timedelta(seconds=seconds),
    "Decimal": Decimal,
    "bytes": base64.b64decode,
    "text": str,
}


def encoded(frame: dict[str, Any], tag: str) -> bytes:
    """The line of a frame."""
    return json.dumps(frame, default=lambda value: {tag: _as_json(value)}).encode() + b"\n"


def decoded(line: bytes, tag: str) -> Any:
    """The frame of a line; None for one that is no JSON. Days that Python cannot name stay text."""
    try:
        if tag.encode() not in line:
            return json.loads(line)
        return json.loads(line, object_hook=lambda found: _from_json(found, tag))
    except (ValueError, RecursionError):
        return None


def _as_json(value: Any) -> list[Any]:
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        kind = next(one for one in ("datetime", "date", "time") if isinstance(value, getattr(datetime, one)))
        return [kind, value.isoformat()]
    if isinstance(value, datetime.timedelta):
        return ["timedelta", value.total_seconds()]
    if isinstance(value, Decimal):
        return ["Decimal", str(value)]
    if isinstance(value, bytes | bytearray | memoryview):
        return ["bytes", base64.b64encode(value).decode()]
    return ["text", str(value)]


def _from_json(found: dict[str, Any], tag: str) -> Any:
    if len(found) != 1 or tag not in found:
        return found
    kind, text = found[tag]
    try:
        return _READ[kind](text)
    except (ValueError, ArithmeticError):
        return str(text)
