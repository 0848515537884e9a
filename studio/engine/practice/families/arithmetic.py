"""Column addition, subtraction and multiplication, worked digit by digit from the right as a schoolbook does."""

from random import Random

from studio.engine.practice.problem import Problem, Work

PLACES = ("Ones", "Tens", "Hundreds", "Thousands", "Ten thousands")


def digits(number: int) -> list[int]:
    """The digits of a number, ones first."""
    return [int(character) for character in reversed(str(number))]


def spaced(number: int) -> str:
    return " ".join(str(number))


def number_of(rng: Random, length: int) -> int:
    return rng.randint(10 ** (length - 1), 10**length - 1)


class _Column:
    """What the three operations share: two whole numbers with a sign between them."""

    fields = {"a": r"\d{1,5}", "b": r"\d{1,5}"}
    sign: str

    def express(self, problem: Problem) -> dict[str, str]:
        a, b = problem.values
        return {"a": str(a), "b": str(b)}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        return Problem(self.name, (int(fields["a"]), int(fields["b"])))  # type: ignore[attr-defined]

    def _work(self, a: int, b: int, value: int, steps: list[str], written: list[str], picture: str) -> Work:
        order = ", ".join(written)
        return Work(
            answer=str(value),
            steps=tuple(steps),
            conclusion=f"{a} {self.sign} {b} = {value}",
            plan=f"Digits: {spaced(a)} and {spaced(b)}.",
            reading=f"Written from the right: {order}. Read from the left: {spaced(value)}.",
            picture=picture,
        )


class Addition(_Column):
    name = "addition"
    about = "column addition of two whole numbers"
    levels = ("two digits", "three digits", "four digits")
    sign = "+"
    wordings = (
        "What is {a} + {b}?",
        "Add {a} and {b}.",
        "Find the sum of {a} and {b}.",
        "How much is {a} plus {b}?",
        "Work out {a} + {b}.",
        "What do you get when you add {b} to {a}?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        return Problem(self.name, (number_of(rng, level + 1), number_of(rng, level + 1)))

    def work(self, problem: Problem) -> Work:
        a, b = (int(value) for value in problem.values)
        top, bottom = digits(a), digits(b)
        steps, written, carry = [], [], 0
        columns = max(len(top), len(bottom))
        for place in range(columns):
            x = top[place] if place < len(top) else 0
            y = bottom[place] if place < len(bottom) else 0
            line, total = f"{PLACES[place]}: {x} + {y} = {x + y}", x + y + carry
            if carry:
                line += f", plus {carry} is {total}"
            last = place == columns - 1
            carry, digit = (0, total) if last else divmod(total, 10)
            steps.append(f"{line}, write {digit}" + (f", carry {carry}." if carry else "."))
            written.append(str(digit))
        picture = f"Picture two piles of blocks, one of {a} and one of {b}, pushed together."
        return self._work(a, b, a + b, steps, written, picture)


class Subtraction(_Column):
    name = "subtraction"
    about = "column subtraction, the larger number first"
    levels = ("two digits", "three digits", "four digits")
    sign = "-"
    wordings = (
        "What is {a} - {b}?",
        "Subtract {b} from {a}.",
        "Take {b} away from {a}.",
        "How much is {a} minus {b}?",
        "Work out {a} - {b}.",
        "What is left of {a} after taking away {b}?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        a, b = number_of(rng, level + 1), number_of(rng, level + 1)
        while a == b:
            b = number_of(rng, level + 1)
        return Problem(self.name, (max(a, b), min(a, b)))

    def understand(self, fields: dict[str, str]) -> Problem | None:
        problem = super().understand(fields)
        assert problem is not None
        a, b = (int(value) for value in problem.values)
        return problem if a >= b else None

    def work(self, problem: Problem) -> Work:
        """The lower digit grows by what was borrowed one column before, so that no column ever falls below zero."""
        a, b = (int(value) for value in problem.values)
        top, bottom = digits(a), digits(b)
        steps, written, borrowed = [], [], 0
        for place, x in enumerate(top):
            y = bottom[place] if place < len(bottom) else 0
            line = f"{PLACES[place]}:"
            if borrowed:
                line += f" {y} plus {borrowed} is {y + borrowed},"
            y += borrowed
            borrowed = int(x < y)
            x += 10 * borrowed
            steps.append(f"{line} {x} - {y} = {x - y}, write {x - y}" + (", borrow 1." if borrowed else "."))
            written.append(str(x - y))
        picture = f"Picture {a} blocks on a table, and you carry {b} of them away."
        work = self._work(a, b, a - b, steps, written, picture)
        return work


class Multiplication(_Column):
    name = "multiplication"
    about = "a longer number times one digit (level 3: two digits)"
    levels = ("two digits times one", "three digits times one", "three digits times two")
    sign = "*"
    wordings = (
        "What is {a} * {b}?",
        "Multiply {a} by {b}.",
        "Find the product of {a} and {b}.",
        "How much is {a} times {b}?",
        "Work out {a} * {b}.",
        "What do you get when you multiply {a} by {b}?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        length = 2 if level == 1 else 3
        factor = number_of(rng, 2) if level == 3 else rng.randint(2, 9)
        return Problem(self.name, (number_of(rng, length), factor))

    def work(self, problem: Problem) -> Work:
        a, b = (int(value) for value in problem.values)
        picture = f"Picture {b} rows with {a} blocks in each row."
        if b < 10:
            steps, written = self._row(a, b)
            return self._work(a, b, a * b, steps, written, picture)
        steps, parts = [], []
        for place, digit in enumerate(digits(b)):
            part = a * digit * 10**place
            steps.append(f"{PLACES[place]}: {a} * {digit * 10**place} = {part}.")
            parts.append(part)
        steps.append(f"Add them: {' + '.join(map(str, parts))} = {a * b}.")
        return self._work(a, b, a * b, steps, [str(part) for part in parts], picture)

    def _row(self, a: int, b: int) -> tuple[list[str], list[str]]:
        steps, written, carry = [], [], 0
        top = digits(a)
        for place, x in enumerate(top):
            line, total = f"{PLACES[place]}: {x} * {b} = {x * b}", x * b + carry
            if carry:
                line += f", plus {carry} is {total}"
            last = place == len(top) - 1
            carry, digit = (0, total) if last else divmod(total, 10)
            steps.append(f"{line}, write {digit}" + (f", carry {carry}." if carry else "."))
            written.append(str(digit))
        return steps, written
