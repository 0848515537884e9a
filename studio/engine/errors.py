"""Everything the studio says when something is wrong. Each message names the thing, the fault and the remedy.

StudioError                 the family; the command line prints it and the pages show it in the form
├── BadInput                what was given cannot be used (exit code 2, nothing changed)
│   ├── NotFound            no such thing by that name
│   ├── NameTaken           a name that is unique already stands for something else
│   └── NotAllowed          this person may not do that
│       └── NotInvited      a study takes raters by invitation
├── Failed                  it ran and did not succeed (exit code 1, what was kept is said)
│   ├── BudgetReached       a budget allows no further question
│   ├── TeacherFault        a teacher refused, hung or answered nonsense
│   ├── JobFailed           a job ended with an error
│   ├── Lost                another worker took this work over
│   └── Stopped             it was asked to end early, in good order; it says what is kept
└── MissingPart             set-up is incomplete: a converter, a compiler, a library (exit code 1)

An error about one thing that was given says which, by the name that the service gives it: `field`. A form shows the
sentence beside that field.
"""

from typing import Any


class StudioError(Exception):
    """Something went wrong that a person can act on."""

    exit_code = 1

    def __init__(self, message: str, *, result: dict[str, Any] | None = None, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        """What of that which was given it is about, as the service names it; empty for none of it alone."""
        self.result = result or {}
        """What a command still reports on standard output when it failed half way."""


class BadInput(StudioError):
    """What was given cannot be used; nothing was changed."""

    exit_code = 2


class NotFound(BadInput):
    """No such thing by that name."""

    @classmethod
    def named(cls, kind: str, name: object, known: list[str] | None = None) -> "NotFound":
        hint = f" There are: {', '.join(sorted(known)[:12])}." if known else f" There is no {kind} yet."
        return cls(
            f"There is no {kind} named '{name}' in this {'workspace' if kind == 'project' else 'project'}.{hint}",
            field=kind,
        )


class NameTaken(BadInput):
    """A name that must be unique is in use."""

    @classmethod
    def of(cls, kind: str, name: str) -> "NameTaken":
        return cls(
            f"There is already a {kind} named '{name}' in this {'workspace' if kind == 'project' else 'project'}. "
            "Choose another name.",
            field="name",
        )


class NotAllowed(BadInput):
    """This person may not do that."""


class NotInvited(NotAllowed):
    """A study takes raters by invitation, and this one is not good, or none was given."""


class Failed(StudioError):
    """It ran and did not succeed."""


class BudgetReached(Failed):
    """A budget allows no further question; what was answered is kept."""


class TeacherFault(Failed):
    """A teacher refused, hung or answered nonsense."""


class JobFailed(Failed):
    """A job ended with an error."""


class Lost(Failed):
    """Another worker took this work over; this process must not write any more."""


class Stopped(Failed):
    """It was asked to end early and did so in good order; `message` says what is kept."""


class MissingPart(StudioError):
    """Set-up is incomplete."""
