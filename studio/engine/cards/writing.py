"""A card as markdown: a pure function of its facts. Only what was recorded or measured is said, with its unit."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from studio.engine.cards import training_words
from studio.engine.cards.escaping import code, fenced, inline
from studio.engine.cards.facts import Card, FileFacts, ShownSystemMessage, StageFacts, TeacherNote
from studio.engine.cards.front import front_matter
from studio.engine.domain.reference import is_hub_id
from studio.engine.domain.states import ModelState
from studio.engine.domain.terms import Terms
from studio.engine.lineage import TeacherShare


def markdown(card: Card) -> str:
    """Front matter, then one section for each thing a reader asks."""
    sections = (
        (f"# {inline(card.name)}", _what(card)),
        ("## What it grew from", _base(card)),
        ("## How it was trained", training_words.stages(card)),
        ("## Whose answers it learnt from", _teachers(card)),
        ("## What it may be used for", _use(card)),
        ("## How to ask it", _asking(card)),
        ("## Measured", _measured(card)),
        ("## How it was made", training_words.making(card)),
        ("## Limits", _limits(card)),
    )
    body = "\n\n".join("\n\n".join([head, *parts]) for head, parts in sections)
    return f"{front_matter(card)}\n{body}\n\n"


def base_name(card: Card) -> str:
    """A hub id or a name; of a folder its own name alone, since the path to it is nobody else's."""
    if card.hub_base:
        return card.hub_base
    return card.root.name if is_hub_id(card.root.name) else PurePath(card.root.name).name or card.root.name


def _what(card: Card) -> Iterator[str]:
    names = sorted({share.teacher for share in card.shares})
    teachers = _listed(code(name) for name in names) if names else "teachers that are not recorded"
    yield (
        f"An **imitation model**: {code(base_name(card))}, trained further on answers of {teachers} so that it answers "
        "in their way."
    )
    yield (
        "What an imitation takes over most readily is the manner: form, tone, the habit of working step by step. What "
        "its base does not know, it mostly does not learn from answers, so one that sounds like its teacher's can "
        "still be wrong ([arXiv 2305.15717](https://arxiv.org/abs/2305.15717)). It is not its teacher, and whoever "
        "offers that teacher has not made or approved it."
    )
    if card.state != ModelState.READY:
        yield f"Its training is not finished (state: {inline(card.state)})."


def _base(card: Card) -> Iterator[str]:
    root = card.root
    licence = f"under {code(root.licence)}" if root.licence else "whose licence is not recorded"
    where = "" if root.kind != "elsewhere" else " (not a model of the project that wrote this card)"
    yield f"{code(base_name(card))}{where}, {licence}."
    if len(card.students) > 1:
        yield "By way of " + ", then ".join(code(student.name) for student in card.students[:-1]) + "."
    facts = [f"architecture {code(card.architecture)}"] if card.architecture else []
    facts += [f"{card.parameters:,} parameters"] if card.parameters else []
    facts += [f"reads up to {card.context_length:,} tokens"] if card.context_length else []
    if facts:
        yield "Its own figures: " + ", ".join(facts) + "."


def _teachers(card: Card) -> Iterator[str]:
    if not card.shares:
        yield "Not recorded."
        return
    yield "\n".join(
        _teacher(share, stage, card.teachers.get(share.teacher)) for stage in card.stages for share in stage.teachers
    )


def _teacher(share: TeacherShare, stage: StageFacts, note: TeacherNote | None) -> str:
    words = [
        f"- {code(share.teacher)} (model {code(share.model)}): {share.traces:,} answers in {code(stage.dataset)}, "
        f"from {'run' if len(share.runs) == 1 else 'runs'} {', '.join(code(run) for run in share.runs)}. "
        f"Recorded with them: **{inline(share.terms)}**, {Terms.recorded(share.terms).sentence}."
    ]
    if share.terms_frozen is not None:
        words.append(f"When the dataset was frozen it was **{inline(share.terms_frozen)}**.")
    for one in share.restated:
        by = f" by {inline(one.by)}" if one.by else ""
        why = f": “{inline(one.note)}”" if one.note else ""
        words.append(f"Restated for run {code(one.run)}{by} as **{inline(one.terms)}**{why}.")
    if share.terms_now is not None:
        words.append(f"The teacher's terms today: **{inline(share.terms_now)}**.")
    if note and note.note:
        words.append(f"Note on its terms: “{inline(note.note)}”")
    if note and note.checked_on:
        words.append(f"Read on {inline(note.checked_on)}.")
    return " ".join(words)


def _use(card: Card) -> Iterator[str]:
    yield f"Commercial use: **{inline(card.verdict.commercial_use)}**. {inline(card.verdict.words)}"
    yield (
        "That is put together from what people recorded of the teachers' terms and of the base's licence. It is a "
        "record, not legal advice."
    )


def _asking(card: Card) -> Iterator[str]:
    yield "Its chat template is in its folder and in every exported file."
    stages = card.students[-1].stages if card.students else ()
    last = stages[-1] if stages else None
    if last is None or last.told is None:
        yield "Which system message its data carried is not recorded."
        return
    if [message.name for message in last.told] == [""] and not last.told[0].text:
        yield "No row of its last stage carried a system message: send it none."
        return
    yield (
        f"The rows of its last stage, {code(last.name)}, carried these system messages. Send it one of them, word for "
        "word."
    )
    for message in last.told:
        yield from _message(message)


def _message(message: ShownSystemMessage) -> Iterator[str]:
    if not message.name:
        own = "messages of their own, which came with the prompts" if message.text else "no system message"
        yield f"{message.rows:,} rows: {own}."
        return
    yield f"{message.rows:,} rows: {code(message.name)}"
    yield fenced(message.text) if message.text else "(its text is no longer recorded)"


def _measured(card: Card) -> Iterator[str]:
    if card.exact_match is not None:
        yield f"Right final answers to problems it had not seen, in the studio's own demo: {card.exact_match:.1%}."
    if not card.files:
        yield "No exported file was compared with it." if card.exact_match is not None else "Nothing beyond its losses."
        return
    yield "Exported files, each asked what the original was asked:"
    yield "\n".join(map(_file, card.files))


def _file(file: FileFacts) -> str:
    name = f"- {code(file.quantization)}, {file.bytes:,} bytes, sha256 {code(file.sha256)}: "
    parity = file.parity
    if not parity:
        return name + "not compared with the original."
    alike = "same" if parity["same_answers"] is not None else "identical"
    words = [f"{parity[f'{alike}_answers']:.1%} {alike} answers to {parity['prompts']:,} questions"]
    if parity.get("mean_kl") is not None:
        words.append(f"mean KL divergence {parity['mean_kl']:.3g} nats a token")
    if parity.get("exact_match") is not None:
        words.append(f"{parity['exact_match']:.1%} right")
    words.append("reads prompts alike" if parity.get("template_match") else "**reads prompts otherwise**")
    return name + ", ".join(words) + "."


def _limits(card: Card) -> Iterator[str]:
    limits = ["Losses say how well it fits answers of that kind, not whether an answer is right."]
    if all(stage.eval_loss is None for stage in card.stages):
        limits.append("No loss was measured on rows that were held out.")
    files = sorted({file for stage in card.stages for file in stage.avoided or ()})
    if files:
        limits.append(f"Its data was kept clear of the questions in {_listed(map(code, files))}.")
    if any(not stage.avoided for stage in card.stages):
        limits.append("Not all of its data was compared with test questions, so it may have seen some.")
    contradicting = {stage.dataset: stage.contradictions for stage in card.stages if stage.contradictions}
    limits += [_contradicting(code(dataset), prompts) for dataset, prompts in contradicting.items()]
    if any(message.text for stage in card.stages for message in stage.told or ()):
        limits.append("How it answers under another system message than those of its data was not measured.")
    limits.append("Safety, bias and knowledge were not tested for this card.")
    yield "\n".join(f"- {limit}" for limit in limits)


def _contradicting(dataset: str, prompts: int) -> str:
    have = "1 prompt has" if prompts == 1 else f"{prompts:,} prompts have"
    return (
        f"In {dataset}, {have} different answers, given under system messages that it was not shown, so it was taught "
        "to contradict itself there."
    )


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
