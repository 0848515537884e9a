"""What is posted is read as it was sent, but for what no database keeps."""

import json

import pytest

from studio.ui.readable_text import readable

ODD = "\ufffd"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"a\ud83db"', f"a{ODD}b"),
        (rb'"\ude00"', ODD),
        (rb'"\ud83d\ud83d\ude00"', f"{ODD}\U0001f600"),
        (rb'"\ud83d\n"', f"{ODD}\n"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\\ud83d"', f"\\{ODD}"),
        (rb'"\u0000\u00e9"', f"{ODD}\u00e9"),
        (rb'"\u00e9\ude00"', f"\u00e9{ODD}"),
        ('"\u00e9\U0001f600"'.encode(), "\u00e9\U0001f600"),
        (b'"\xed\xa0\xbd"', ODD * 3),
    ],
)
def test_halves_and_nul_are_replaced_and_nothing_else(sent: bytes, read: str) -> None:
    assert json.loads(readable(sent)) == read


def test_what_is_readable_is_left_byte_for_byte() -> None:
    for body in (b"", b"{", rb'{"path": "C:\\users\\udc00"}', b"a=1&b=%ED%A0%80", '{"\u4f60": "\\n"}'.encode()):
        assert readable(body) == body
