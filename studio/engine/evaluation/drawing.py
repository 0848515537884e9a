"""Which prompts a study asks: all of a source in the order that its seed draws, and whether files answer them."""

from collections.abc import Iterable, Sequence
from random import Random

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.evaluation.arms import Arm, plain, read_answers
from studio.engine.store import Addresses
from studio.engine.store.tables import Prompt

LARGE_SOURCE, LARGE_FILE = 20_000, 8 * 2**20
"""Prompts, and bytes of a file of answers, that take longer to look through than a person waits."""


def has_prompts(session: Session, source_id: int | None) -> bool:
    return session.exec(select(Prompt.id).where(Prompt.source_id == source_id).limit(1)).first() is not None


def is_large(session: Session, files: Iterable[Arm], source_id: int | None, addresses: Addresses) -> bool:
    """Whether it takes long to tell if these files of answers cover the prompts that are drawn."""
    last = session.exec(select(func.max(Prompt.position)).where(Prompt.source_id == source_id)).one() or 0
    sizes = [path.stat().st_size for arm in files if (path := addresses.path(arm.source)).is_file()]
    return last >= LARGE_SOURCE or max(sizes, default=0) > LARGE_FILE


def drawn(session: Session, source_id: int | None, seed: int) -> list[int]:
    """Ids of all prompts of a source in the order that the seed draws them."""
    query = select(Prompt.id).where(Prompt.source_id == source_id).order_by(col(Prompt.position))
    ids = [prompt_id for prompt_id in session.exec(query) if prompt_id is not None]
    Random(seed).shuffle(ids)
    return ids


def check_answers_cover(session: Session, arms: Iterable[Arm], prompt_ids: Sequence[int], addresses: Addresses) -> None:
    """Raises BadInput when a file of answers lacks one of these prompts."""
    for arm in arms:
        if arm.kind != "file":
            continue
        file = addresses.path(arm.source)
        answers = read_answers(file)
        missing = [text for text in texts_of(session, prompt_ids).values() if plain(text) not in answers]
        if missing:
            shown = " ".join(missing[0].split())[:80]
            raise BadInput(
                f"The file of answers {file} has no answer to {len(missing)} of the {len(prompt_ids)} prompts "
                f"drawn, the first: '{shown}'. Add them, or draw from a source whose prompts it answers."
            )


def texts_of(session: Session, prompt_ids: Sequence[int]) -> dict[int, str]:
    """Prompt texts by id, a few hundred a query."""
    texts: dict[int, str] = {}
    for start in range(0, len(prompt_ids), 500):
        some = prompt_ids[start : start + 500]
        rows = session.execute(select(Prompt.id, Prompt.text).where(col(Prompt.id).in_(some)))
        texts.update({row[0]: row[1] for row in rows})
    return {prompt_id: texts[prompt_id] for prompt_id in prompt_ids}
