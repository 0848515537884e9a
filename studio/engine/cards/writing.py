"""A card as markdown: a pure function of its facts. Only what was recorded or measured is said, with its unit."""

from collections.abc import Iterator
from pathlib import PurePath

from studio.engine.cards import training_words
from studio.engine.cards.escaping import code, fenced, inline
from studio.engine.cards.facts import Card, FileFacts, ShownSystemMessage, StageFacts, TeacherNote
from studio.engine.cards.front import front_matter
from studio.engine.cards.wording import Words
from studio.engine.domain.reference import is_hub_id
from studio.engine.domain.states import ModelState
from studio.engine.domain.terms import Terms
from studio.engine.lineage import Restatement, TeacherShare

IN_ENGLISH = Words()


def markdown(card: Card, words: Words = IN_ENGLISH) -> str:
    """Front matter, then one section for each thing a reader asks."""
    sections = (
        (f"# {inline(card.name)}", _what(card, words)),
        (words("## What it grew from"), _base(card, words)),
        (words("## How it was trained"), training_words.stages(card, words)),
        (words("## Whose answers it learnt from"), _teachers(card, words)),
        (words("## What it may be used for"), _use(card, words)),
        (words("## How to ask it"), _asking(card, words)),
        (words("## Measured"), _measured(card, words)),
        (words("## How it was made"), training_words.making(card, words)),
        (words("## Limits"), _limits(card, words)),
    )
    body = "\n\n".join("\n\n".join([head, *parts]) for head, parts in sections)
    return f"{front_matter(card, words.language)}\n{body}\n\n"


def base_name(card: Card) -> str:
    """A hub id or a name; of a folder its own name alone, since the path to it is nobody else's."""
    if card.hub_base:
        return card.hub_base
    return card.root.name if is_hub_id(card.root.name) else PurePath(card.root.name).name or card.root.name


def _what(card: Card, words: Words) -> Iterator[str]:
    names = sorted({share.teacher for share in card.shares})
    teachers = words.listed(map(code, names)) if names else words("teachers that are not recorded")
    yield words(
        "An **imitation model**: {base}, trained further on answers of {teachers} so that it answers in their way.",
        base=code(base_name(card)), teachers=teachers,
    )  # fmt: skip
    yield words(
        "What an imitation takes over most readily is the manner: form, tone, the habit of working step by step. What "
        "its base does not know, it mostly does not learn from answers, so one that sounds like its teacher's can "
        "still be wrong ([arXiv 2305.15717](https://arxiv.org/abs/2305.15717)). It is not its teacher, and whoever "
        "offers that teacher has not made or approved it."
    )
    if card.state != ModelState.READY:
        yield words("Its training is not finished (state: {state}).", state=inline(card.state))


def _base(card: Card, words: Words) -> Iterator[str]:
    root, named = card.root, code(base_name(card))
    licence = (
        words("under {licence}", licence=code(root.licence)) if root.licence else words("whose licence is not recorded")
    )
    if root.kind == "elsewhere":
        yield words("{base} (not a model of the project that wrote this card), {licence}.", base=named, licence=licence)
    else:
        yield words("{base}, {licence}.", base=named, licence=licence)
    if len(card.students) > 1:
        between = words(", then ").join(code(student.name) for student in card.students[:-1])
        yield words("By way of {students}.", students=between)
    facts = [words("architecture {name}", name=code(card.architecture))] if card.architecture else []
    facts += [words("{n:,} parameters", n=card.parameters)] if card.parameters else []
    facts += [words("reads up to {n:,} tokens", n=card.context_length)] if card.context_length else []
    if facts:
        yield words("Its own figures: {facts}.", facts=words.joined(facts))


def _teachers(card: Card, words: Words) -> Iterator[str]:
    if not card.shares:
        yield words("Not recorded.")
        return
    yield "\n".join(
        _teacher(share, stage, card.teachers.get(share.teacher), words)
        for stage in card.stages
        for share in stage.teachers
    )


def _teacher(share: TeacherShare, stage: StageFacts, note: TeacherNote | None, words: Words) -> str:
    one_run = "- {teacher} (model {model}): {n:,} answers in {dataset}, from run {runs}."
    several = "- {teacher} (model {model}): {n:,} answers in {dataset}, from runs {runs}."
    said = [
        words(
            one_run if len(share.runs) == 1 else several,
            teacher=code(share.teacher), model=code(share.model), n=share.traces, dataset=code(stage.dataset),
            runs=words.joined(map(code, share.runs)),
        ),
        words(
            "Recorded with them: **{terms}**, {sentence}.",
            terms=inline(share.terms), sentence=words(Terms.recorded(share.terms).sentence),
        ),
    ]  # fmt: skip
    if share.terms_frozen is not None:
        said.append(words("When the dataset was frozen it was **{terms}**.", terms=inline(share.terms_frozen)))
    said += [_restated(one, words) for one in share.restated]
    if share.terms_now is not None:
        said.append(words("The teacher's terms today: **{terms}**.", terms=inline(share.terms_now)))
    if note and note.note:
        said.append(words("Note on its terms: “{note}”", note=inline(note.note)))
    if note and note.checked_on:
        said.append(words("Read on {day}.", day=inline(note.checked_on)))
    return words.sentences(said)


def _restated(one: Restatement, words: Words) -> str:
    by = words(" by {name}", name=inline(one.by)) if one.by else ""
    why = words(": “{note}”", note=inline(one.note)) if one.note else ""
    return words(
        "Restated for run {run}{by} as **{terms}**{why}.", run=code(one.run), by=by, terms=inline(one.terms), why=why
    )


def _use(card: Card, words: Words) -> Iterator[str]:
    yield words(
        "Commercial use: **{use}**. {why}", use=inline(card.verdict.commercial_use), why=inline(card.verdict.words)
    )
    yield words(
        "That is put together from what people recorded of the teachers' terms and of the base's licence. It is a "
        "record, not legal advice."
    )


def _asking(card: Card, words: Words) -> Iterator[str]:
    yield words("Its chat template is in its folder and in every exported file.")
    stages = card.students[-1].stages if card.students else ()
    last = stages[-1] if stages else None
    if last is None or last.told is None:
        yield words("Which system message its data carried is not recorded.")
        return
    if [message.name for message in last.told] == [""] and not last.told[0].text:
        yield words("No row of its last stage carried a system message: send it none.")
        return
    yield words(
        "The rows of its last stage, {stage}, carried these system messages. Send it one of them, word for word.",
        stage=code(last.name),
    )
    for message in last.told:
        yield from _message(message, words)


def _message(message: ShownSystemMessage, words: Words) -> Iterator[str]:
    if not message.name and message.text:
        yield words("{n:,} rows: messages of their own, which came with the prompts.", n=message.rows)
        return
    if not message.name:
        yield words("{n:,} rows: no system message.", n=message.rows)
        return
    yield words("{n:,} rows: {name}", n=message.rows, name=code(message.name))
    yield fenced(message.text) if message.text else words("(its text is no longer recorded)")


def _measured(card: Card, words: Words) -> Iterator[str]:
    if card.exact_match is not None:
        yield words(
            "Right final answers to problems it had not seen, in the studio's own demo: {share:.1%}.",
            share=card.exact_match,
        )
    if not card.files:
        nothing = "Nothing beyond its losses." if card.exact_match is None else "No exported file was compared with it."
        yield words(nothing)
        return
    yield words("Exported files, each asked what the original was asked:")
    yield "\n".join(_file(file, words) for file in card.files)


def _file(file: FileFacts, words: Words) -> str:
    name = words(
        "- {quantization}, {n:,} bytes, sha256 {digest}: ",
        quantization=code(file.quantization), n=file.bytes, digest=code(file.sha256),
    )  # fmt: skip
    parity = file.parity
    if not parity:
        return name + words("not compared with the original.")
    is_counted = parity["same_answers"] is not None
    same, identical = "{share:.1%} same answers to {n:,} questions", "{share:.1%} identical answers to {n:,} questions"
    share = parity["same_answers" if is_counted else "identical_answers"]
    said = [words(same if is_counted else identical, share=share, n=parity["prompts"])]
    if parity.get("mean_kl") is not None:
        said.append(words("mean KL divergence {n:.3g} nats a token", n=parity["mean_kl"]))
    if parity.get("exact_match") is not None:
        said.append(words("{share:.1%} right", share=parity["exact_match"]))
    said.append(words("reads prompts alike") if parity.get("template_match") else words("**reads prompts otherwise**"))
    return words("{name}{facts}.", name=name, facts=words.joined(said))


def _limits(card: Card, words: Words) -> Iterator[str]:
    limits = [words("Losses say how well it fits answers of that kind, not whether an answer is right.")]
    if all(stage.eval_loss is None for stage in card.stages):
        limits.append(words("No loss was measured on rows that were held out."))
    files = sorted({file for stage in card.stages for file in stage.avoided or ()})
    if files:
        listed = words.listed(map(code, files))
        limits.append(words("Its data was kept clear of the questions in {files}.", files=listed))
    if any(not stage.avoided for stage in card.stages):
        limits.append(words("Not all of its data was compared with test questions, so it may have seen some."))
    contradicting = {stage.dataset: stage.contradictions for stage in card.stages if stage.contradictions}
    limits += [_contradicting(code(dataset), prompts, words) for dataset, prompts in contradicting.items()]
    if any(message.text for stage in card.stages for message in stage.told or ()):
        limits.append(words("How it answers under another system message than those of its data was not measured."))
    limits.append(words("Safety, bias and knowledge were not tested for this card."))
    yield "\n".join(f"- {limit}" for limit in limits)


def _contradicting(dataset: str, prompts: int, words: Words) -> str:
    if prompts == 1:
        return words(
            "In {dataset}, 1 prompt has different answers, given under system messages that it was not shown, so it "
            "was taught to contradict itself there.",
            dataset=dataset,
        )
    return words(
        "In {dataset}, {n:,} prompts have different answers, given under system messages that it was not shown, so it "
        "was taught to contradict itself there.",
        dataset=dataset, n=prompts,
    )  # fmt: skip
