"""Everything the studio says when something is wrong. Each message names the thing, the fault and the remedy.

StudioError                 the family; the command line prints it and the pages show it as a notice
├── BadInput                what was given cannot be used (exit code 2, nothing changed)
│   ├── NotFound            no such thing by that name
│   ├── NameTaken           a name that is unique already stands for something else
│   └── NotAllowed          this person may not do that
├── Failed                  it ran and did not succeed (exit code 1, what was kept is said)
│   ├── TeacherFault        a teacher refused, hung or answered nonsense
│   ├── JobFailed           a job ended with an error
│   └── Lost                another worker took this work over
└── MissingPart             set-up is incomplete: a converter, a compiler, a library (exit code 1)
"""

from typing import Any


class StudioError(Exception):
    """Something went wrong that a person can act on."""

    exit_code = 1

    def __init__(self, message: str, *, result: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.result = result or {}
        """What a command still reports on standard output when it failed half way."""


class BadInput(StudioError):
    """What was given cannot be used; nothing was changed."""

    exit_code = 2


class NotFound(BadInput):
    """No such thing by that name in this project."""

    @classmethod
    def named(cls, kind: str, name: object, known: list[str] | None = None) -> "NotFound":
        hint = f" There are: {', '.join(sorted(known)[:12])}." if known else f" There are no {kind}s yet."
        return cls(f"There is no {kind} named '{name}' in this project.{hint}")


class NameTaken(BadInput):
    """A name that must be unique is in use."""

    @classmethod
    def of(cls, kind: str, name: str) -> "NameTaken":
        return cls(f"There is already a {kind} named '{name}' in this project. Choose another name.")


class NotAllowed(BadInput):
    """This person may not do that."""


class Failed(StudioError):
    """It ran and did not succeed."""


class TeacherFault(Failed):
    """A teacher refused, hung or answered nonsense."""


class JobFailed(Failed):
    """A job ended with an error."""


class Lost(Failed):
    """Another worker took this work over; this process must not write any more."""


class MissingPart(StudioError):
    """Set-up is incomplete."""
