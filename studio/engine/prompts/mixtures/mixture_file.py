"""From a file's YAML to a mixture. Whatever is wrong is one sentence with the collection, the fault and the remedy."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from studio.engine.domain import yaml_text
from studio.engine.domain.bounds import QUOTA, SEED
from studio.engine.domain.shown import shown
from studio.engine.errors import BadInput
from studio.engine.prompts.mixtures.mixture import ALGORITHMS, NO_MESSAGE, Collection, Mixture

KEYS = ("about", "seed", "collections")
COLLECTION_KEYS = tuple(Collection.__dataclass_fields__)
MAX_NAME = 100
MAX_BYTES = 1_000_000
_A_COLLECTION = "Each collection has 'name', 'source', 'algorithm', and maybe 'quota' and 'system_messages'."


def read_file(path: Path) -> Mixture:
    """The mixture in a file. Raises BadInput."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"The mixture {path} is larger than {MAX_BYTES:,} bytes. Is it the file you meant?")
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise BadInput(f"The mixture {path} cannot be read ({exc.strerror or exc}). Name a YAML file.") from exc
    except UnicodeDecodeError as exc:
        raise BadInput(f"The mixture {path} is not UTF-8 text. Name a YAML file.") from exc
    return read(text, f"The mixture {path}")


def read(text: str, origin: str = "The mixture") -> Mixture:
    """The mixture in a text. Raises BadInput; `origin` begins its sentences."""
    try:
        value = yaml_text.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise BadInput(f"{origin} is not YAML ({' '.join(str(exc).split())[:200]}). Mend that line.") from exc
    return from_value(value, origin)


def from_value(value: Any, origin: str = "The mixture") -> Mixture:
    """The mixture in what YAML or JSON held. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput(f"{origin} holds no mixture. Begin it with 'collections:' and a list. {_A_COLLECTION}")
    _known_keys(value, KEYS, origin)
    parts = value.get("collections")
    if not isinstance(parts, list) or not parts:
        raise BadInput(f"{origin} has no list of 'collections'. {_A_COLLECTION}")
    collections = tuple(_collection(part, place, origin) for place, part in enumerate(parts, 1))
    _unique(collections, origin)
    about = value.get("about") or ""
    if not isinstance(about, str):
        raise BadInput(f"{origin}: 'about' must be a text, not {shown(about)}.")
    return Mixture(collections, _seed(value.get("seed"), origin), about)


def _collection(part: Any, place: int, origin: str) -> Collection:
    where = f"{origin}: collection {place}"
    if not isinstance(part, dict):
        raise BadInput(f"{where} is {shown(part)}, not keys with values. {_A_COLLECTION}")
    name = _name(part.get("name"), where, "name", "any label, such as T0")
    where = f"{origin}: the collection '{name}'"
    _known_keys(part, COLLECTION_KEYS, where)
    source = _name(part.get("source"), where, "source", "the name of a prompt source of this project")
    algorithm = part.get("algorithm", NO_MESSAGE)
    if algorithm is None:  # YAML reads a bare `none` as text, but `null` and an empty value as nothing.
        algorithm = NO_MESSAGE
    if algorithm not in ALGORITHMS:
        raise BadInput(f"{where} has the algorithm {shown(algorithm)}. There are: {', '.join(ALGORITHMS)}.")
    quota = _quota(part.get("quota"), algorithm, where)
    drawn, more = (_names(part.get(key), key, where) for key in ("system_messages", "system_messages_with_options"))
    if more and not drawn:
        raise BadInput(
            f"{where} has 'system_messages_with_options' alone. Give 'system_messages' too, for the other prompts."
        )
    return Collection(name, source, algorithm, quota, drawn, tuple(one for one in more if one not in drawn))


def _quota(quota: Any, algorithm: str, where: str) -> int | None:
    if quota is None:
        if algorithm == NO_MESSAGE:
            return None
        raise BadInput(
            f"{where} needs a 'quota': how many prompts it is to give. Only the algorithm 'none' takes all.",
            field="quota",
        )
    if not isinstance(quota, int) or not QUOTA.hold(quota):
        raise BadInput(f"{where} has the quota {shown(quota)}. Give {QUOTA}, or leave it out.", field="quota")
    return quota


def _names(names: Any, key: str, where: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise BadInput(
            f"{where} needs a list of names of system messages for '{key}', such as [helpful, step-by-step]."
        )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"{where} names the system message '{twice}' twice in '{key}'. Name each once.")
    return tuple(names)


def _name(name: Any, where: str, key: str, what: str) -> str:
    if isinstance(name, int | float) and not isinstance(name, bool):
        name = str(name)  # A label such as 2021.
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        said = "has no" if name is None else f"cannot have {shown(name)} as its"
        raise BadInput(f"{where} {said} '{key}'. Give {what}, of at most {MAX_NAME} characters.", field=key)
    return name.strip()


def _seed(seed: Any, origin: str) -> int | None:
    if seed is not None and (not isinstance(seed, int) or not SEED.hold(seed)):
        raise BadInput(f"{origin} has the seed {shown(seed)}. Give {SEED}.", field="seed")
    return seed


def _known_keys(value: dict[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in value:
        if key not in known:
            raise BadInput(f"{where} has the unknown key {shown(key)}. The keys are: {', '.join(known)}.")


def _unique(collections: tuple[Collection, ...], origin: str) -> None:
    names = [part.name for part in collections]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{origin} has two collections named '{name}'. Give each a label of its own.")


class _Loader(yaml.SafeLoader):
    """PyYAML lets the last of two equal keys win in silence; a second quota is more likely a slip."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value) and not any(key.tag.endswith(":merge") for key, _ in node.value):
            raise yaml.MarkedYAMLError(None, None, "the same key stands twice in one mapping", node.start_mark)
        return mapping
