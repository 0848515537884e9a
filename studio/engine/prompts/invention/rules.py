"""The rules that drop what a teacher invented. Each function is pure and gives the name of the rule, or None.

Instructions and instances: Self-Instruct (arXiv 2212.10560). Evolved prompts and their answers: Evol-Instruct
(2304.12244).
"""

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from studio.engine.domain.words import count_words, rouge_tokens

FEWEST_WORDS = 3
"""An instruction of this many words or fewer says too little."""
MOST_WORDS = 150
SORRY_WORDS = 80

_OTHER_MEDIA = re.compile(
    r"\b(?:images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b|图片|图像|图表|照片|文件|地图|画一|绘制|前往",
    re.IGNORECASE,
)
_PROGRAM = ("write a program", "编写一个程序", "写一个程序", "编写程序")
_PUNCTUATION = frozenset(string.punctuation)
LEAKS = (
    "given prompt", "rewritten prompt", "created prompt", "new prompt", "prompt given", "prompt rewritten",
    "evolved prompt", "original prompt", "原提示", "改写后的提示", "新的提示",
)  # fmt: skip
"""Words of the request itself, which a model copies when it talks about its task instead of doing it."""
_STOP_TEXT = (
    "a about above after again all also am an and any are as at be because been before being below both but by can "
    "could did do does doing down during each few for from further had has have having he her here hers him his how i "
    "if in into is it its just me more most my no nor not now of off on once only or other our out over own same she "
    "should so some such than that the their them then there these they this those through to too under until up very "
    "was we were what when where which while who whom why will with would yes you your "
    "的 了 是 在 和 也 就 都 而 及 与 着 或 一 个 没 有 我 你 他 她 它 这 那 不 吗 呢 吧 啊"
)
_STOP_WORDS = frozenset(_STOP_TEXT.split())


@dataclass(frozen=True)
class Instance:
    """One example of a task: its input, which may be empty, and the answer that the teacher gave to it."""

    input: str
    output: str


def fault_of_instruction(text: str, *, ascii_start: bool = True) -> str | None:
    """`ascii_start` drops what begins with a letter beyond ASCII, which is right while the seeds are in English."""
    text = text.strip()
    if not text:
        return "empty"
    if count_words(text) <= FEWEST_WORDS:
        return "too_short"
    if count_words(text) > MOST_WORDS:
        return "too_long"
    if _OTHER_MEDIA.search(text):
        return "other_media"
    if text.lower().startswith(_PROGRAM):
        return "asks_for_program"
    if text[0] in _PUNCTUATION or unicodedata.category(text[0]).startswith("P"):
        return "leading_punctuation"
    return "not_ascii" if ascii_start and not text[0].isascii() else None


def fault_of_instance(instance: Instance) -> str | None:
    if not instance.output.strip():
        return "empty_output"
    return "output_repeats_input" if instance.input.strip() == instance.output.strip() else None


def sound_instances(found: Sequence[Instance]) -> tuple[list[Instance], list[str]]:
    """The instances of one task that may stay, and the rule that each of the others fell to.

    An input that is answered in two ways leaves nothing to learn: all of its instances go.
    """
    faults = [(instance, fault_of_instance(instance)) for instance in found]
    sound = [instance for instance, fault in faults if fault is None]
    outputs: dict[str, set[str]] = {}
    for instance in sound:
        outputs.setdefault(instance.input.strip(), set()).add(instance.output.strip())
    torn = {given for given, answers in outputs.items() if len(answers) > 1}
    distinct = list(dict.fromkeys(sound))
    kept = [instance for instance in distinct if instance.input.strip() not in torn]
    dropped = [fault for _, fault in faults if fault]
    dropped += ["repeated_instance"] * (len(sound) - len(distinct))
    return kept, dropped + ["same_input"] * (len(distinct) - len(kept))


def fault_of_evolved(text: str, parent: str) -> str | None:
    """Whether an evolved prompt can be used at all; whether it says anything new is for a judge."""
    text = text.strip()
    if not text:
        return "empty"
    if text.casefold() == parent.strip().casefold():
        return "unchanged"
    lower, before = text.lower(), parent.lower()
    return "leaked_words" if any(leak in lower and leak not in before for leak in LEAKS) else None


def fault_of_answer(text: str) -> str | None:
    """Whether the answer shows that an evolved prompt cannot be answered."""
    said = rouge_tokens(text)
    if all(word in _STOP_WORDS for word in said):
        return "empty_words"
    sorry = re.search(r"\bsorry\b|抱歉|对不起", text, re.IGNORECASE)
    return "sorry" if sorry and count_words(text) < SORRY_WORDS else None
