"""Counts tokens with one `tokenizer.json`, in a limited child: the file is a stranger's, and native code parses it."""

from collections.abc import Callable


def lengths(path: str) -> Callable[[list[str]], list[int] | None]:
    """What answers texts with their lengths in tokens; None where the file is no tokenizer."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception:  # The library raises plain Exception for a file that it cannot read.
        return lambda texts: None
    return lambda texts: [len(encoded.ids) for encoded in tokenizer.encode_batch(texts)]
