"""The options that clean conversations on their way in, the same for prompts and for answers."""

from typing import Annotated

import typer

from studio.cli.output import note
from studio.engine.errors import BadInput
from studio.engine.prompts.cleaning import RULES, Rules, parse_languages, parse_rules, tokenizer_in
from studio.engine.studio import Studio

CleanOption = Annotated[bool, typer.Option("--clean", help="Clean conversations with Vicuna's rules, each counted.")]
LanguagesOption = Annotated[
    str, typer.Option("--languages", metavar="A,B", help="With --clean: keep only these languages, as in en,zh.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option("--max-tokens", help="With --clean: split longer conversations between exchanges.")
]
TokenizerOption = Annotated[
    str | None, typer.Option("--tokenizer", metavar="MODEL|FOLDER", help="Whose tokens --max-tokens counts.")
]
WithoutOption = Annotated[
    str, typer.Option("--without", metavar="RULE,...", help=f"Rules to switch off, of {', '.join(RULES)}.")
]
MOST_NAMED = 12


def rules_of(
    studio: Studio, clean: bool, languages: str, max_tokens: int | None, tokenizer: str | None, without: str
) -> Rules | None:
    """The rules that the options spell, None without --clean. Raises `BadInput`."""
    given = {"--languages": languages, "--max-tokens": max_tokens, "--tokenizer": tokenizer, "--without": without}
    if not clean:
        named = next((option for option, value in given.items() if value), None)
        if named:
            raise BadInput(f"{named} is a rule for cleaning. Add --clean.")
        return None
    rules = Rules(
        off=parse_rules(without),
        languages=parse_languages(languages),
        max_tokens=max_tokens,
        tokenizer=tokenizer_in(studio.models, tokenizer) if tokenizer else None,
    )
    rules.check()
    return rules


def explain_cleaning(counts: dict[str, int] | None) -> None:
    """What each rule did, on standard error."""
    for rule, count in (counts or {}).items():
        if count:
            note(f"{rule}: {count:,} {RULES[rule]}")


def explain_unread(unread: dict[str, int] | None) -> None:
    """What rows hold that was not read, on standard error."""
    if unread:
        named = ", ".join(f"{name} ({count:,})" for name, count in list(unread.items())[:MOST_NAMED])
        note(f"Not read, with the number of rows: {named}{'' if len(unread) <= MOST_NAMED else ' ...'}")
