"""What can be told of an answer by itself when it is kept: the flags that people filter by."""

import re

_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m (?:very |really |so )?sorry|sorry,|i apologi[sz]e"
    r"|i (?:can['’]?t|cannot|can not|won['’]?t|will not)\b"
    r"|i(?: a|['’])m (?:unable|not able)|as an ai\b|unfortunately, i (?:can|am)"
    r"|抱歉|很抱歉|对不起|我(?:不能|无法|没办法)|作为(?:一个|一名)?(?:人工智能|AI)|無法|我無法)",
    re.IGNORECASE,
)


def flags_of(response: str, finish_reason: str | None) -> list[str]:
    """What can be told from the answer alone: `empty`, `length` (cut off by the token limit), `refusal`."""
    found = {
        "empty": not response.strip(),
        "length": finish_reason == "length",
        "refusal": bool(_REFUSAL.match(response[:200])) or finish_reason == "content_filter",
    }
    return [flag for flag, present in found.items() if present]
