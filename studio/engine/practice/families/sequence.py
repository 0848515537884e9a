"""The next number of a row that grows or shrinks by a constant step."""

from itertools import pairwise
from random import Random

from studio.engine.practice.problem import Problem, Work


class Sequence:
    name = "sequence"
    about = "continue an evenly spaced row of numbers"
    levels = ("steps up to five", "steps up to twelve", "steps down")
    fields = {"numbers": r"\d+(?:, ?\d+){2,9}"}
    wordings = (
        "What number comes next: {numbers}?",
        "Continue the sequence {numbers}.",
        "Find the next number after {numbers}.",
        "Which number follows {numbers} in this pattern?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        step = rng.randint(2, 5) if level == 1 else rng.randint(6, 12)
        start = rng.randint(1, 99)
        if level == 3:
            start, step = start + 5 * step, -step
        return Problem(self.name, tuple(start + step * index for index in range(4)))

    def express(self, problem: Problem) -> dict[str, str]:
        return {"numbers": ", ".join(map(str, problem.values))}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        numbers = tuple(int(part) for part in fields["numbers"].split(","))
        gaps = {later - earlier for earlier, later in pairwise(numbers)}
        ends_well = len(gaps) == 1 and numbers[-1] + next(iter(gaps)) >= 0
        return Problem(self.name, numbers) if ends_well else None

    def work(self, problem: Problem) -> Work:
        numbers = [int(value) for value in problem.values]
        gap = numbers[1] - numbers[0]
        sign = "+" if gap >= 0 else "-"
        answer = numbers[-1] + gap
        gaps = ", ".join(f"{later} - {earlier} = {gap}" for earlier, later in pairwise(numbers))
        return Work(
            answer=str(answer),
            steps=(f"Look at the gaps: {gaps}.", f"{numbers[-1]} {sign} {abs(gap)} = {answer}."),
            conclusion=f"the next number is {answer}",
            plan="Find how much changes from each number to the next, then do it once more.",
            reading=f"After {numbers[-1]} comes {answer}.",
            picture=f"Picture a frog on a number line that jumps {abs(gap)} every time.",
        )
