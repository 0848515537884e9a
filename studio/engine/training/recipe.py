"""Recipes: a base and the stages it is trained in, read from YAML, with one clear sentence for every fault."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from studio.engine.domain import yaml_text
from studio.engine.domain.bounds import SEED, THREADS, Bounds
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput
from studio.engine.training.stage_settings import NUMBERS, UNAVAILABLE, LoraSettings, StageSettings, filled

KEYS = ("base", "seed", "name", "threads", "stages")
MOST_STAGES = 20


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. `stages` have inherited what they left out; `document` is what was written."""

    base: str
    stages: tuple[StageSettings, ...]
    seed: int
    threads: int | None
    """Processor threads to train with; None: as many as there are cores."""
    name: str | None
    document: dict[str, Any]

    def yaml(self) -> str:
        """The recipe as it was written, in the order of the contract."""
        ordered = {key: self.document[key] for key in KEYS if key in self.document}
        return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True)


def read_recipe(source: Path | dict[str, Any]) -> Recipe:
    """Reads a YAML file (a path) or a dictionary. Raises BadInput naming the key, the fault and the remedy."""
    if isinstance(source, dict):
        return parse_recipe(source, "The recipe")
    path = source
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise BadInput(f"There is no recipe file {path}. Name an existing YAML file.") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"The recipe file {path} cannot be read as text ({exc}). Name a YAML file.") from exc
    return parse_recipe(_yaml_of(text, path.name), f"The recipe {path.name}")


def parse_recipe(document: Any, what: str) -> Recipe:
    if not isinstance(document, dict):
        raise BadInput(f"{what} is not a list of keys and values. It needs at least `base:` and `stages:`.")
    _known(document, KEYS, what)
    base = document.get("base")
    if not isinstance(base, str) or not base.strip():
        raise BadInput(
            f"{what} names no base. Add `base:` with a model of this project, a folder or a hub id.", field="base"
        )
    name = document.get("name")
    if name is not None and not isinstance(name, str):
        raise BadInput(f"{what} has a name that is not text ({shown(name)}). Put it in quotes.")
    return Recipe(
        base=base.strip(),
        stages=_stages(document.get("stages"), what),
        seed=_whole(document, "seed", 0, what, SEED) or 0,
        threads=_whole(document, "threads", None, what, THREADS),
        name=name,
        document=document,
    )


def _yaml_of(text: str, name: str) -> Any:
    try:
        return yaml_text.load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        said = str(getattr(exc, "problem", "") or exc)[:200]
        where = f" (line {mark.line + 1}: {said})" if mark else f" ({said})"
        raise BadInput(f"The recipe {name} is not YAML{where}. Check its indentation and colons.") from exc


def _stages(given: Any, what: str) -> tuple[StageSettings, ...]:
    if not isinstance(given, list) or not given:
        raise BadInput(f"{what} has no stages. Add `stages:` with at least one entry that names a dataset.")
    if len(given) > MOST_STAGES:
        raise BadInput(f"{what} has {len(given)} stages; {MOST_STAGES} are the most. Join some of their datasets.")
    stages: list[StageSettings] = []
    before: dict[str, object] | None = None
    for number, entry in enumerate(given, 1):
        where = f"{what}, stage {number},"
        if not isinstance(entry, dict):
            raise BadInput(f"{where} is not a list of keys and values. Write `dataset: NAME` and what else it needs.")
        before = filled(_checked(entry, where), before, number)
        stages.append(_settings(before, where, number))
    names = [stage.name for stage in stages]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{what} has two stages named '{name}'. Give each its own name.")
    return tuple(stages)


def _checked(entry: dict[str, Any], where: str) -> dict[str, Any]:
    _known(entry, tuple(StageSettings.model_fields), where)
    if entry.get("method") in UNAVAILABLE:
        raise BadInput(
            f"{where} asks for the method {entry['method']}, which this version cannot do yet. Use full or lora."
        )
    if isinstance(entry.get("lora"), dict):
        _known(entry["lora"], tuple(LoraSettings.model_fields), f"{where} lora,")
    return entry


def _settings(keys: dict[str, object], where: str, number: int) -> StageSettings:
    if "dataset" not in keys:
        raise BadInput(
            f"{where} names no dataset. Add `dataset:` with the name of a frozen dataset.",
            field=f"stages.{number}.dataset",
        )
    try:
        return StageSettings.model_validate(keys)
    except ValidationError as exc:
        fault = exc.errors()[0]
        key = ".".join(str(part) for part in fault["loc"] if not isinstance(part, int) and "[" not in str(part))
        if key in NUMBERS:
            bounds, value = NUMBERS[key], shown(fault["input"])
            field = f"stages.{number}.{key}"
            raise BadInput(f"{where} {key} must be {bounds} (it is {value}).", field=field) from exc
        message = fault["msg"].removeprefix("Value error, ")
        message = message.replace("Input should be", "must be").replace("Input", "it")
        got = f" (it is {shown(fault['input'])})" if key and not isinstance(fault["input"], dict) else ""
        raise BadInput(f"{where} {key + ': ' if key else ''}{message}{got}.", field=f"stages.{number}.{key}") from exc


def _known(given: dict[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key in known:
            continue
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(known)}."
        raise BadInput(f"{where} has the unknown key '{str(key)[:60]}'. {hint}")


def _whole(document: dict[str, Any], key: str, default: int | None, what: str, bounds: Bounds) -> int | None:
    value = document.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or not bounds.hold(value):
        raise BadInput(f"{what}: {key} must be {bounds} (it is {shown(value)}).", field=key)
    return value
