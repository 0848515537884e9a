"""A provider repeats the key that it was sent, whole or in part, as it is or encoded: it is blotted out."""

import base64
import json
import random
import string
import tracemalloc
from collections.abc import Callable
from urllib.parse import quote

import pytest

from studio.engine.teachers.wire.keys import blotted, without_key
from studio.engine.teachers.wire.streaming import WithoutKey

ECHOES: dict[str, Callable[[str], str]] = {
    "whole": lambda key: key,
    "beginning": lambda key: key[:8],
    "end": lambda key: key[-8:],
    "most of it": lambda key: key[:-3],
    "cut at both ends": lambda key: key[2:-2],
    "capitals": str.upper,
    "small letters": str.lower,
    "swapped case": str.swapcase,
    "backwards": lambda key: key[::-1],
    "backwards and cut": lambda key: key[::-1][:9],
    "in an address": lambda key: quote(key, safe=""),
    "in an address twice": lambda key: quote(quote(key, safe=""), safe=""),
    "every character escaped": lambda key: "".join(f"%{ord(one):02X}" for one in key),
    "in JSON": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in JSON by numbers": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)),
    "in HTML": lambda key: "".join(f"&#x{ord(one):x};" for one in key),
    "in HTML by decimals": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of a login": lambda key: base64.b64encode(f":{key}:".encode()).decode(),
    "base64 in an address": lambda key: base64.urlsafe_b64encode(f"ab{key}".encode()).decode().rstrip("="),
    "hexadecimal": lambda key: key.encode().hex(),
}


def keys() -> list[str]:
    """Keys as providers make them, and some of any characters that a key may have."""
    rng = random.Random(7)
    letters = string.ascii_letters + string.digits
    made = ["sk-proj-" + "".join(rng.choices(letters, k=rng.randint(20, 150))) for _ in range(6)]
    made += ["".join(rng.choices("0123456789abcdef", k=32)) for _ in range(4)]
    return made + ["".join(rng.choices([*map(chr, range(33, 127))], k=rng.randint(14, 60))) for _ in range(12)]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_an_echo_of_a_key_is_blotted_out_of_every_error(echo: Callable[[str], str]) -> None:
    for key in keys():
        said = without_key(f"Incorrect é {echo(key)} provided.", key)
        assert said.startswith("Incorrect é ") and said.endswith(" provided.") and "[key]" in said
        left = said.replace("[key]", "")
        for shown in (key.lower(), echo(key).lower()):
            assert not any(shown[at : at + 12] in left.lower() for at in range(max(1, len(shown) - 11))), (key, left)


@pytest.mark.parametrize("echo", ["whole", "beginning", "end", "capitals", "backwards", "base64", "in an address"])
def test_an_echo_in_an_answer_is_blotted_out_too(echo: str) -> None:
    for key in keys()[:10]:
        shown = ECHOES[echo](key)
        body = json.dumps({"content": f'It is "{shown}"\n'})
        said = json.loads(blotted(body.encode(), key))["content"]
        assert said.startswith('It is "') and said.endswith('"\n')
        assert "[key]" in said or not any(map(str.isdigit, shown)), (key, said)


def test_words_that_a_key_is_made_of_stay_in_answers() -> None:
    said = b"An answer that is required, not-needed by a local development server, with sk-no-key-required said: no."
    for key in ("sk-no-key-needed", "local-development-server", "answer-required"):
        assert blotted(said, key).count(b"[key]") <= 1
        assert b"is required" in blotted(said, key)
    assert b"sk-no-key-required" not in blotted(said, "sk-no-key-required")


def test_what_holds_no_key_is_left_as_it_is() -> None:
    for said in ("", "%41%zz\\u0041\\", "a\ud800b é \\n %2 &#x41;", "x" * 1000):
        assert without_key(said, "sk-0123456789abcdef") == said


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_no_echo_is_handed_on_in_pieces(size: int) -> None:
    for key in keys()[:10]:
        for name in ("whole", "most of it", "capitals", "backwards", "in an address", "base64"):
            said = f"Your key {ECHOES[name](key)} is 你好{ECHOES[name](key)}, kept."
            heard: list[str] = []
            told = WithoutKey(key, heard.append)
            for start in range(0, len(said), size):
                told.add(said[start : start + size])
            told.end()
            text = "".join(heard)
            assert text.count("[key]") == 2 and text.startswith("Your key [key]"), (name, key, text)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_an_echo_is_found_wherever_it_lies_in_a_long_reply(echo: Callable[[str], str]) -> None:
    key = keys()[0]
    said = echo(key)
    for spaces in (True, False):
        fill = ("A word or two. " if spaces else "a-word-or-two.") * 1_500
        for at in (0, 1, 16_370, 16_383, 16_384, 16_385, len(fill)):
            body = f"{fill[:at]} {said} {fill[at:]}".encode()
            alone, found = blotted(f" {said} ".encode(), key), blotted(body, key)
            assert found == fill[:at].encode() + alone + fill[at:].encode()


def test_a_long_reply_with_an_echo_takes_little_more_memory_than_itself() -> None:
    key, words = keys()[0], b"Four words of it. " * 30_000
    body = words + key.encode() + b" " + words
    tracemalloc.start()
    found = blotted(body, key)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == words + b"[key] " + words
    assert most < 5 * len(body)


def test_of_a_huge_text_without_a_space_nothing_is_kept_when_the_key_is_in_it() -> None:
    key, fill = keys()[0], b"x" * 2_000_000
    assert blotted(b"Before. " + fill + key.encode() + fill, key) == b"[key]"
    assert blotted(fill + b" " + key.encode(), key) == fill + b" [key]"
