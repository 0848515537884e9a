"""Cuts a long conversation between its exchanges into pieces that fit the student's context."""

from collections.abc import Iterator
from dataclasses import replace

from studio.engine.domain.status import status
from studio.engine.prompts.cleaning.tokens import TokenCounter
from studio.engine.prompts.dialogue import Dialogue, Turn
from studio.engine.prompts.record import Skip, texts_in

TOO_LONG = status("row_exchange_long")


class Splitter:
    """Every piece begins with a question, has the system message, and is at most `max_tokens` long."""

    def __init__(self, counter: TokenCounter, max_tokens: int) -> None:
        self._counter = counter
        self._most = max_tokens

    def __call__(self, dialogue: Dialogue) -> Iterator[Dialogue | Skip]:
        """The pieces in order, and a `Skip` for an exchange that is too long by itself."""
        if self._surely_fits(dialogue.turns):
            yield dialogue
            return
        system = sum(self._cost(turn) for turn in dialogue.instructions)
        pieces: list[list[Turn]] = []
        room = 0
        for first, exchange in _exchanges(dialogue.spoken):
            cost = sum(self._cost(turn) for turn in exchange)
            if system + cost > self._most:
                yield Skip(dialogue.line, TOO_LONG, status("row_from_turn", n=first + 1, tokens=system + cost))
                room = 0
            elif cost <= room:
                pieces[-1].extend(exchange)
                room -= cost
            else:
                pieces.append(list(exchange))
                room = self._most - system - cost
        yield from _numbered(dialogue, pieces)

    def _surely_fits(self, turns: tuple[Turn, ...]) -> bool:
        """No tokenizer makes more tokens than a text has bytes, but for one that marks its beginning."""
        size = sum(len(text.encode(errors="replace")) for turn in turns for text in _texts(turn))
        return size + len(turns) * (self._counter.per_turn + 1) <= self._most

    def _cost(self, turn: Turn) -> int:
        return self._counter.per_turn + sum(self._counter.count(text) for text in _texts(turn))


def _texts(turn: Turn) -> list[str]:
    return [turn.text or "", *texts_in(turn.carried)]


ASKING = ("system", "user")
"""A system turn between questions is about the one that follows it."""


def _exchanges(turns: tuple[Turn, ...]) -> Iterator[tuple[int, list[Turn]]]:
    """(place of its first turn, turns) of each question with everything up to the next one."""
    exchange: list[Turn] = []
    for place, turn in enumerate(turns):
        if turn.role in ASKING and any(before.role not in ASKING for before in exchange):
            yield place - len(exchange), exchange
            exchange = []
        exchange.append(turn)
    if exchange:
        yield len(turns) - len(exchange), exchange


def _numbered(dialogue: Dialogue, pieces: list[list[Turn]]) -> Iterator[Dialogue]:
    """Pieces of one conversation are told apart by their ids; what a log says belongs to its very last turn."""
    spoken = dialogue.spoken
    if len(pieces) == 1 and len(pieces[0]) == len(spoken):
        yield dialogue
        return
    for number, piece in enumerate(pieces, 1):
        last = dialogue.last if piece[-1] is spoken[-1] else None
        id = f"{dialogue.id}#{number}" if dialogue.id is not None else None
        yield replace(dialogue.with_spoken(piece, last=last), id=id)
