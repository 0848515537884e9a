"""What a prompt asks to be done, to what: its first verb and that verb's object, by word order alone.

Self-Instruct (arXiv 2212.10560) reads both off a parse tree. No parser comes with this project, so this is a rule of
thumb for English: a sentence that begins with a verb of the list below is a command, and its object is the last word
before the noun phrase ends. It finds nothing in other languages and in plain questions, and says so by finding nothing;
compare its figures with each other, not with those of a parser.
"""

import re

from studio.engine.domain.words import english_words, sentences

SENTENCES = 4
"""From the beginning of a prompt; what follows is mostly the material to work on."""
MOST_NOUN_WORDS = 6
_POLITE = re.compile(
    r"^(?:\W*(?:\d+[.)]\s*)?(?:(?:please|kindly|now|then|first|next|so|also|hi|hello|and|in this task|for this task|"
    r"your (?:task|job|goal) is to|you (?:are asked|have|need|will|should|must) (?:to)?|"
    r"i (?:want|need|would like) you to|can you|could you|would you|will you|help me(?: to)?|try to)\b|"
    r"given [^,]{1,80},|using [^,]{1,80},|based on [^,]{1,80},|for [^,]{1,60},|if [^,]{1,80},|to [^,]{1,60},)[\s,]*)+"
)
_VERB_TEXT = (
    "act add adjust advise analyse analyze annotate answer apply argue arrange ask assess assign assume "
    "balance brainstorm break build calculate categorise categorize change characterise check choose cite "
    "clarify classify code collect combine come comment compare complete compose compute condense conduct "
    "consider construct continue contrast convert copy correct count craft create criticise critique debate "
    "decide decode deduce define demonstrate derive describe design detect determine develop devise diagnose "
    "differentiate discuss distinguish divide do draft draw edit elaborate enumerate estimate evaluate examine "
    "expand explain explore express extract fill filter find fix form format formulate generate get give group "
    "guess highlight hypothesize identify illustrate imagine implement improve include indicate infer insert "
    "interpret introduce invent judge justify label list locate make mark match measure modify name note offer "
    "optimize order organise organize outline paraphrase perform pick plan play point pose predict prepare "
    "present pretend print produce proofread propose prove provide put quote rank rate read rearrange recall "
    "recommend reduce refactor remove rename reorder repeat rephrase replace reply report research resolve "
    "respond restate retrieve return reverse review revise rewrite role-play say score search select sentence "
    "separate set shorten show simplify simulate sketch solve sort specify spell split state structure "
    "substitute suggest summarise summarize support take talk tell test think transform translate turn "
    "underline unscramble update use verify visualise visualize work write"
)
_SKIPPED_TEXT = (
    "a an the this that these those some any each every all both me us him her them it its your my our their "
    "his one two three four five six seven eight nine ten following given below above whether up out"
)
_END_TEXT = (
    "of in on at to for from by with about into onto over under between among as than that which who whom "
    "whose what where when why how if and or but so because is are was were be been has have had can could "
    "should would will may might must do does did not using based without within while so-called such like "
    "against through during per via"
)
VERBS = frozenset(_VERB_TEXT.split())
_SKIPPED = frozenset(_SKIPPED_TEXT.split())
"""May stand before the object."""
_ENDS = frozenset(_END_TEXT.split())
"""No noun phrase goes on beyond these."""


def verb_and_object(text: str) -> tuple[str, str | None] | None:
    """(verb, object or None when it has none) of the first command in a text; None when there is no command."""
    for sentence in sentences(text)[:SENTENCES]:
        words = english_words(_POLITE.sub("", sentence.lower().replace("’", "'")))
        if words and words[0] in VERBS:
            return words[0], _object(words[1:])
    return None


def _object(words: list[str]) -> str | None:
    phrase: list[str] = []
    for word in words:
        if word in _SKIPPED and not phrase:
            continue
        if word in _ENDS or not word[0].isalpha() or len(phrase) == MOST_NOUN_WORDS:
            break
        phrase.append(word)
    return _singular(phrase[-1]) if phrase else None


def _singular(noun: str) -> str:
    """Near enough to count a plural with its singular."""
    noun = noun.removesuffix("'s")
    if len(noun) > 4 and noun.endswith("ies"):
        return noun[:-3] + "y"
    if len(noun) > 4 and noun.endswith(("sses", "shes", "ches", "xes")):
        return noun[:-2]
    return noun[:-1] if len(noun) > 3 and noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun
