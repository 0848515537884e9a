"""How many tokens a turn costs a student, by its own tokenizer and chat template, without loading a model."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.engine.errors import BadInput
from studio.engine.models.folder import chat_template_of
from studio.engine.models.templates import ChatTemplate
from studio.engine.prompts.files.parquet import first_line

if TYPE_CHECKING:
    from studio.engine.models import Models

TURN_TOKENS = 8
"""What marks a turn where no chat template says it."""
Count = Callable[[str], int]
FAST, PIECES = "tokenizer.json", "tokenizer.model"


def tokenizer_in(models: "Models", name: str) -> Path:
    """The folder of the tokenizer that a model of the project has, or a folder itself. Raises `BadInput`."""
    folder = Path(name).expanduser()
    if _has_tokenizer(folder):
        return folder
    found = models.find(name).path
    if not _has_tokenizer(found):
        raise BadInput(f"'{name}' has no {FAST} or {PIECES}, so tokens cannot be counted. Name another tokenizer.")
    return found


class TokenCounter:
    """Counts tokens of texts as plain text: what looks like a special token in them is not one."""

    def __init__(self, folder: Path) -> None:
        self.count, marked = _counters(folder)
        """Tokens of a text."""
        self.per_turn = _markers(folder, self.count, marked)
        """Tokens beside its text that a turn costs."""


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


def _has_tokenizer(folder: Path) -> bool:
    return (folder / FAST).is_file() or (folder / PIECES).is_file()


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
