"""Prepares a study: asks both arms, keeps every answer on receipt, and freezes the pairs that raters will see."""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from studio.engine.domain.messages import Messages, as_sent
from studio.engine.domain.purposes import Purpose
from studio.engine.domain.states import StudyState
from studio.engine.errors import Failed, Stopped
from studio.engine.evaluation.arms import Arm, Responders, plain, read_answers, recorded
from studio.engine.evaluation.conversation_text import as_read
from studio.engine.evaluation.drawing import check_answers_cover, drawn, texts_of
from studio.engine.evaluation.leaks import SelfNames, Shown
from studio.engine.jobs import Progress
from studio.engine.scoring import Answers, AnswerSubject, Question
from studio.engine.store import Addresses, Database
from studio.engine.store.tables import Answer, Prompt, Study, StudyAnswer, StudyItem

MOST_ASKED = 3
"""Prompts asked for each item wanted, at most, while identical or empty answers are being replaced."""

LINKED = 500
"""Answers that are written down as a study's in one transaction."""

CUT_OFF = "length"
"""The finish reason of an answer that a limit on its length cut off."""


@dataclass(frozen=True)
class Candidate:
    """A drawn prompt with both answers as they may be shown."""

    prompt_id: int
    text: str
    family: str | None
    shown: Shown

    @property
    def why_left_out(self) -> str | None:
        """empty or identical; None for two answers that differ, something to choose between."""
        first, second = " ".join(self.shown.first.split()), " ".join(self.shown.second.split())
        if not (first and second):
            return "empty"
        return "identical" if first == second else None


class Preparation:
    """One study on its way from two arms to frozen items. Cut short, it goes on from the answers it kept."""

    def __init__(
        self,
        database: Database,
        study: Study,
        responders: Responders,
        answers: Answers,
        *,
        progress: Progress | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        assert study.id is not None
        self._database = database
        self._study, self._id = study, study.id
        self._responders = responders
        self._answers = answers
        self._said: tuple[dict[int, Answer], dict[int, Answer]] = ({}, {})
        """By prompt, what each arm answered."""
        self._progress = progress or (lambda done, total, message: None)
        self._should_stop = should_stop or (lambda: False)
        self._arms = [Arm.of(detail) for detail in study.detail["arms"]]
        self._names = SelfNames([name for arm in self._arms for name in (arm.name, arm.model)])
        self._addresses = Addresses(database.settings)
        self._wanted = int(study.detail["items"])
        self._foreseen = self._wanted
        """Pairs that can come about: no more than there are prompts."""

    def run(self) -> bool:
        """Asks, masks, chooses, freezes. False when it was asked to stop; raises Failed when nothing can be shown."""
        with self._database.session() as session:
            order = drawn(session, self._study.detail["source_id"], self._study.seed)
        order = self._answerable(order)
        self._foreseen = min(self._wanted, len(order))
        kept: list[Candidate] = []
        asked, left_out = 0, Counter[str](empty=0, identical=0)
        while len(kept) < self._wanted and asked < min(len(order), self._wanted * MOST_ASKED):
            batch = order[asked : asked + self._wanted - len(kept)]
            if not self._ask(batch, asked):
                return False
            asked += len(batch)
            candidates = self._candidates(batch)
            kept += [candidate for candidate in candidates if candidate.why_left_out is None]
            left_out.update(why for candidate in candidates if (why := candidate.why_left_out))
        if not kept:
            raise Failed(
                f"The study '{self._study.name}' has nothing to compare: of {asked} prompts, the two answers were "
                "empty or the same every time. Choose other answers or other prompts."
            )
        self._freeze(kept, left_out)
        return True

    def _answerable(self, order: list[int]) -> list[int]:
        """The first prompts as drawn; after them, as replacements, only what every file of answers can answer."""
        files = [read_answers(self._addresses.path(arm.source)) for arm in self._arms if arm.kind == "file"]
        if not files:
            return order
        with self._database.session() as session:
            texts = texts_of(session, order)
            check_answers_cover(session, self._arms, order[: self._wanted], self._addresses)
        return [prompt_id for prompt_id in order if all(plain(texts[prompt_id]) in answers for answers in files)]

    def _ask(self, prompt_ids: Sequence[int], before: int) -> bool:
        """Both arms' missing answers to these prompts, each kept on receipt. False when asked to stop."""
        expected = 2 * max(self._foreseen, before + len(prompt_ids))
        for number, arm in enumerate(self._arms):
            done = 2 * before + number * len(prompt_ids)
            self._progress(done, expected, "")
            try:
                self._said[number].update(self._answers_of(arm, number, prompt_ids, done, expected))
            except Stopped:
                return False
        self._progress(2 * (before + len(prompt_ids)), expected, "")
        return not self._should_stop()

    def _answers_of(
        self, arm: Arm, number: int, prompt_ids: Sequence[int], before: int, expected: int
    ) -> dict[int, Answer]:
        """An arm's answers: those that the study has, those that it was asked for elsewhere, and the rest asked now."""
        subject = self._subject(arm)
        had = self._linked(number, prompt_ids, subject)
        missing = [prompt_id for prompt_id in prompt_ids if prompt_id not in had]
        before += len(had)
        answers = self._answers.ask(
            subject,
            self._questions(arm, missing),
            arm.settings,
            progress=lambda done, total, message: self._progress(before + done, expected, message),
            should_stop=self._should_stop,
        )
        new = dict(zip(missing, answers, strict=True))
        self._link(number, new)
        return had | new

    def _subject(self, arm: Arm) -> AnswerSubject:
        if arm.kind == "file":
            return recorded(self._addresses.path(arm.source))
        return self._responders.subject(arm.opened(self._addresses), purpose=Purpose.STUDY)

    def _questions(self, arm: Arm, prompt_ids: Sequence[int]) -> list[Question]:
        """A file of answers has the prompts as texts alone."""
        if arm.kind != "file":
            return [Question(self._conversation(prompt_id)) for prompt_id in prompt_ids]
        with self._database.session() as session:
            texts = texts_of(session, prompt_ids).values()
        return [Question([{"role": "user", "content": text}]) for text in texts]

    def _linked(self, arm: int, prompt_ids: Sequence[int], subject: AnswerSubject) -> dict[int, Answer]:
        """What the study has of an arm already, unless it is somebody else by now: a model was trained again."""
        query = select(StudyAnswer.prompt_id, Answer).join(Answer, col(Answer.id) == StudyAnswer.answer_id)
        query = query.where(StudyAnswer.study_id == self._id, StudyAnswer.arm == arm, Answer.subject == subject.key)
        wanted = set(prompt_ids)
        with self._database.session() as session:
            return {prompt_id: answer for prompt_id, answer in session.exec(query) if prompt_id in wanted}

    def _link(self, arm: int, answers: dict[int, Answer]) -> None:
        links = [
            StudyAnswer(study_id=self._id, prompt_id=prompt_id, arm=arm, answer_id=answer.id or 0)
            for prompt_id, answer in answers.items()
        ]
        for start in range(0, len(links), LINKED):
            # Another process preparing the same study may have been first; its links are as good.
            with suppress(IntegrityError), self._database.piece() as session:
                for link in links[start : start + LINKED]:
                    session.merge(link)

    def _conversation(self, prompt_id: int) -> Messages:
        """What an arm is asked: the study's system message, or the one that came with the prompt, then the turns."""
        with self._database.session() as session:
            prompt = session.get(Prompt, prompt_id)
        if prompt is None:
            raise Failed(f"A prompt of the study '{self._study.name}' was deleted meanwhile. Create the study again.")
        turns = as_sent(prompt.messages or [{"role": "user", "content": prompt.text}])
        system = self._study.detail["system_message_text"] or prompt.system
        return [{"role": "system", "content": system}, *turns] if system else turns

    def _candidates(self, prompt_ids: Sequence[int]) -> list[Candidate]:
        with self._database.session() as session:
            prompts = {row.id: row for row in session.exec(select(Prompt).where(col(Prompt.id).in_(prompt_ids)))}
        found = []
        for prompt_id in prompt_ids:
            prompt = prompts[prompt_id]
            shown = self._names.mask(prompt.text, self._said[0][prompt_id].text, self._said[1][prompt_id].text)
            found.append(Candidate(prompt_id, as_read(prompt), prompt.family, shown))
        return found

    def _freeze(self, kept: Sequence[Candidate], left_out: Counter[str]) -> None:
        leaks = {
            "flagged": sum(candidate.shown.flagged for candidate in kept),
            "redacted": sum(candidate.shown.redacted for candidate in kept),
            "excluded": left_out.total(),
        }
        first, second = (arm.name for arm in self._arms)
        cut = {
            arm.name: sum(self._said[number][one.prompt_id].finish_reason == CUT_OFF for one in kept)
            for number, arm in enumerate(self._arms)
        }
        with self._database.session() as session:
            study = session.get(Study, self._id)
            if study is None or study.state == StudyState.READY:
                return
            for position, candidate in enumerate(kept):
                session.add(
                    StudyItem(
                        study_id=self._id, position=position, public_id=secrets.token_hex(16), prompt=candidate.text,
                        left=candidate.shown.first, right=candidate.shown.second, left_arm=first, right_arm=second,
                        family=candidate.family,
                    )
                )  # fmt: skip
            study.state = StudyState.READY
            study.detail = {**study.detail, "leaks": leaks, "left_out": dict(left_out), "cut_off": cut, "error": None}
