"""Prepares a study: asks both arms, keeps every answer on receipt, and freezes the pairs that raters will see.

python -m studio.engine.jobs.child JOB_ID     with `job` below as the entry and {"study_id": ...} as the payload
"""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput, Failed
from studio.engine.evaluation.arms import Arm, Messages, Responders, plain, read_answers
from studio.engine.evaluation.leaks import SelfNames, Shown
from studio.engine.jobs.context import JobContext, Progress
from studio.engine.store.database import Database
from studio.engine.store.tables import Prompt, Study, StudyAnswer, StudyItem

MOST_ASKED = 3
"""Prompts asked for each item wanted, at most, while identical or empty answers are being replaced."""
AT_ONCE = 32
"""Answers asked for between two commits."""


def drawn(session: Session, source_id: int | None, seed: int) -> list[int]:
    """Ids of all prompts of a source in the order that the seed draws them."""
    query = select(Prompt.id).where(Prompt.source_id == source_id).order_by(col(Prompt.position))
    ids = [prompt_id for prompt_id in session.exec(query) if prompt_id is not None]
    Random(seed).shuffle(ids)
    return ids


def check_answers_cover(session: Session, arms: Iterable[Arm], prompt_ids: Sequence[int]) -> None:
    """Raises BadInput when a file of answers lacks one of these prompts."""
    for arm in arms:
        if arm.kind != "file":
            continue
        answers = read_answers(arm.source)
        missing = [text for text in _texts(session, prompt_ids).values() if plain(text) not in answers]
        if missing:
            shown = " ".join(missing[0].split())[:80]
            raise BadInput(
                f"The file of answers {arm.source} has no answer to {len(missing)} of the {len(prompt_ids)} prompts "
                f"drawn, the first: '{shown}'. Add them, or draw from a source whose prompts it answers."
            )


@dataclass(frozen=True)
class Candidate:
    """A drawn prompt with both answers as they may be shown."""

    prompt_id: int
    text: str
    family: str | None
    shown: Shown

    @property
    def usable(self) -> bool:
        """Two answers that differ, neither of them empty: something to choose between."""
        first, second = " ".join(self.shown.first.split()), " ".join(self.shown.second.split())
        return bool(first and second and first != second)


class Preparation:
    """One study on its way from two arms to frozen items. Cut short, it goes on from the answers it kept."""

    def __init__(
        self,
        database: Database,
        study: Study,
        responders: Responders,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        assert study.id is not None
        self._database = database
        self._study, self._id = study, study.id
        self._responders = responders
        self._progress = progress or (lambda done, total, message: None)
        self._should_stop = should_stop or (lambda: False)
        self._arms = [Arm.of(detail) for detail in study.detail["arms"]]
        self._names = SelfNames([name for arm in self._arms for name in (arm.name, arm.model)])
        self._wanted = int(study.detail["items"])

    def run(self) -> bool:
        """Asks, masks, chooses, freezes. False when it was asked to stop; raises Failed when nothing can be shown."""
        with self._database.session() as session:
            order = drawn(session, self._study.detail["source_id"], self._study.seed)
        order = self._answerable(order)
        kept: list[Candidate] = []
        asked = excluded = 0
        while len(kept) < self._wanted and asked < min(len(order), self._wanted * MOST_ASKED):
            batch = order[asked : asked + self._wanted - len(kept)]
            if not self._ask(batch, asked):
                return False
            asked += len(batch)
            candidates = self._candidates(batch)
            kept += [candidate for candidate in candidates if candidate.usable]
            excluded = asked - len(kept)
        if not kept:
            raise Failed(
                f"The study '{self._study.name}' has nothing to compare: of {asked} prompts, the two answers were "
                "empty or the same every time. Choose other answers or other prompts."
            )
        self._freeze(kept, excluded)
        return True

    def _answerable(self, order: list[int]) -> list[int]:
        """The first prompts as drawn; after them, as replacements, only what every file of answers can answer."""
        files = [read_answers(arm.source) for arm in self._arms if arm.kind == "file"]
        if not files:
            return order
        with self._database.session() as session:
            texts = _texts(session, order)
            check_answers_cover(session, self._arms, order[: self._wanted])
        return [prompt_id for prompt_id in order if all(plain(texts[prompt_id]) in answers for answers in files)]

    def _ask(self, prompt_ids: Sequence[int], before: int) -> bool:
        """Both arms' missing answers to these prompts, committed every few. False when asked to stop."""
        for number, arm in enumerate(self._arms):
            missing = self._missing(prompt_ids, number)
            if not missing:
                continue
            if arm.kind == "file":
                self._copy(arm, number, missing)
            elif not self._answers(arm, number, missing, before):
                return False
        return not self._should_stop()

    def _copy(self, arm: Arm, number: int, prompt_ids: Sequence[int]) -> None:
        answers = read_answers(arm.source)
        with self._database.session() as session:
            texts = _texts(session, prompt_ids)
        self._keep(number, {prompt_id: answers[plain(texts[prompt_id])] for prompt_id in prompt_ids})

    def _answers(self, arm: Arm, number: int, prompt_ids: Sequence[int], before: int) -> bool:
        with self._responders.open(arm.source) as responder:
            for start in range(0, len(prompt_ids), AT_ONCE):
                if self._should_stop():
                    return False
                some = prompt_ids[start : start + AT_ONCE]
                self._progress(self._answered(), self._expected(before + len(prompt_ids)), "")
                replies = responder.respond_many([self._conversation(prompt_id) for prompt_id in some])
                self._keep(number, {key: reply.text for key, reply in zip(some, replies, strict=True)})
        self._progress(self._answered(), self._expected(before + len(prompt_ids)), "")
        return True

    def _expected(self, asked: int) -> int:
        return 2 * max(self._wanted, asked)

    def _answered(self) -> int:
        query = select(func.count()).select_from(StudyAnswer).where(StudyAnswer.study_id == self._id)
        with self._database.session() as session:
            return session.exec(query).one()

    def _missing(self, prompt_ids: Sequence[int], arm: int) -> list[int]:
        query = select(StudyAnswer.prompt_id).where(StudyAnswer.study_id == self._id, StudyAnswer.arm == arm)
        with self._database.session() as session:
            had = set(session.exec(query))
        return [prompt_id for prompt_id in prompt_ids if prompt_id not in had]

    def _keep(self, arm: int, answers: dict[int, str]) -> None:
        with suppress(IntegrityError), self._database.session() as session:
            # Another process preparing the same study may have been first; its answers are as good.
            for prompt_id, text in answers.items():
                session.add(StudyAnswer(study_id=self._id, prompt_id=prompt_id, arm=arm, text=text))

    def _conversation(self, prompt_id: int) -> Messages:
        """What an arm is asked: the study's system message, or the one that came with the prompt, then the turns."""
        with self._database.session() as session:
            prompt = session.get(Prompt, prompt_id)
        if prompt is None:
            raise Failed(f"A prompt of the study '{self._study.name}' was deleted meanwhile. Create the study again.")
        turns = prompt.messages or [{"role": "user", "content": prompt.text}]
        system = self._study.detail["system_message_text"] or prompt.system
        return [{"role": "system", "content": system}, *turns] if system else list(turns)

    def _candidates(self, prompt_ids: Sequence[int]) -> list[Candidate]:
        with self._database.session() as session:
            prompts = {row.id: row for row in session.exec(select(Prompt).where(col(Prompt.id).in_(prompt_ids)))}
            rows = session.exec(select(StudyAnswer).where(StudyAnswer.study_id == self._id))
            answers = {(row.prompt_id, row.arm): row.text for row in rows}
        found = []
        for prompt_id in prompt_ids:
            prompt = prompts[prompt_id]
            shown = self._names.mask(prompt.text, answers[prompt_id, 0], answers[prompt_id, 1])
            found.append(Candidate(prompt_id, _as_read(prompt), prompt.family, shown))
        return found

    def _freeze(self, kept: Sequence[Candidate], excluded: int) -> None:
        sides = Random(f"{self._study.seed}:sides")
        leaks = {
            "flagged": sum(candidate.shown.flagged for candidate in kept),
            "redacted": sum(candidate.shown.redacted for candidate in kept),
            "excluded": excluded,
        }
        first, second = (arm.name for arm in self._arms)
        with self._database.session() as session:
            study = session.get(Study, self._id)
            if study is None or study.state == "ready":
                return
            for position, candidate in enumerate(kept):
                left, right = (candidate.shown.first, first), (candidate.shown.second, second)
                if sides.random() < 0.5:
                    left, right = right, left
                session.add(
                    StudyItem(
                        study_id=self._id, position=position, public_id=secrets.token_hex(16), prompt=candidate.text,
                        left=left[0], right=right[0], left_arm=left[1], right_arm=right[1], family=candidate.family,
                    )
                )  # fmt: skip
            study.state = "ready"
            study.detail = {**study.detail, "leaks": leaks, "error": None}


def job(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Entry point: prepares the study of the payload with the project's own models and teachers."""
    from studio.engine.evaluation.studies import studies_for

    studies = studies_for(context)
    return studies.prepare(int(payload["study_id"]), progress=context.progress, should_stop=context.should_stop)


def _texts(session: Session, prompt_ids: Sequence[int]) -> dict[int, str]:
    """Prompt texts by id, a few hundred a query."""
    texts: dict[int, str] = {}
    for start in range(0, len(prompt_ids), 500):
        some = prompt_ids[start : start + 500]
        rows = session.execute(select(Prompt.id, Prompt.text).where(col(Prompt.id).in_(some)))
        texts.update({row[0]: row[1] for row in rows})
    return {prompt_id: texts[prompt_id] for prompt_id in prompt_ids}


def _as_read(prompt: Prompt) -> str:
    """The prompt for a reader: a conversation with its earlier turns marked."""
    if not prompt.messages:
        return prompt.text
    return "\n\n".join(f"{_speaker(turn)}: {_said(turn)}" for turn in prompt.messages)


def _speaker(turn: dict[str, Any]) -> str:
    role = str(turn.get("role") or "user")
    return f"{role} ({turn['name']})" if turn.get("name") else role


def _said(turn: dict[str, Any]) -> str:
    """A turn's words, with the tools it calls: a turn that only calls one has no words."""
    content = turn.get("content")
    words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False) if content else ""
    return "\n".join(part for part in (words, *map(_called, turn.get("tool_calls") or ())) if part)


def _called(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return f"[calls {json.dumps(call, ensure_ascii=False)}]"
    arguments = function.get("arguments") or ""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"[calls {function.get('name') or 'a tool'}({given})]"
