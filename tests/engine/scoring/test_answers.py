"""Each question is asked once: whatever was killed, whoever asks at the same time, on both databases."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from studio.engine.errors import Failed, Stopped
from studio.engine.models import ModelRef
from studio.engine.models.weights import identity_of
from studio.engine.scoring import Answers, AnswerSettings, AnswerSubject, Question
from studio.engine.store.database import Database
from studio.engine.store.tables import Answer, Project


@dataclass(frozen=True)
class Said:
    text: str
    finish_reason: str = "length"
    input_tokens: int = 3
    output_tokens: int = 5
    seconds: float = 0.25


@dataclass
class Parrot:
    """Repeats the last turn, and remembers what it was asked."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    opened: int = 0
    breaks_at: int | None = None
    pause: float = 0.0

    def subject(self, key: str = "weights:1") -> AnswerSubject:
        return AnswerSubject(key, self.open)

    @contextmanager
    def open(self) -> Iterator["Parrot"]:
        self.opened += 1
        yield self

    def respond_many(
        self, conversations: Sequence[Any], *, received: Callable[[int, Said], None], **parameters: Any
    ) -> None:
        for number, turns in enumerate(conversations):
            if len(self.asked) == self.breaks_at:
                raise Failed("The parrot flew away.")
            time.sleep(self.pause)
            self.asked.append((turns[-1]["content"], parameters))
            received(number, Said("".join(turn["content"] for turn in turns)))


def questions(count: int) -> list[Question]:
    return [Question([{"role": "user", "content": f"Question {number}?"}]) for number in range(count)]


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def answers(database: Database, project: Project) -> Answers:
    assert project.id is not None
    return Answers(database, project.id)


def test_answers_come_in_order_with_all_that_is_known_of_them(answers: Answers, parrot: Parrot) -> None:
    first, second = answers.ask(parrot.subject(), questions(2), AnswerSettings(max_tokens=9, system_message="Hm. "))
    assert (first.text, second.text) == ("Hm. Question 0?", "Hm. Question 1?")
    assert (first.finish_reason, first.input_tokens, first.output_tokens, first.seconds) == ("length", 3, 5, 0.25)
    assert (first.subject, first.sample) == ("weights:1", 0)
    assert first.settings == {"max_tokens": 9, "temperature": 0.0, "system_message": "Hm. "}
    assert parrot.asked[0][1] == {"max_tokens": 9, "temperature": 0.0, "seed": 0}


def test_what_is_stored_is_not_asked_and_the_subject_not_even_opened(answers: Answers, parrot: Parrot) -> None:
    answers.ask(parrot.subject(), questions(3))
    found = answers.ask(parrot.subject(), [*questions(3)[::-1], questions(1)[0]])
    assert [answer.text for answer in found] == ["Question 2?", "Question 1?", "Question 0?", "Question 0?"]
    assert (parrot.opened, len(parrot.asked)) == (1, 3)
    answers.ask(parrot.subject(), questions(5))
    assert [text for text, _ in parrot.asked[3:]] == ["Question 3?", "Question 4?"]


def test_everything_that_shapes_an_answer_makes_another_question(answers: Answers, parrot: Parrot) -> None:
    one = questions(1)
    for subject, asked, settings in (
        ("weights:1", one, AnswerSettings()),
        ("weights:2", one, AnswerSettings()),
        ("weights:1", one, AnswerSettings(max_tokens=7)),
        ("weights:1", one, AnswerSettings(temperature=1.0)),
        ("weights:1", one, AnswerSettings(system_message="Be brief.")),
        ("weights:1", [Question(one[0].messages, sample=1)], AnswerSettings()),
    ):
        before = len(parrot.asked)
        answers.ask(parrot.subject(subject), asked, settings)
        assert len(parrot.asked) == before + 1
    assert parrot.asked[-1][1]["seed"] == 1


def test_a_system_message_is_the_same_wherever_it_stands(answers: Answers, parrot: Parrot) -> None:
    (turn,) = questions(1)[0].messages
    answers.ask(parrot.subject(), questions(1), AnswerSettings(system_message="Be brief."))
    within = Question([{"role": "system", "content": "Be brief."}, turn])
    assert answers.ask(parrot.subject(), [within])[0].text == "Be brief.Question 0?"
    assert len(parrot.asked) == 1


def test_a_failure_keeps_what_was_received(answers: Answers, parrot: Parrot) -> None:
    parrot.breaks_at = 4
    with pytest.raises(Failed, match="flew away"):
        answers.ask(parrot.subject(), questions(6))
    parrot.breaks_at = None
    answers.ask(parrot.subject(), questions(6))
    assert sorted(text for text, _ in parrot.asked) == [f"Question {number}?" for number in range(6)]


def test_a_stop_keeps_what_was_received(answers: Answers, parrot: Parrot) -> None:
    told: list[int] = []
    with pytest.raises(Stopped):
        answers.ask(
            parrot.subject(), questions(6), should_stop=lambda: len(parrot.asked) == 2,
            progress=lambda done, total, message: told.append(done),
        )  # fmt: skip
    assert told == [0, 1, 2]
    answers.ask(parrot.subject(), questions(6), progress=lambda done, total, message: told.append(done))
    assert told[3:] == [2, 3, 4, 5, 6]
    assert len(parrot.asked) == 6


def test_two_threads_at_once_ask_each_question_once(answers: Answers, parrot: Parrot) -> None:
    parrot.pause = 0.01
    texts: list[list[str]] = []

    def ask() -> None:
        texts.append([answer.text for answer in answers.ask(parrot.subject(), questions(20))])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts[0] == texts[1] == [f"Question {number}?" for number in range(20)]
    assert len(parrot.asked) == 20


def test_two_processes_at_once_leave_one_answer_to_each_question(database: Database, project: Project) -> None:
    """Both may ask what is in flight at the other; the first that is stored is what both report."""
    parrots, barrier = [Parrot(pause=0.005), Parrot(pause=0.005)], threading.Barrier(2)
    ids: list[list[int | None]] = []

    def ask(parrot: Parrot) -> None:
        assert project.id is not None
        own = Answers(database, project.id)  # knows nothing of the other's turns, as in another process
        barrier.wait()
        ids.append([answer.id for answer in own.ask(parrot.subject(), questions(20))])

    threads = [threading.Thread(target=ask, args=(parrot,)) for parrot in parrots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids[0] == ids[1]
    with database.session() as session:
        assert len(session.exec(select(Answer)).all()) == 20


def test_a_killed_process_has_lost_only_what_was_in_flight(
    answers: Answers, database: Database, parrot: Parrot
) -> None:
    child = textwrap.dedent("""
        import os, sys
        from contextlib import nullcontext
        from studio.engine.scoring import Answers, AnswerSubject, Question
        from studio.engine.settings import Settings
        from studio.engine.store.database import Database

        class Reply:
            finish_reason, input_tokens, output_tokens, seconds = "stop", 1, 1, 0.0
            def __init__(self, text): self.text = text

        class Dying:
            def respond_many(self, conversations, *, received, **parameters):
                for number, turns in enumerate(conversations):
                    if number == 7:
                        os.kill(os.getpid(), 9)
                    received(number, Reply("from the first process"))

        questions = [Question([{"role": "user", "content": f"Question {n}?"}]) for n in range(12)]
        subject = AnswerSubject("weights:1", lambda: nullcontext(Dying()))
        Answers(Database(Settings()), int(sys.argv[1])).ask(subject, questions)
    """)
    environment = {"UNDERSTUDY_WORKSPACE": str(database.settings.workspace), "PATH": ""}
    environment["UNDERSTUDY_DATABASE_URL"] = database.settings.database_url
    died = subprocess.run([sys.executable, "-c", child, str(answers._project_id)], env=environment, timeout=120)
    assert died.returncode == -9
    found = answers.ask(parrot.subject(), questions(12))
    assert [answer.text for answer in found[:7]] == ["from the first process"] * 7
    assert [text for text, _ in parrot.asked] == [f"Question {number}?" for number in range(7, 12)]


# --- who is asked


def test_a_model_is_known_by_what_shapes_its_answers_not_by_its_name_or_card(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"first weights")
    model = ModelRef("kid", tmp_path, "student")
    before = identity_of(model)
    (tmp_path / "README.md").write_text("a card")
    assert identity_of(ModelRef("renamed", tmp_path, "folder")) == before
    assert before.startswith("weights:")
    (tmp_path / "model.safetensors").write_bytes(b"second weights")
    assert identity_of(model) != before


def test_a_file_is_known_by_its_hash(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.gguf", "b.gguf")]
    for file in files:
        file.write_bytes(b"GGUF")
    keys = {identity_of(ModelRef(file.stem, tmp_path, "gguf", file)) for file in files}
    assert len(keys) == 1 and keys.pop().startswith("gguf:")
