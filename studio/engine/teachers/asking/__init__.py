"""The one way to ask a teacher anything outside a collection: a hidden run, paid for, limited and kept like any run."""

from studio.engine.domain.purposes import Purpose
from studio.engine.teachers.asking.answered import Asked
from studio.engine.teachers.asking.service import Asking, AskOptions

__all__ = ["AskOptions", "Asked", "Asking", "Purpose"]
