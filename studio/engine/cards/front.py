"""The front matter of a card: the YAML that Hugging Face reads from the top of a README.md."""

import re
from typing import Any

import yaml

from studio.engine.cards.escaping import one_line
from studio.engine.cards.facts import Card
from studio.engine.cards.wording import ENGLISH
from studio.engine.domain.reference import is_hub_id
from studio.engine.models import OPEN_LICENCES

LICENCE_NAMES = {"no": "not-permitted-by-a-teachers-terms", "research": "research-only", "unknown": "not-known"}
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]{0,95}")
_SLUG = re.compile(r"[^a-z0-9.]+")


def front_matter(card: Card, written_in: str = ENGLISH) -> str:
    """Between two lines of dashes. What the studio alone knows stands under `understudy`, which others skip: also the
    language of the card, where it is not English."""
    values: dict[str, Any] = {**_licence(card)}
    if (base := _hub_name(card.hub_base or card.root.name)) is not None:
        values |= {"base_model": base, "base_model_relation": "finetune"}
    if card.languages:
        values["language"] = [*card.languages]
    values |= {"library_name": "transformers", "pipeline_tag": "text-generation"}
    values["tags"] = ["understudy", "imitation-model"]
    if named := [*dict.fromkeys(stage.dataset for stage in card.stages if _PLAIN.fullmatch(stage.dataset))]:
        values["datasets"] = named
    values["understudy"] = {"commercial_use": card.verdict.commercial_use, "datasets": _datasets(card)}
    if written_in != ENGLISH:
        values["understudy"]["written_in"] = written_in
    written = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=100_000)
    return f"---\n{written}---\n"


def written_in(text: str | None) -> str | None:
    """The language of a card that the studio wrote; None for no card."""
    if text is None:
        return None
    head = text.partition("\n---\n")[0] if text.startswith("---\n") else ""
    found = re.search(r"^  written_in: ([a-z]{2})$", head, re.MULTILINE)
    return found[1] if found else ENGLISH


def _licence(card: Card) -> dict[str, str]:
    """The base's licence where nothing else stands in the way, else `other` with a name that says what does."""
    use, licence = card.verdict.commercial_use, card.root.licence.lower()
    if use == "yes" and licence in OPEN_LICENCES:
        return {"license": licence}
    terms_allow = bool(card.shares) and all(share.terms == "yes" for share in card.shares)
    of_base = _SLUG.sub("-", licence).strip("-") if terms_allow else ""
    return {"license": "other", "license_name": of_base or LICENCE_NAMES.get(use, "not-known")}


def _hub_name(root: str) -> str | None:
    """A folder's path is of no use to others and may tell a person's name; a hub id or a plain name is."""
    return root if is_hub_id(root) or _PLAIN.fullmatch(root) else None


def _datasets(card: Card) -> list[dict[str, Any]]:
    known = {stage.dataset: stage.sha256 for stage in card.stages}
    return [{"name": one_line(name), "sha256": sha256 or None} for name, sha256 in known.items()]
