"""Conversations cleaned with Vicuna's rules (https://lmsys.org/blog/2023-03-30-vicuna): each can be switched off, and
each counts what it did."""

from studio.engine.prompts.cleaning.cleaning import Counts, clean
from studio.engine.prompts.cleaning.language import language_of
from studio.engine.prompts.cleaning.rules import RULES, Rules, parse_languages, parse_rules
from studio.engine.prompts.cleaning.tokens import tokenizer_in

__all__ = ["RULES", "Counts", "Rules", "clean", "language_of", "parse_languages", "parse_rules", "tokenizer_in"]
