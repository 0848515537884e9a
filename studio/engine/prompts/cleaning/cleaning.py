"""The rules applied: conversations go in and come out, changed, split or left out with the reason, all counted."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import blake2b

from studio.engine.domain.status import status
from studio.engine.prompts.cleaning import language, markup, notices, rules
from studio.engine.prompts.cleaning.rules import RULES, SHORTEST_ANSWER, Rules
from studio.engine.prompts.cleaning.splitting import Splitter
from studio.engine.prompts.cleaning.tokens import TokenCounter
from studio.engine.prompts.dialogue import NO_RESPONSE, NO_USER_TURN, NOT_ALTERNATING, Dialogue, Turn, is_in_order
from studio.engine.prompts.keeping import Seen
from studio.engine.prompts.record import Skip

Counts = dict[str, int]
"""How often each rule acted; see `rules.RULES` for what is counted."""
REASONS = {
    rules.SAME_ID: status("row_same_id"),
    rules.ALTERNATE: NOT_ALTERNATING,
    rules.RATE_LIMIT: status("row_rate_limit"),
    rules.PARSER_ERROR: status("row_parser_error"),
    rules.SHORT: status("row_short_answer", n=SHORTEST_ANSWER),
    rules.PROVIDER: status("row_names_provider"),
    rules.LANGUAGE: status("row_language"),
    rules.SAME_OPENING: status("row_same_opening"),
}


class Dropped(Exception):
    """Raised by a rule that leaves a conversation out."""

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.detail = detail


def clean(conversations: Iterable[Dialogue | Skip], by: Rules, counts: Counts) -> Iterator[Dialogue | Skip]:
    """The conversations that stand, in order, and a `Skip` for each that is left out, or each exchange too long.

    `counts` is filled while they are taken; every rule that is on is in it from the start.
    """
    counts.update({rule: 0 for rule in RULES if by.has(rule)})
    with ExitStack() as stack:
        cleaning = _Cleaning(by, counts, stack)
        for conversation in conversations:
            if isinstance(conversation, Skip):
                yield conversation
            else:
                yield from cleaning.apply(conversation)


class _Cleaning:
    """The rules that are on, in their order, with what they remember of earlier conversations."""

    def __init__(self, by: Rules, counts: Counts, stack: ExitStack) -> None:
        self._by = by
        self._counts = counts
        self._ids, self._openings = stack.enter_context(Seen()), stack.enter_context(Seen())
        named = {
            rules.SAME_ID: self._same_id, rules.HTML: self._html, rules.LEADING: self._leading,
            rules.TRAILING: self._trailing, rules.ALTERNATE: _alternating, rules.RATE_LIMIT: _without_limits,
            rules.PARSER_ERROR: _without_errors, rules.SHORT: _without_short, rules.PROVIDER: _without_provider,
            rules.LANGUAGE: self._language, rules.SAME_OPENING: self._same_opening,
        }  # fmt: skip
        self._steps: list[Callable[[Dialogue], Dialogue]] = [step for rule, step in named.items() if by.has(rule)]
        self._split = None
        if by.has(rules.SPLIT) and by.tokenizer is not None and by.max_tokens is not None:
            self._split = Splitter(TokenCounter(by.tokenizer), by.max_tokens)

    def apply(self, dialogue: Dialogue) -> Iterator[Dialogue | Skip]:
        try:
            for step in self._steps:
                before, dialogue = dialogue, step(dialogue)
                if not _asks(dialogue):
                    yield Skip(dialogue.line, NO_RESPONSE if _asks(before) else NO_USER_TURN)
                    return
        except Dropped as drop:
            self._counts[drop.rule] += 1
            yield Skip(dialogue.line, REASONS[drop.rule], drop.detail)
            return
        yield from self._pieces(replace(dialogue, as_is=True))

    def _pieces(self, dialogue: Dialogue) -> Iterator[Dialogue | Skip]:
        if self._split is None:
            yield dialogue
            return
        pieces = list(self._split(dialogue))
        self._counts[rules.TOO_LONG] += sum(isinstance(piece, Skip) for piece in pieces)
        self._counts[rules.SPLIT] += len(pieces) > 1
        yield from pieces

    def _html(self, dialogue: Dialogue) -> Dialogue:
        """Only in what the assistant said: a person who pastes HTML asks about it."""
        turns = [_as_markdown(turn) for turn in dialogue.turns]
        changed = sum(turn is not before for turn, before in zip(turns, dialogue.turns, strict=True))
        self._counts[rules.HTML] += changed
        return replace(dialogue, turns=tuple(turns)) if changed else dialogue

    def _leading(self, dialogue: Dialogue) -> Dialogue:
        spoken = dialogue.spoken
        first = next((place for place, turn in enumerate(spoken) if turn.role in ("user", "system")), len(spoken))
        self._counts[rules.LEADING] += first > 0
        return dialogue.with_spoken(spoken[first:]) if first else dialogue

    def _trailing(self, dialogue: Dialogue) -> Dialogue:
        spoken = dialogue.spoken
        end = next((place for place in range(len(spoken), 0, -1) if _is_answer(spoken[place - 1])), 0)
        if end == len(spoken):
            return dialogue
        self._counts[rules.TRAILING] += 1
        return dialogue.with_spoken(spoken[:end], last=None)

    def _same_id(self, dialogue: Dialogue) -> Dialogue:
        if dialogue.id is not None and not self._ids.add(_key(dialogue.id)):
            raise Dropped(rules.SAME_ID, dialogue.id[:80])
        return dialogue

    def _same_opening(self, dialogue: Dialogue) -> Dialogue:
        """By the first question and the first answer, whatever the spaces between their words."""
        roles = ("user", "assistant")
        first = (next((turn.text or "" for turn in dialogue.spoken if turn.role == role), "") for role in roles)
        if not self._openings.add(_key("\n".join(" ".join(text.split()) for text in first))):
            raise Dropped(rules.SAME_OPENING)
        return dialogue

    def _language(self, dialogue: Dialogue) -> Dialogue:
        found = dialogue.language or language.language_of(turn.text or "" for turn in dialogue.spoken)
        if found is not None and found not in self._by.languages:
            raise Dropped(rules.LANGUAGE, found)
        return dialogue


def _as_markdown(turn: Turn) -> Turn:
    if turn.role != "assistant" or not turn.text or not markup.is_html(turn.text):
        return turn
    try:
        return replace(turn, text=markup.as_markdown(turn.text))
    except (RecursionError, ValueError, AssertionError) as exc:
        raise Dropped(rules.PARSER_ERROR, status("row_html")) from exc


def _alternating(dialogue: Dialogue) -> Dialogue:
    spoken = list(dialogue.spoken)
    while spoken and spoken[0].role == "assistant":
        spoken.pop(0)
    if not is_in_order(spoken):
        raise Dropped(rules.ALTERNATE)
    return dialogue


def _without_limits(dialogue: Dialogue) -> Dialogue:
    return _without(dialogue, rules.RATE_LIMIT, notices.is_rate_limit)


def _without_errors(dialogue: Dialogue) -> Dialogue:
    return _without(dialogue, rules.PARSER_ERROR, notices.is_error)


def _without_short(dialogue: Dialogue) -> Dialogue:
    return _without(dialogue, rules.SHORT, lambda text: len(text.strip()) < SHORTEST_ANSWER)


def _without_provider(dialogue: Dialogue) -> Dialogue:
    return _without(dialogue, rules.PROVIDER, notices.names_provider)


def _without(dialogue: Dialogue, rule: str, is_bad: Callable[[str], bool]) -> Dialogue:
    """Leaves a conversation out whole: what follows a bad answer was said because of it."""
    bad = next((turn.text for turn in dialogue.spoken if _is_answer(turn) and is_bad(turn.text or "")), None)
    if bad is not None:
        raise Dropped(rule, " ".join(bad.split())[:60])
    return dialogue


def _asks(dialogue: Dialogue) -> bool:
    return any(turn.role == "user" for turn in dialogue.spoken)


def _is_answer(turn: Turn) -> bool:
    return turn.role == "assistant" and not turn.is_call


def _key(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
