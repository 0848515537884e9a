"""Finds a key in what a provider says: whole, in part, backwards, in other letters, or encoded.

Providers repeat the key that they refuse, often cut ("sk-abcd…"), and gateways put it into addresses, JSON and headers.
Everything is compared in small letters with escapes read, so that one search finds all of these.
"""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache

SHORTEST_PIECE = 8
"""Characters of a key that are taken for a part of it."""
MARK = b"[key]"
_ESCAPES = re.compile(
    rb"%([0-7][0-9a-f])|\\u00([0-7][0-9a-f])|\\x([0-7][0-9a-f])|&#x0*([0-7][0-9a-f]);"
    rb"|&#0*(3[2-9]|[4-9]\d|1[01]\d|12[0-7]);"
)
_SPACE = re.compile(rb"[ \n]")
BLOCK = 16_384
"""Bytes of what is looked at together, at least: as many as there are up to the next white space."""
LONGEST_BLOCK = 1_048_576
"""Bytes without white space that are read for where an echo lies; of more, with an echo in it, nothing is kept: no
answer looks like that, and places take a hundred times the memory of what was said."""
_DEEPEST = 3
"""How often something is taken to be encoded on top of itself."""
_BACKSLASH = 0x5C
_MADE = re.compile(rb"\d|[a-z][A-Z]")
"""What tells a part of a key from a word."""


def without_echoes(said: bytes, key: str, *, words_stay: bool) -> bytes:
    """`said` with every echo of the key of at least `SHORTEST_PIECE` characters blotted out.

    `words_stay` is for answers, which may hold a word that a key is made of: only its beginning and its end count
    there, and only with a digit or a change of case in them.
    """
    if not _is_in(said, key, words_stay):
        return said
    return b"".join(_blotted(block, key, words_stay) for block in _blocks(said))


def _blotted(block: bytes, key: str, words_stay: bool) -> bytes:
    if not _is_in(block, key, words_stay):
        return block
    return _without_echoes(block, key, words_stay) if len(block) <= LONGEST_BLOCK else MARK


def _is_in(said: bytes, key: str, words_stay: bool) -> bool:
    read = _read(said.lower())
    return any(piece in read for piece in (_ends(key) if words_stay else _windows(key)))


def _blocks(said: bytes) -> Iterator[bytes]:
    """What was said in blocks, so that places are kept only around an echo: there is no white space within a key."""
    start = 0
    while len(said) - start > BLOCK:
        space = _SPACE.search(said, start + BLOCK)
        if space is None:
            break
        yield said[start : space.end()]
        start = space.end()
    yield said[start:]


def _without_echoes(said: bytes, key: str, words_stay: bool) -> bytes:
    read, starts, ends = _read_with_places(said.lower())
    parts, done = [], 0
    for first, after in _runs(read, _windows(key)):
        start, end = starts[first], ends[after - 1]
        if words_stay and _is_a_word(read[first:after], said[start:end], key):
            continue
        if start and said[start - 1] == _BACKSLASH and said[start] in b"\"'/":
            start -= 1  # Its escape goes with it, so that JSON stays JSON.
        parts += [said[done:start], MARK]
        done = end
    return b"".join([*parts, said[done:]])


@lru_cache(maxsize=64)
def _forms(key: str) -> tuple[tuple[bytes, int], ...]:
    """What a key looks like once it was read, each form with how many of its characters give it away."""
    plain = key.encode()
    forms = {(_read(form.lower()), SHORTEST_PIECE) for form in (plain, plain[::-1])}
    forms |= {(plain.hex().encode(), 2 * SHORTEST_PIECE)}
    forms |= {(_base64(plain, before, code), 10) for before in range(3) for code in (b"+/", b"-_")}
    return tuple((form.lower(), least) for form, least in sorted(forms) if len(form) >= least)


@lru_cache(maxsize=64)
def _windows(key: str) -> tuple[bytes, ...]:
    """Every part of every form that gives the key away."""
    cut = (form[at : at + least] for form, least in _forms(key) for at in range(len(form) - least + 1))
    return tuple(dict.fromkeys(cut))


@lru_cache(maxsize=64)
def _ends(key: str) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(end for form, least in _forms(key) for end in (form[:least], form[-least:])))


def _base64(plain: bytes, before: int, code: bytes) -> bytes:
    """The characters of the encoded key that what stands before and after it does not change."""
    whole = b"\0" * before + plain
    encoded = base64.b64encode(whole[: len(whole) // 3 * 3], altchars=code)
    return encoded[(0, 2, 3)[before] :]


def _read(lowered: bytes) -> bytes:
    """With escapes read and without backslashes: nearly all of it at the speed of a search."""
    for _ in range(_DEEPEST):
        if not any(mark in lowered for mark in (b"%", b"\\u00", b"\\x", b"&#")):
            break
        lowered = _ESCAPES.sub(_character, lowered)
    return lowered.replace(b"\\", b"")


def _read_with_places(lowered: bytes) -> tuple[bytes, list[int], list[int]]:
    """The same, with where each character began and ended."""
    starts, ends = [*range(len(lowered))], [*range(1, len(lowered) + 1)]
    for _ in range(_DEEPEST):
        read, begun, ended, done = bytearray(), list[int](), list[int](), 0
        for found in _ESCAPES.finditer(lowered):
            first, after = found.span()
            read += lowered[done:first] + _character(found)
            begun += starts[done : first + 1]
            ended += [*ends[done:first], ends[after - 1]]
            done = after
        starts, ends = begun + starts[done:], ended + ends[done:]
        lowered = bytes(read + lowered[done:])
    kept = [index for index, byte in enumerate(lowered) if byte != _BACKSLASH]
    return bytes(lowered[at] for at in kept), [starts[at] for at in kept], [ends[at] for at in kept]


def _character(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[found.lastindex or 1], 10 if found[5] else 16)]).lower()


def _runs(read: bytes, pieces: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Where pieces lie, those that touch or overlap as one."""
    runs: list[tuple[int, int]] = []
    for start, end in sorted({hit for piece in pieces for hit in _hits(read, piece)}):
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs


def _hits(read: bytes, piece: bytes) -> Iterator[tuple[int, int]]:
    start = read.find(piece)
    while start >= 0:
        yield start, start + len(piece)
        start = read.find(piece, start + 1)


def _is_a_word(read: bytes, as_said: bytes, key: str) -> bool:
    if any(form in read for form, _ in _forms(key)):
        return False
    return not any(end in read for end in _ends(key)) or not _MADE.search(as_said)
