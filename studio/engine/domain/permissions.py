"""Who does it, and who may: an actor, the actions there are, and the one table that says who may take which.

class Traces:
    access: Access

    @needs(Action.LABEL)
    def label(self, ...): ...
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Concatenate, ParamSpec, TypeVar

from studio.engine.errors import NotAllowed

P = ParamSpec("P")
R = TypeVar("R")


class PersonKind(StrEnum):
    """What a person is to this workspace."""

    OWNER = "owner"
    LOCAL = "local"
    """A colleague whose name the owner added to the app on this machine."""
    RATER = "rater"
    """Somebody who followed a study's link."""
    SERVICE = "service"
    """A program: a schedule, an outside script."""


class Action(StrEnum):
    """What can be done in a project."""

    READ = "read"
    LABEL = "label"
    """Judge, note and repair traces."""
    BUILD = "build"
    """Prompts, system messages, datasets, recipes, models, exports, studies."""
    SPEND = "spend"
    """Ask a teacher, which may cost money."""
    RATE = "rate"
    """Vote in a study."""
    MANAGE = "manage"
    """Teachers, their keys and terms, budgets, jobs of others, deleting."""
    GRANT = "grant"
    """Let a key be sent to an address."""
    BACKUP = "backup"
    """Copy the whole workspace, with every project in it, or put a copy in its place."""
    PEOPLE = "people"
    """Add people, and open and close their links."""


@dataclass(frozen=True)
class Actor:
    """Somebody for whom the studio does something. `person_id` is the number of the row in `person`."""

    person_id: int
    name: str
    kind: PersonKind


MAY: dict[PersonKind, frozenset[Action]] = {
    PersonKind.OWNER: frozenset(Action),
    PersonKind.LOCAL: frozenset(Action) - {Action.BACKUP, Action.GRANT, Action.PEOPLE},
    PersonKind.SERVICE: frozenset(Action) - {Action.BACKUP, Action.GRANT, Action.PEOPLE},
    PersonKind.RATER: frozenset({Action.RATE}),
}
"""The same in every project today; roles in a project will narrow it."""


def may(actor: Actor, action: Action, project: str) -> bool:
    """Whether this actor may do that in this project."""
    return action in MAY[actor.kind]


@dataclass(frozen=True)
class Access:
    """An actor in a project: what every service is given, and asks before it changes or reads anything."""

    actor: Actor
    project: str

    def check(self, action: Action) -> None:
        """Raises `NotAllowed` with a sentence that says who may not do what."""
        if not may(self.actor, action, self.project):
            raise NotAllowed(
                f"'{self.actor.name}' is a {self.actor.kind} and may not {action} in the project '{self.project}'. "
                "Ask the owner of this workspace."
            )


RATER = Actor(0, "a rater", PersonKind.RATER)
"""Whoever comes by a raters' link; their votes know them by their cookie."""
TRUSTED = Access(Actor(0, "the studio itself", PersonKind.OWNER), "")
"""For what the engine does by itself: a service that was handed to nobody."""


class Service:
    """A room's service. Every public method declares what it needs; a Studio hands its services its own access."""

    access: Access = TRUSTED


S = TypeVar("S", bound=Service)


def needs(action: Action) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Declares what a service's method needs, and asks for it at each call."""

    def declared(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(method)
        def asked(self: S, *arguments: P.args, **options: P.kwargs) -> R:
            self.access.check(action)
            return method(self, *arguments, **options)

        setattr(asked, NEEDED, action)
        return asked

    return declared


NEEDED = "needed_action"
"""The attribute by which a test finds what a method declares."""
