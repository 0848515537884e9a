"""What the practice base reads before it ever meets a teacher.

Worked problems told as prose, small facts, and chats that only repeat words. No chat asks anything, and every worked
problem comes from the half of the world that is never asked (`Problem.half`).
"""

from collections.abc import Callable, Iterator
from random import Random

from studio.engine.practice.families import FAMILIES
from studio.engine.practice.families.arithmetic import PLACES
from studio.engine.practice.families.calendar import DAYS
from studio.engine.practice.families.letters import WORDS
from studio.engine.practice.families.measures import UNITS
from studio.engine.practice.problem import READ_BY_BASE, Problem
from studio.engine.practice.world import STANDARD_LEVEL, word

Document = str | tuple[str, str]
"""Prose, or what a user says and what is said back."""

SHARES = {"worked": 0.66, "fact": 0.20, "repeat": 0.14}
MOST_READ = ("addition", "subtraction", "multiplication", "sorting", "calendar")
MOST_READ_SHARE = 0.85
EASIER_SHARE = 0.25


def documents(seed: int) -> Iterator[Document]:
    """An endless, reproducible stream of documents in the shares above."""
    rng = Random(seed)
    kinds: dict[str, Callable[[Random], Document]] = {"worked": worked, "fact": fact, "repeat": repeat}
    names, weights = list(SHARES), list(SHARES.values())
    while True:
        yield kinds[rng.choices(names, weights)[0]](rng)


def worked(rng: Random) -> str:
    """A worked problem as a textbook tells it, without its question and without a final answer line."""
    problem = _problem(rng)
    work = FAMILIES[problem.family].work(problem)
    middle = " ".join(work.steps)
    heading = _heading(problem, rng)
    match rng.randrange(4):
        case 0:
            return f"{heading} {work.plan} {middle} {work.reading} So {work.conclusion}."
        case 1:
            return f"{heading} {middle} {work.reading}"
        case _:
            return f"{heading} {middle} So {work.conclusion}."


def _problem(rng: Random) -> Problem:
    others = [name for name in FAMILIES if name not in MOST_READ]
    while True:
        name = rng.choice(MOST_READ if rng.random() < MOST_READ_SHARE else others)
        level = 1 if rng.random() < EASIER_SHARE else STANDARD_LEVEL
        problem = FAMILIES[name].draw(rng, level)
        if problem.half == READ_BY_BASE:
            return problem


def _heading(problem: Problem, rng: Random) -> str:
    """A sentence that states the problem without asking it."""
    values = problem.values
    choices: tuple[str, ...]
    match problem.family:
        case "addition":
            choices = ("{0} + {1} is added in columns.", "This adds {0} and {1}.", "The sum of {0} and {1}, worked.",
                       "{0} plus {1}, column by column.")  # fmt: skip
        case "subtraction":
            choices = ("{0} - {1} is taken in columns.", "This subtracts {1} from {0}.", "{0} minus {1}, worked.",
                       "Taking {1} away from {0}.")  # fmt: skip
        case "multiplication":
            choices = ("{0} * {1} is multiplied digit by digit.", "This multiplies {0} by {1}.",
                       "The product of {0} and {1}, worked.", "{0} times {1}, digit by digit.")  # fmt: skip
        case "sorting":
            order = "small to large" if values[0] == "smallest" else "large to small"
            numbers = ", ".join(map(str, values[1:]))
            choices = (f"{numbers} are put in order, {values[0]} first.", f"Sorting {numbers} from {order}.",
                       f"The list {numbers} is sorted from {order}.")  # fmt: skip
        case "calendar":
            choices = ("{1} days after {0}.", "It is {0}, and {1} days go by.", "Counting {1} days on from {0}.")
        case _:
            return f"On {problem.family}: {word(FAMILIES[problem.family], problem, rng).rstrip('?.')}."
    return rng.choice(choices).format(*values)


def fact(rng: Random) -> str:
    """One to four small facts of the kind a worked problem leans on."""
    return " ".join(rng.choice(_FACTS)(rng) for _ in range(rng.randint(1, 4)))


def _sum(rng: Random) -> str:
    x, y, carry = rng.randrange(10), rng.randrange(10), rng.randrange(2)
    extra = f", plus 1 is {x + y + 1}" if carry else ""
    return f"{x} + {y} = {x + y}{extra}."


def _difference(rng: Random) -> str:
    y, x = rng.randrange(11), rng.randrange(10)
    x += 10 * (x < y)
    return f"{x} - {y} = {x - y}."


def _product(rng: Random) -> str:
    x, y, carry = rng.randrange(10), rng.randint(2, 9), rng.randrange(9)
    extra = f", plus {carry} is {x * y + carry}" if carry else ""
    return f"{x} * {y} = {x * y}{extra}."


def _places(rng: Random) -> str:
    text = str(rng.randint(10, 9999))
    named = [f"{PLACES[place]}: {digit}." for place, digit in enumerate(reversed(text))]
    return f"{text} has the digits {' '.join(text)}. {' '.join(named)}"


def _order(rng: Random) -> str:
    a, b = rng.sample(range(10, 100), 2)
    return f"{a} is {'less' if a < b else 'more'} than {b}."


def _extreme(rng: Random) -> str:
    numbers = rng.sample(range(10, 100), rng.randint(2, 4))
    order = rng.choice(("smallest", "largest"))
    best = min(numbers) if order == "smallest" else max(numbers)
    left = [number for number in numbers if number != best]
    return f"{', '.join(map(str, numbers))}. The {order} is {best}, left {', '.join(map(str, left))}."


def _weeks(rng: Random) -> str:
    count = rng.randint(7, 99)
    weeks, rest = divmod(count, 7)
    return f"{count} days: {weeks} weeks are {weeks} * 7 = {weeks * 7} days. {count} - {weeks * 7} = {rest}."


def _days(rng: Random) -> str:
    start = rng.randrange(7)
    walk = [f"{step} {DAYS[(start + step) % 7]}" for step in range(1, rng.randint(2, 7))]
    return f"Count from {DAYS[start]}: {', '.join(walk)}."


def _spelling(rng: Random) -> str:
    spelled = rng.choice(WORDS)
    return f"Spell {spelled}: {'-'.join(spelled)}."


def _unit(rng: Random) -> str:
    big, small, factor = rng.choice(UNITS)
    return f"1 of the {big} is {factor} {small}."


_FACTS = (_sum, _difference, _product, _product, _places, _order, _extreme, _extreme, _weeks, _days, _spelling, _unit)


def repeat(rng: Random) -> tuple[str, str]:
    """A chat in which nothing is asked: the user says something and it is said back, so that the format is known."""
    what = rng.choice((_two_numbers, _number_list, _day_and_number, _some_words))(rng)
    opening, back = rng.choice((("Say {0}.", "{0}."), ("Please repeat: {0}", "{0}"), ("Read this back: {0}.", "{0}."),
                                ("{0}. Say it again.", "{0}."), ("Copy {0} here.", "Here: {0}.")))  # fmt: skip
    return opening.format(what), back.format(what)


def _two_numbers(rng: Random) -> str:
    return f"{rng.randint(10, 9999)} and {rng.randint(2, 999)}"


def _number_list(rng: Random) -> str:
    return ", ".join(str(rng.randint(10, 99)) for _ in range(rng.randint(3, 5)))


def _day_and_number(rng: Random) -> str:
    return f"{rng.choice(DAYS)} and {rng.randint(2, 99)} days"


def _some_words(rng: Random) -> str:
    return " ".join(rng.sample(WORDS, rng.randint(1, 4)))
