"""Runs the demo step by step: collect, grade, freeze, train, score, export, and a blind study left ready to rate."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.engine.demo.scoring import PracticeScore, questions_of, score
from studio.engine.demo.sizes import (
    BARE,
    BRIEF_MESSAGE,
    DEFAULT_QUANTIZATION,
    EXPLAIN_MESSAGE,
    EXPLAINED,
    PLAIN,
    QUANTIZATIONS,
    STUDENT_SYSTEM_MESSAGE,
    THOROUGH,
    TWO_STAGE,
    Plan,
    full,
    quick,
    recipe,
)
from studio.engine.domain.dataset_version import DatasetVersion
from studio.engine.domain.status import status
from studio.engine.errors import Stopped
from studio.engine.models import PRACTICE_BASE
from studio.engine.practice import WordedProblem, ask
from studio.engine.scoring import AnswerSettings
from studio.engine.teachers.plans import RunOptions

if TYPE_CHECKING:
    from studio.engine.studio import Studio

Say = Callable[[str], None]
Stop = Callable[[], bool]
MAX_NEW_TOKENS = 224
SPARE = 2


@dataclass(frozen=True)
class Trained:
    """A finished student and what its training cost, all stages and this variant's whole grid not included."""

    variant: str
    model: str
    traces: int
    tokens: int
    seconds: float
    held_out_loss: float


class Demo:
    """One run of the demo in one project; `tag` keeps its names apart from those of an earlier run.

    Every step ends soon after `should_stop` says so, and raises `Stopped`.
    """

    def __init__(self, studio: "Studio", plan: Plan, say: Say, should_stop: Stop = lambda: False) -> None:
        self.studio, self.plan, self.should_stop = studio, plan, should_stop
        self._say = say
        self.tag = free_tag(studio)

    def named(self, name: str) -> str:
        return f"{name}{self.tag}"

    def say(self, text: str) -> None:
        """Announces a step, unless the demo is to stop."""
        self.check()
        self._say(text)

    def check(self, *_: object) -> None:
        """Raises `Stopped` once the demo is to stop; also what a step calls as its progress."""
        if self.should_stop():
            raise Stopped(
                "The demo was stopped. What it has collected and trained is kept; start it again for the rest."
            )

    def run(self) -> dict[str, Any]:
        started = time.monotonic()
        datasets = self.collect()
        unseen = self.unseen()
        bare, explained = self.first_stages(datasets)
        with ThreadPoolExecutor(2) as pool:
            scoring = pool.submit(self.score_models, unseen, [PRACTICE_BASE, bare.model, explained.model])
            second = self.second_stage(explained, datasets[TWO_STAGE])
            teacher = self.ask(THOROUGH, unseen, self.studio.system_messages.get(EXPLAIN_MESSAGE).text)
            scores = scoring.result()
        with ThreadPoolExecutor(2) as pool:
            exporting = pool.submit(self.export, second.model, unseen)
            scores.update(self.score_models(unseen, [second.model]))
            study = self.study(second.model)
            files = exporting.result()
        for name, scored in scores.items():
            self.studio.models.change(name, detail={"exact_match": scored.exact_match})
        for trained in (bare, explained, second):
            self.studio.cards.refresh(trained.model)
        students = [self.student_row(trained, scores[trained.model], teacher) for trained in (bare, explained, second)]
        return {
            "seconds": round(time.monotonic() - started, 1),
            "seed": self.plan.seed,
            "families": list(self.plan.families),
            "student_system_message": STUDENT_SYSTEM_MESSAGE,
            "unseen_problems": len(unseen),
            "teacher_exact_match": teacher.exact_match,
            "teacher_by_family": teacher.by_family,
            "base_exact_match": scores[PRACTICE_BASE].exact_match,
            "base_by_family": scores[PRACTICE_BASE].by_family,
            "base_style_similarity": scores[PRACTICE_BASE].style_similarity(teacher),
            "students": students,
            "gguf": files,
            "default_quantization": DEFAULT_QUANTIZATION,
            "study": study,
        }

    # --- traces

    def collect(self) -> dict[str, str]:
        """Asks both practice teachers over HTTP and freezes one dataset per variant; returns their references."""
        studio, plan = self.studio, self.plan
        prompts = self.named("practice-problems")
        studio.prompts.practice(plan.families, plan.traces, plan.seed, prompts, progress=self.check)
        known = {teacher.name for teacher in studio.teachers.list()}
        if not {PLAIN, THOROUGH} <= known:
            studio.teachers.add_practice()
        wanted = {
            BARE: (PLAIN, BRIEF_MESSAGE),
            EXPLAINED: (PLAIN, EXPLAIN_MESSAGE),
            TWO_STAGE: (THOROUGH, EXPLAIN_MESSAGE),
        }
        references = {}
        for variant, (teacher, message) in wanted.items():
            name = self.named(variant)
            self.say(status("demo_collect", n=plan.traces, teacher=teacher, message=message))
            studio.collecting.create(teacher, prompts, RunOptions(system_message=message, seed=plan.seed), name=name)
            studio.collecting.run(name, should_stop=self.should_stop)
            self.check()
            studio.traces.grade(run=name, should_stop=self.should_stop)
            self.check()
            frozen = studio.datasets.freeze(
                name, run=name, filter=self.only_right(name), test_share=plan.held_out, progress=self.check
            )
            references[variant] = str(DatasetVersion(frozen["dataset"], frozen["version"]))
        return references

    def only_right(self, run: str) -> Any:
        from studio.engine.traces import TraceFilter

        return TraceFilter.parse({"run": run, "correct": "true"})

    def unseen(self) -> list[WordedProblem]:
        """Problems of the same families from another seed, without any that was asked in training."""
        plan = self.plan
        asked = {question.problem.key for question in ask(plan.families, plan.traces, plan.seed)}
        fresh = ask(plan.families, plan.unseen + len(asked), plan.unseen_seed)
        kept: dict[str, list[WordedProblem]] = {family: [] for family in plan.families}
        share = plan.unseen // len(plan.families)
        for question in fresh:
            rows = kept[question.family]
            if question.problem.key not in asked and len(rows) < share:
                rows.append(question)
        return [question for rows in kept.values() for question in rows]

    # --- students

    def first_stages(self, datasets: dict[str, str]) -> tuple[Trained, Trained]:
        """Both variants over the same grid, two at a time; of each the one with the lowest held-out loss is kept."""
        grid = [(variant, rate) for rate in self.plan.learning_rates for variant in (BARE, EXPLAINED)]
        self.say(status("demo_train", n=len(grid), tokens=self.plan.tokens))
        with ThreadPoolExecutor(2) as pool:
            trained = list(pool.map(lambda cell: self.first_stage(cell[0], cell[1], datasets[cell[0]]), grid))
        best = {
            variant: min((one for one in trained if one.variant == variant), key=lambda one: one.held_out_loss)
            for variant in (BARE, EXPLAINED)
        }
        return best[BARE], best[EXPLAINED]

    def first_stage(self, variant: str, rate: float, dataset: str) -> Trained:
        name = self.named(f"{variant}-lr{rate:g}")
        return self.train(variant, name, recipe(self.plan, PRACTICE_BASE, "plain", dataset, self.plan.tokens, rate))

    def second_stage(self, first: Trained, dataset: str) -> Trained:
        self.say(status("demo_second"))
        rate = self.plan.second_rate
        wanted = recipe(self.plan, first.model, "thorough", dataset, self.plan.second_tokens, rate)
        second = self.train(TWO_STAGE, self.named(TWO_STAGE), wanted)
        return Trained(
            TWO_STAGE,
            second.model,
            first.traces + second.traces,
            first.tokens + second.tokens,
            round(first.seconds + second.seconds, 1),
            second.held_out_loss,
        )

    def train(self, variant: str, name: str, wanted: dict[str, object]) -> Trained:
        self.check()
        studio = self.studio
        studio.training.create(studio.training.read_recipe(wanted), name=name)
        report = studio.training.run(name, should_stop=self.should_stop)
        self.check()
        (stage,) = report["stages"]
        rows = studio.datasets.get(stage["dataset"]).train_rows
        return Trained(variant, name, rows, stage["tokens"], stage["seconds"], stage["eval_loss"])

    # --- figures

    def score_models(self, unseen: list[WordedProblem], names: list[str]) -> dict[str, PracticeScore]:
        return {name: self.ask(name, unseen, STUDENT_SYSTEM_MESSAGE) for name in names}

    def ask(self, name: str, unseen: list[WordedProblem], system_message: str) -> PracticeScore:
        """Puts every problem to a model or a teacher, unless it has answered it before in just this way."""
        settings = AnswerSettings(max_tokens=MAX_NEW_TOKENS, system_message=system_message)
        subject = self.studio.inference.subject(name)
        self.check()
        answers = self.studio.answers.ask(subject, questions_of(unseen), settings, should_stop=self.should_stop)
        return score(unseen, [answer.text for answer in answers])

    def student_row(self, trained: Trained, scored: PracticeScore, teacher: PracticeScore) -> dict[str, Any]:
        return {
            "name": trained.variant,
            "variant": trained.variant,
            "traces": trained.traces,
            "exact_match": scored.exact_match,
            "by_family": scored.by_family,
            "style_similarity": scored.style_similarity(teacher),
            "train_tokens": trained.tokens,
            "train_seconds": trained.seconds,
            "model": trained.model,
        }

    def export(self, model: str, unseen: list[WordedProblem]) -> list[dict[str, Any]]:
        """GGUF files, each put to every unseen problem through llama.cpp and compared with the original's answers."""
        self.say(status("demo_export", names=", ".join(QUANTIZATIONS)))
        reports = self.studio.exporting.export_many(
            model,
            QUANTIZATIONS,
            prompts=[question.prompt for question in unseen],
            answers=[question.answer for question in unseen],
            max_tokens=MAX_NEW_TOKENS,
            should_stop=self.should_stop,
        )
        keys = ("path", "quantization", "bytes", "sha256", "tensor_types")
        figures = ("same_answers", "mean_kl", "exact_match")
        return [
            {"model": model, **{key: report[key] for key in keys}, **{key: report["parity"][key] for key in figures}}
            for report in reports
        ]

    def study(self, model: str) -> dict[str, Any]:
        """A blind study of the student against the thorough teacher on fresh problems. Nobody has voted in it.

        Both are asked without a system message, as a user would: a student that repeats its teacher's explanation to
        the letter would leave raters nothing to choose between. The source has spare problems for pairs that are alike.
        """
        plan, studio = self.plan, self.studio
        prompts, name = self.named("study-problems"), self.named("student-or-teacher")
        self.say(status("demo_study"))
        studio.prompts.practice(
            plan.families, SPARE * plan.study_items, plan.unseen_seed + 1, prompts, progress=self.check
        )
        report = studio.studies.create(
            name, model, THOROUGH, prompts, items=plan.study_items, seed=plan.seed, should_stop=self.should_stop
        )
        self.check()
        results = studio.studies.results(name)
        votes = sum(results[kind] for kind in ("wins", "ties", "losses", "both_bad"))
        return {"name": name, "items": report["items"], "votes": votes}


def free_tag(studio: "Studio") -> str:
    """'' for the first demo of a project, then '-2', '-3' ..."""
    taken = {source.name for source in studio.prompts.sources()}
    number = 1
    while f"practice-problems{_suffix(number)}" in taken:
        number += 1
    return _suffix(number)


def _suffix(number: int) -> str:
    return "" if number == 1 else f"-{number}"


def run_demo(
    studio: "Studio",
    *,
    seed: int = 7,
    quickly: bool = False,
    say: Say = lambda text: None,
    should_stop: Stop = lambda: False,
) -> dict[str, Any]:
    """Runs a full or a quick demo and returns the report of CONTRACT keys plus the base's and teacher's own figures.

    Raises `Stopped` soon after `should_stop` says so; what was made before is kept.
    """
    return Demo(studio, quick(seed) if quickly else full(seed), say, should_stop).run()
