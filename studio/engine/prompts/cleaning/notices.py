"""What a service says in place of an answer, and answers that say whose model gave them."""

import re

LONGEST_NOTICE = 400
"""Characters: a longer text is about rate limits or errors rather than one of them."""
_RATE_LIMIT = re.compile(
    r"too many requests|rate[- ]?limit(?:ed)? (?:exceeded|reached|hit|error)|been rate[- ]?limited|http 429"
    r"|(?:reached|hit|exceeded) (?:our|your|the) (?:current )?(?:\w+ )?(?:limit|quota|cap)\b"
    r"|(?:is|are) at (?:full )?capacity|only one message at a time|slow down and try again"
    r"|请求过于频繁|访问过于频繁|请求次数过多|已达到.{0,8}上限",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"\W*(?:oops\W+)?(?:(?:an |unknown |network |internal server |conversation )*error\b"
    r"(?: (?:occurred|in|while|generating|code)|\W*\Z|:)"
    r"|something (?:went|seems to have gone) wrong|(?:failed|unable) to (?:parse|load|fetch|generate)"
    r"|(?:the |this )?(?:content|message|response|conversation) (?:could not|cannot|can['’]t) be"
    r" (?:parsed|loaded|shown)"
    r"|(?:uncaught )?(?:syntax|type|json|parse|parser)\s?error\b|\[object object\]|undefined\W*\Z|null\W*\Z"
    r"|(?:发生|出现)(?:了)?(?:未知)?错误|网络错误|解析(?:失败|错误))",
    re.IGNORECASE,
)
_PROVIDER = re.compile(
    r"\bopen\s?ai\b|\bchat\s?gpt\b|\bgpt-?(?:3(?:\.5)?|4o?|5)\b|\banthropic\b|\bgoogle (?:bard|gemini)\b|\bbing chat\b"
    r"|\blanguage model,? (?:that (?:was|is) |which (?:was|is) )?(?:developed|trained|created|made|built) by\b"
    r"|由.{1,12}(?:开发|训练|研发)的(?:大型?|人工智能)?语言模型",
    re.IGNORECASE,
)


def is_rate_limit(text: str) -> bool:
    return len(text) <= LONGEST_NOTICE and bool(_RATE_LIMIT.search(text))


def is_error(text: str) -> bool:
    return len(text) <= LONGEST_NOTICE and bool(_ERROR.match(text))


def names_provider(text: str) -> bool:
    return bool(_PROVIDER.search(text))
