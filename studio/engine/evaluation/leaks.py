"""Answers that say who wrote them: finds the names of models and their makers, and masks them alike on both sides.

A name that the prompt itself mentions is a topic, not a leak: it is counted, and stays readable.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MARK = "████"
"""Always the same length, whatever it hides."""

MODELS = (
    r"Chat-?GPT(?:[ -]?\d[\w.]*)?", r"GPT[ -]?\d[\w.]*(?:[ -](?:turbo|mini|nano))?", r"InstructGPT", r"GPT4All",
    r"text-davinci-\d+", r"Claude(?:[ -](?:v?\d[\w.]*|Instant|Opus|Sonnet|Haiku))*",
    r"(?-i:Gemini)(?:[ -](?:\d[\w.]*|Pro|Ultra|Flash))*",
    r"(?-i:Bard|PaLM|LaMDA|Grok|Copilot|Bing Chat|LLaMA|Llama|Vicuna|Guanaco|Qwen)(?:[ -]?\d[\w.]*)?",
    r"(?-i:Mistral|Mixtral)", r"通义千问", r"文心一言", r"讯飞星火", r"智谱清言",
    r"(?-i:Alpaca|Koala|Falcon|Dolly|Orca|Tulu|Tülu)[ -]\d+B", r"DeepSeek", r"WizardLM", r"Open[ -]?Assistant",
    r"ChatGLM", r"practice-(?:plain|thorough|base)", r"practice teacher",
)  # fmt: skip
"""Products, as patterns. What is in (?-i:...) counts in that spelling only, since the word means something else too."""

MAKERS = (
    r"Open ?AI", r"Anthropic", r"(?:Google )?Deep ?Mind", r"Google AI", r"Meta AI", r"Mistral AI", r"xAI",
    r"Hugging ?Face", r"Stability AI", r"EleutherAI", r"LMSYS", r"Alibaba Cloud", r"阿里云", r"百度",
    r"智谱", r"月之暗面", r"科大讯飞", r"字节跳动",
)  # fmt: skip

ORDINARY = frozenset((
    "an", "the", "first", "second", "third", "left", "right", "one", "two", "old", "new", "good", "bad", "better",
    "best", "worst", "short", "long", "brief", "bare", "plain", "full", "answer", "answers", "explanation",
    "explanations", "step", "steps", "student", "teacher", "base", "baseline", "model", "models", "original",
    "reference", "human", "gold", "final", "small", "large", "tiny", "big", "fast", "slow", "test", "sample", "wrong",
    "correct", "mine", "before", "after", "control", "simple", "thorough", "tutor", "expert", "assistant", "response",
    "responses", "output", "outputs", "copy", "draft", "quantized", "tuned", "trained",
))  # fmt: skip
"""Words that people call an arm by and that answers use for other things too: a leak only after words like "I am"."""

MADE_BY = (
    r"(?:language model|assistant|chatbot|an AI)(?: that (?:was|is)| which (?:was|is)|,)? "
    r"(?:trained|developed|created|made|built|designed) (?:by|at) (?P<name>(?-i:[A-Z一-鿿][\w.&-]*(?: [A-Z][\w.&-]*)*))"
)
"""Whoever is said to have made the model that speaks, known to us or not."""

I_AM = (
    r"\b(?:I am|I'm|I’m|my name is|my name's|called|named)(?: an?| the)? |(?:我是|我叫|名叫)\s*"
    r"|\bas(?: an?| the)? (?=[\w -]+,)"
)


@dataclass(frozen=True)
class Shown:
    """Two answers as raters may see them. `flagged`: some name was found in them; `redacted`: some text was masked."""

    first: str
    second: str
    flagged: bool
    redacted: bool


class SelfNames:
    """The names that may give an arm of one study away. `own` are the arms' names and their models' names."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        names = sorted({name.strip() for name in own if len(name.strip()) > 1}, key=len, reverse=True)
        certain = [_loosely(name) for name in names if name.lower() not in ORDINARY]
        patterns = [_alone(f"(?P<name>{'|'.join([*certain, *MODELS, *MAKERS])})"), MADE_BY]
        ordinary = [re.escape(name) for name in names if name.lower() in ORDINARY]
        if ordinary:
            patterns.append(f"(?:{I_AM})(?P<name>{'|'.join(ordinary)})(?![A-Za-z0-9_])")
        self._patterns = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]

    def mask(self, prompt: str, first: str, second: str) -> Shown:
        """Both answers with every name masked, except those that the prompt mentions itself."""
        found = {name.lower() for text in (first, second) for name in self.found(text)}
        hidden = {name for name in found if not re.search(_alone(re.escape(name)), prompt, re.IGNORECASE)}
        shown = [self._masked(text, hidden) for text in (first, second)]
        return Shown(shown[0], shown[1], flagged=bool(found), redacted=shown != [first, second])

    def found(self, text: str) -> list[str]:
        """Every name in a text, as it is spelled there."""
        return [match["name"] for pattern in self._patterns for match in pattern.finditer(text)]

    def _masked(self, text: str, hidden: set[str]) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match["name"].lower() not in hidden:
                return match[0]
            start, end = match.start("name") - match.start(), match.end("name") - match.start()
            return match[0][:start] + MARK + match[0][end:]

        for pattern in self._patterns:
            text = pattern.sub(replaced, text)
        return text


def _alone(pattern: str) -> str:
    """Not inside a longer Latin word; a Chinese character may stand right beside it."""
    return rf"(?<![A-Za-z0-9_])(?:{pattern})(?![A-Za-z0-9_])"


def _loosely(name: str) -> str:
    """The name with any of space, hyphen and underscore between its parts."""
    return r"[\s_-]*".join(re.escape(part) for part in re.split(r"[\s_-]+", name) if part)
