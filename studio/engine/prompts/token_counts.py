"""Counts tokens with the tokenizer and the chat template of a folder. Both are a stranger's: see `TokenCounter`, which
has this done in a child process."""

from collections.abc import Callable
from pathlib import Path

from studio.engine.engines import ChatTemplate
from studio.engine.errors import BadInput
from studio.engine.models import chat_template_of
from studio.engine.prompts.files.parquet import first_line

TURN_TOKENS = 8
"""What marks a turn where no chat template says it."""
Count = Callable[[str], int]
FAST, PIECES = "tokenizer.json", "tokenizer.model"


def counting(folder: str) -> Callable[[str | None], int]:
    """What answers a text with its tokens, and None with the tokens that a turn costs beside its text."""
    count, marked = _counters(Path(folder))
    per_turn = _markers(Path(folder), count, marked)
    return lambda text: per_turn if text is None else count(text)


def _markers(folder: Path, plain: Count, marked: Count) -> int:
    """What the chat template puts around a turn, rounded up, with one token for the beginning."""
    source = chat_template_of(folder)
    if source is None:
        return TURN_TOKENS
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    try:
        whole = marked(ChatTemplate(source, bos="", eos="").render(said, add_generation_prompt=False))
    except BadInput:
        return TURN_TOKENS
    return max(2, -(-(whole + 1 - plain("a") - plain("b")) // 2))


def _counters(folder: Path) -> tuple[Count, Count]:
    """(tokens of a plain text, tokens of one whose special tokens are meant)."""
    try:
        if (folder / FAST).is_file():
            return _fast(folder / FAST)
        if (folder / PIECES).is_file():
            return _pieces(folder / PIECES)
    except Exception as exc:  # Both libraries raise whatever they like for a damaged file.
        raise BadInput(f"The tokenizer in {folder} cannot be read ({first_line(exc)}). Name another one.") from exc
    raise BadInput(f"{folder} has no {FAST} or {PIECES}, so tokens cannot be counted. Name another tokenizer.")


def _fast(file: Path) -> tuple[Count, Count]:
    from tokenizers import Tokenizer

    plain, marked = Tokenizer.from_file(str(file)), Tokenizer.from_file(str(file))
    for tokenizer in (plain, marked):
        tokenizer.no_truncation()
        tokenizer.no_padding()
    plain.encode_special_tokens = True
    return (
        lambda text: len(plain.encode(text, add_special_tokens=False)),
        lambda text: len(marked.encode(text, add_special_tokens=False)),
    )


def _pieces(file: Path) -> tuple[Count, Count]:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_file=str(file))

    def count(text: str) -> int:
        return len(processor.encode(text))

    return count, count
