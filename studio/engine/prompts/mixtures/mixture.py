"""A mixture as its file says it: collections of prompt sources, how many prompts each gives, how they are chosen."""

from dataclasses import dataclass
from typing import Any, Self

import yaml

NO_MESSAGE, STRATIFIED, PROPORTIONAL = "none", "stratified", "proportional"
ALGORITHMS = (NO_MESSAGE, STRATIFIED, PROPORTIONAL)


@dataclass(frozen=True)
class Collection:
    """One source's part in a mixture. `name` is its label: what traces are filtered by later."""

    name: str
    source: str
    algorithm: str = NO_MESSAGE
    quota: int | None = None
    """How many prompts it gives; None, with the algorithm `none` only, is all of them."""
    system_messages: tuple[str, ...] = ()
    """Names in the library, one of which is drawn for each prompt, each as likely as the others."""
    system_messages_with_options: tuple[str, ...] = ()
    """More names, which are in the draw where the prompt offers options to choose from."""

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """As `as_dict` gave it."""
        names = ("system_messages", "system_messages_with_options")
        return cls(**{**kept, **{name: tuple(kept.get(name, ())) for name in names}})

    def as_dict(self) -> dict[str, Any]:
        """As the file says it, without what was left out."""
        known: dict[str, Any] = {"name": self.name, "source": self.source, "algorithm": self.algorithm}
        if self.quota is not None:
            known["quota"] = self.quota
        for key in ("system_messages", "system_messages_with_options"):
            if names := getattr(self, key):
                known[key] = list(names)
        return known


@dataclass(frozen=True)
class Mixture:
    """Collections in their order: a prompt that two of them hold goes to the earlier one."""

    collections: tuple[Collection, ...]
    seed: int | None = None
    about: str = ""

    @property
    def system_messages(self) -> tuple[str, ...]:
        """Every name that some collection draws from, once."""
        names = (
            name for part in self.collections for name in (*part.system_messages, *part.system_messages_with_options)
        )
        return tuple(dict.fromkeys(names))

    def as_dict(self) -> dict[str, Any]:
        head: dict[str, Any] = {"about": self.about} if self.about else {}
        head |= {"seed": self.seed} if self.seed is not None else {}
        return head | {"collections": [part.as_dict() for part in self.collections]}

    def as_yaml(self) -> str:
        """A file that reads back as this mixture."""
        return yaml.dump(self.as_dict(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Lists of names on one line, as a person would write them."""

    def represent_names(self, names: list[Any]) -> yaml.Node:
        short = all(isinstance(name, str) for name in names)
        return self.represent_sequence("tag:yaml.org,2002:seq", names, flow_style=short)


_Dumper.add_representer(list, _Dumper.represent_names)
