"""What may be done with a model, in words: only what its base's licence and every teacher's recorded terms support."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from studio.engine.domain.terms import Terms
from studio.engine.lineage import Ancestor, Restatement, TeacherShare, teachers_of

OPEN_LICENCES = {
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "cc-by-4.0",
    "unlicense",
    "isc",
    "wtfpl",
}
"""Licences of weights that permit commercial use without a field of use; others are for a person to read."""


@dataclass(frozen=True)
class Verdict:
    """`commercial_use` is yes, no, research or unknown; `words` says why."""

    commercial_use: str
    words: str


def verdict_of(chain: tuple[Ancestor, ...]) -> Verdict:
    """The strictest of what the teachers' terms and the base's licence say; what nobody recorded counts as unknown.

    Answers keep the terms under which they were collected, or those that a person has restated for their run. That they
    were others when a dataset was frozen, and that a teacher's terms have changed since, is said beside it.
    """
    teachers = teachers_of(chain)
    verdict = _verdict(chain, teachers)
    return replace(verdict, words=" ".join([verdict.words, *_changes(chain)]))


def _verdict(chain: tuple[Ancestor, ...], teachers: tuple[TeacherShare, ...]) -> Verdict:
    if found := _forbidden(teachers):
        return found
    lost = [stage.dataset for ancestor in chain for stage in ancestor.stages if not stage.teachers]
    if lost:
        return Verdict("unknown", f"Unknown: where the answers in dataset {lost[0]} came from is not recorded here.")
    if unknown := _names(teachers, Terms.UNKNOWN):
        return Verdict(
            "unknown",
            f"Unknown: nobody has recorded whether answers of {unknown} may train other models. "
            "Commercial use stays unknown until every teacher's terms say yes.",
        )
    return _by_base(chain, teachers)


def _changes(chain: tuple[Ancestor, ...]) -> list[str]:
    """What was recorded otherwise before, and what the teachers say today, each said once."""
    stages = [stage for ancestor in chain for stage in ancestor.stages]
    frozen = {_since_freezing(stage.dataset, share): None for stage in stages for share in stage.teachers}
    today = {_today(share): None for share in sorted(teachers_of(chain), key=lambda share: share.teacher)}
    return [words for words in (*frozen, *today) if words]


def _since_freezing(dataset: str, share: TeacherShare) -> str:
    if share.terms_frozen is None:
        return ""
    who = "; ".join(_restatement(one) for one in share.restated)
    return (
        f"When {dataset} was frozen, the answers of {share.teacher} were recorded as '{share.terms_frozen}'; "
        f"they are '{share.terms}' now{f' ({who})' if who else ''}."
    )


def _restatement(restated: Restatement) -> str:
    day = datetime.fromtimestamp(restated.at, UTC).date().isoformat()
    by = f" by {restated.by}" if restated.by else ""
    note = f": {restated.note}" if restated.note else ""
    return f"restated for run {restated.run}{by} on {day}{note}"


def _today(share: TeacherShare) -> str:
    if share.terms_now is None:
        return ""
    if share.restated:
        return (
            f"The answers of {share.teacher} are kept as '{share.terms}'; its own terms are '{share.terms_now}' today."
        )
    return (
        f"The terms of {share.teacher} were recorded as '{share.terms}' when its answers were collected; "
        f"they are '{share.terms_now}' since."
    )


def _forbidden(teachers: tuple[TeacherShare, ...]) -> Verdict | None:
    if names := _names(teachers, Terms.NO):
        return Verdict("no", f"No: the terms of {names} forbid training other models on its answers.")
    if names := _names(teachers, Terms.RESEARCH):
        return Verdict(
            "research", f"Research only: the terms of {names} allow training other models for research alone."
        )
    return None


def _by_base(chain: tuple[Ancestor, ...], teachers: tuple[TeacherShare, ...]) -> Verdict:
    root = chain[-1]
    said = (
        "Every teacher's terms allow training other models on its answers"
        if teachers
        else "No teacher's answers are in it"
    )
    licence = root.licence.lower()
    if not licence:
        return Verdict(
            "unknown", f"Unknown: {_lower(said)}, but the licence of its base, {root.name}, is not recorded."
        )
    if licence in OPEN_LICENCES:
        return Verdict(
            "yes", f"Yes: {_lower(said)}, and its base, {root.name}, is under {root.licence}, whose conditions apply."
        )
    return Verdict(
        "unknown",
        f"Unknown: {_lower(said)}; read the licence of its base, {root.name} ({root.licence}), before commercial use.",
    )


def _names(teachers: tuple[TeacherShare, ...], terms: Terms) -> str:
    return ", ".join(sorted({share.teacher for share in teachers if Terms.recorded(share.terms) is terms}))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
