"""The families of practice problems, by name. Add one by writing a class like its neighbours and listing it here."""

from studio.engine.practice.families.arithmetic import Addition, Multiplication, Subtraction
from studio.engine.practice.families.calendar import Calendar
from studio.engine.practice.families.choice import Choice
from studio.engine.practice.families.letters import Letters, Reversal
from studio.engine.practice.families.measures import Measures
from studio.engine.practice.families.sequence import Sequence
from studio.engine.practice.families.sorting import Sorting
from studio.engine.practice.families.story import Story
from studio.engine.practice.problem import Family

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Addition(),
        Subtraction(),
        Multiplication(),
        Sorting(),
        Calendar(),
        Letters(),
        Reversal(),
        Measures(),
        Sequence(),
        Choice(),
        Story(),
    )
}

DEMO_FAMILIES = ("addition", "subtraction", "multiplication", "sorting")
"""What the demo asks: families with so many problems that an unseen one is hardly ever one of the training set."""
