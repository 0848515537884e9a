"""Text cut into words: one named function for each way in which it is cut, with where that way comes from.

They differ on purpose. An index of texts needs pairs of characters where a script writes without spaces, a measure that
was published needs its authors' tokens, and what was stored once (the words of the index, the sides of a split) must
come out the same in every version of the studio.
"""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_WORD = 200
"""Characters of a word that the index holds."""
CHARACTERS_A_WORD = 2
"""In scripts without spaces, where two characters stand for a word when words are counted."""

# --- scripts, as ranges of a regular expression's character class

_SOUTH_EAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese and Khmer."""
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RARE_IDEOGRAPHS = "\U00020000-\U0003ffff"
_HANGUL = "\uac00-\ud7af"
_KANA = "\u3040-\u30ff"

_PAIRED = f"{_SOUTH_EAST_ASIAN}\u3041-\u3096\u309d-\u30ff\u31f0-\u31ff\u3005-\u3007{_IDEOGRAPHS}{_HANGUL}"
_PAIRED += f"\u1100-\u11ff{_RARE_IDEOGRAPHS}"
"""Korean too, whose words take endings."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_SINGLE = f"{_SOUTH_EAST_ASIAN}\u3041-\u30ff{_IDEOGRAPHS}"
_UNSPACED = f"{_SOUTH_EAST_ASIAN}\u3005-\u3007{_KANA}{_IDEOGRAPHS}{_RARE_IDEOGRAPHS}"
_OTHER_SPACED = "\u0370-\u0589\u0591-\u060b\u060d-\u061a\u061c-\u061e\u0620-\u06d3\u06d5-\u0963\u0966-\u0dff"
_OTHER_SPACED += "\u10a0-\u135a\uac00-\ud7a3"
_COUNTED = f"{_SOUTH_EAST_ASIAN}{_KANA}\u3400-\u9fff\uf900-\ufaff"
_WIDE = f"{_KANA}\u3400-\u4dbf\u4e00-\u9fff{_HANGUL}"

_ASCII_WORD = re.compile("[a-z0-9]+")
_INDEXED = re.compile(rf"(?P<run>[{_PAIRED}]+)|(?P<word>(?:[^\W_{_PAIRED}]|[{_MARKS}])+)")
_PAIRED_CHARACTER = re.compile(f"[{_PAIRED}]")
_PLAIN = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")
_ROUGE = re.compile(f"[a-z0-9]+|[{_UNSPACED}]|[{_OTHER_SPACED}]+")
_BLEU = re.compile(rf"[{_COUNTED}]|\w+|[^\w\s]")
_UNIGRAM = re.compile(r"\d+|[^\W\d_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SPACED_WORD = re.compile(rf"[^\s{_COUNTED}]+")
_COUNTED_CHARACTER = re.compile(f"[{_COUNTED}]")
_ENGLISH = re.compile(r"[a-z]+(?:['’-][a-z]+)*|[.,;:!?()\"“”]")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n+")
_WIDE_CHARACTER = re.compile(f"[{_WIDE}]")
_LATIN_END = 0x0530


# --- for finding


def index_words(text: str) -> list[str]:
    """The words that full-text search finds a text by, the same on every database.

    Latin and other spaced scripts by word, without case and accents; Chinese, Japanese, Korean, Thai and their
    neighbours by overlapping pairs of characters, the last one alone. What is stored in the index was cut by this.
    """
    if text.isascii():
        found = _ASCII_WORD.findall(text.lower())
        return [word[:LONGEST_WORD] for word in found] if len(max(found, key=len, default="")) > LONGEST_WORD else found
    words: list[str] = []
    for match in _INDEXED.finditer(unicodedata.normalize("NFKC", text).casefold()):
        run = match.group("run")
        if run is None:
            # An accent that stands alone, as in "I´m" once it is normalised, leaves nothing to be found by.
            if word := _without_accents(match.group("word"))[:LONGEST_WORD]:
                words.append(word)
        else:
            words += [run[index : index + 2] for index in range(len(run))]
    return words


def placed_words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of `index_words` with where each begins and ends in the text as it came."""
    for match in _INDEXED.finditer(text):
        found, at = match.group(), match.start()
        if match.group("run") is None:
            if word := next(iter(index_words(found)), ""):
                yield word, at, match.end()
        else:
            for index in range(len(found)):
                yield (
                    next(iter(index_words(found[index : index + 2])), ""),
                    at + index,
                    min(at + index + 2, match.end()),
                )


def is_paired(word: str) -> bool:
    """Whether a word of `index_words` is of a script that is cut into pairs."""
    return bool(_PAIRED_CHARACTER.match(word))


def plain_words(text: str) -> list[str]:
    """Words without case, punctuation and spacing: what makes two wordings the same prompt.

    A character of a script without spaces is a word. The sides of a dataset's split hang on these words, so they must
    not change.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _PLAIN.findall(unicodedata.normalize("NFKC", text).casefold())


# --- for measures


def rouge_tokens(text: str) -> list[str]:
    """Lower-case runs of ASCII letters and digits, as the `rouge-score` package has them without its stemmer.

    That package drops every other letter, which would make all Chinese prompts the same empty text. Here each character
    of a script without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer) and each word of another non-Latin script
    is a token as well. Texts without such scripts have exactly its tokens.
    """
    return _ROUGE.findall(text.lower())


def bleu_tokens(text: str) -> list[str]:
    """Words, punctuation marks and single characters of scripts without spaces, in their case: what sentence BLEU is
    taken on here, so that one measure does for prompts in any language."""
    return _BLEU.findall(text)


def unigrams(text: str) -> list[str]:
    """Lower-case runs of letters and runs of digits: the unigrams of The False Promise (arXiv 2305.15717)."""
    return [word.lower() for word in _UNIGRAM.findall(text)]


def letter_words(text: str) -> list[str]:
    """Runs of letters, in their case: what stands beside the numbers of an answer."""
    return _LETTERS.findall(text)


def count_words(text: str) -> int:
    """Words between spaces; in scripts without them, two characters count as one.

    The counts that the rules of Self-Instruct (arXiv 2212.10560) and lengths of prompts are given in.
    """
    unspaced = len(_COUNTED_CHARACTER.findall(text))
    return len(_SPACED_WORD.findall(text)) + -(-unspaced // CHARACTERS_A_WORD)


def count_letters(text: str) -> int:
    """Letters, of which a Chinese, Japanese or Korean one says as much as three others."""
    return sum(map(str.isalpha, text)) + 2 * len(_WIDE_CHARACTER.findall(text))


# --- for English


def english_words(text: str) -> list[str]:
    """Words of an English sentence in lower case, with the marks between them as tokens of their own."""
    return _ENGLISH.findall(text)


def sentences(text: str) -> list[str]:
    """What stands between closing marks, colons and line ends."""
    return _SENTENCE_END.split(text.strip())


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    return "".join(_base(character) for character in word if not "\u0300" <= character <= "\u036f")


def _base(character: str) -> str:
    """Latin, Greek and Cyrillic letters lose their accents; in other scripts a mark makes another letter."""
    first = unicodedata.normalize("NFD", character)[0]
    return first if ord(first) < _LATIN_END else character
