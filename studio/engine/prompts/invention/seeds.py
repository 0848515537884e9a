"""The seeds of an invention: read from any file that prompts are imported from, kept in the store while it goes on."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from studio.engine.errors import BadInput
from studio.engine.prompts import importing
from studio.engine.prompts.files import READERS
from studio.engine.prompts.invention.lists import given_input
from studio.engine.prompts.invention.rules import Instance
from studio.engine.prompts.record import NewPrompt, Record, Skip, Unusable, is_storable
from studio.engine.prompts.shapes.shape import text_of
from studio.engine.store import Database
from studio.engine.store.tables import Prompt, PromptSource

BATCH = 1000
ALPACA = "alpaca"


@dataclass(frozen=True)
class Seed:
    """A task with its examples, as far as the file has them. `is_classification` is None where nobody said."""

    instruction: str
    instances: tuple[Instance, ...] = ()
    is_classification: bool | None = None
    task: str | None = None

    @property
    def text(self) -> str:
        """The whole prompt, with the input of its first example."""
        given = self.instances[0].input if self.instances else ""
        return f"{self.instruction}\n\n{given}" if given else self.instruction

    @property
    def answer(self) -> str:
        return self.instances[0].output if self.instances else ""


@dataclass
class ReadSeeds:
    """What a file gave: its distinct seeds, and how many rows were no seed, by reason."""

    seeds: list[Seed]
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def mostly_ascii(self) -> bool:
        """Whether most of them begin with an ASCII character, as English does."""
        return 2 * sum(seed.instruction[:1].isascii() for seed in self.seeds) > len(self.seeds)


def read_seeds(path: Path, format: str = importing.AUTO, mapping: dict[str, str] | None = None) -> ReadSeeds:
    """The seeds of a file. Raises BadInput for one that holds none."""
    source = importing.settle(path, format, mapping)
    rows = _tasks(source) if source.format == ALPACA else _prompts(source)
    read = ReadSeeds([])
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, str):
            read.skipped[row] += 1
        elif row.instruction in seen:
            read.skipped["duplicate"] += 1
        else:
            seen.add(row.instruction)
            read.seeds.append(row)
    if not read.seeds:
        raise BadInput(f"{path} holds no seed that can be used ({', '.join(read.skipped) or 'it is empty'}).")
    return read


def drawn(read: ReadSeeds, count: int | None, seed: int, *, with_answers: bool) -> list[Seed]:
    """At most `count` seeds in the file's order, drawn by the seed of the invention."""
    usable = [one for one in read.seeds if one.answer.strip()] if with_answers else read.seeds
    if not usable:
        raise BadInput("This method shows the teacher questions with their answers, and no seed of the file has one.")
    if count is None or count >= len(usable):
        return usable
    places = sorted(Random(f"seeds:{seed}").sample(range(len(usable)), count))
    return [usable[place] for place in places]


def store_seeds(session: Session, source: PromptSource, seeds: Iterable[Seed]) -> int:
    """Writes seeds as the prompts of a source; `Seeds` reads them back."""
    rows, stored = iter(seeds), 0
    while batch := list(islice(rows, BATCH)):
        values = [_columns(source, stored + place, seed) for place, seed in enumerate(batch)]
        session.connection().execute(insert(Prompt.metadata.tables["prompt"]), values)
        stored += len(batch)
    return stored


class Seeds:
    """The stored seeds of an invention, by place."""

    def __init__(self, database: Database, source: PromptSource) -> None:
        self._database, self._source_id, self._count = database, source.id, source.count

    def __len__(self) -> int:
        return self._count

    def part(self, start: int, stop: int) -> list[Seed]:
        place = col(Prompt.position)
        wanted = (col(Prompt.source_id) == self._source_id, place >= start, place < stop)
        with self._database.session() as session:
            return [_seed(prompt) for prompt in session.exec(select(Prompt).where(*wanted).order_by(place))]

    def __iter__(self) -> Iterator[Seed]:
        for start in range(0, len(self), BATCH):
            yield from self.part(start, start + BATCH)


def _tasks(source: importing.Source) -> Iterator[Seed | str]:
    """Rows with instruction and instances keep them apart, which a prompt made of the row would not."""
    for record in READERS[source.reader](source.path):
        if isinstance(record, Skip):
            yield str(record.reason)
            continue
        try:
            yield _task(record)
        except Unusable as exc:
            yield str(exc.reason)


def _task(record: Record) -> Seed | str:
    row = record.value
    instruction = text_of(row.get("instruction"), "prompt")
    if instruction is None:
        return "the prompt is empty"
    given: Any = row.get("instances")
    examples = given if isinstance(given, list) and given else [row]
    instances = tuple(_instance(example) for example in examples if isinstance(example, dict))
    marked = row.get("is_classification")
    seed = Seed(
        instruction.strip(), instances, marked if isinstance(marked, bool) else None, text_of(row.get("name"), "name")
    )
    texts = (seed.instruction, seed.task or "", *(part for one in instances for part in (one.input, one.output)))
    return seed if all(map(is_storable, texts)) else "holds characters that no text may hold"


def _instance(example: dict[str, Any]) -> Instance:
    given, answer = text_of(example.get("input"), "input"), text_of(example.get("output"), "output")
    return Instance(given_input(given), (answer or "").strip())


def _prompts(source: importing.Source) -> Iterator[Seed | str]:
    for row in source.rows():
        if isinstance(row, Skip):
            yield str(row.reason)
        else:
            prompt = row[1]
            instances = (Instance("", prompt.answer.strip()),) if prompt.answer else ()
            yield Seed(prompt.text.strip(), instances, None, prompt.task)


def _columns(source: PromptSource, position: int, seed: Seed) -> dict[str, Any]:
    examples = [[instance.input, instance.output] for instance in seed.instances]
    return {
        "project_id": source.project_id, "source_id": source.id, "position": position,
        "digest": NewPrompt(seed.instruction).digest, "text": seed.instruction, "task": seed.task,
        "detail": {"instances": examples, "is_classification": seed.is_classification},
    }  # fmt: skip


def _seed(prompt: Prompt) -> Seed:
    detail = prompt.detail or {}
    instances = tuple(Instance(given, answer) for given, answer in detail.get("instances", ()))
    return Seed(prompt.text, instances, detail.get("is_classification"), prompt.task)
