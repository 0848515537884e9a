"""Putting numbers in order by picking the smallest (or largest) of what is left, again and again."""

from random import Random

from studio.engine.practice.problem import Problem, Work


class Sorting:
    name = "sorting"
    about = "put a list of numbers in order"
    levels = ("three numbers", "four numbers", "five numbers")
    fields = {"numbers": r"\d+(?:(?:,? and |, ?)\d+)+"}
    wordings = (
        "Sort these numbers from smallest to largest: {numbers}.",
        "Put {numbers} in order, smallest first.",
        "Arrange {numbers} from small to large.",
        "Sort these numbers from largest to smallest: {numbers}.",
        "Put {numbers} in order, largest first.",
        "Arrange {numbers} from large to small.",
    )
    descending = ("from largest", "largest first", "from large")

    def draw(self, rng: Random, level: int) -> Problem:
        numbers = rng.sample(range(10, 100), level + 2)
        return Problem(self.name, (rng.choice(("smallest", "largest")), *numbers))

    def express(self, problem: Problem) -> dict[str, str]:
        return {"numbers": ", ".join(map(str, problem.values[1:]))}

    def suits(self, problem: Problem, wording: str) -> bool:
        """Half of the wordings ask for the one order, half for the other."""
        return any(words in wording for words in self.descending) == (problem.values[0] == "largest")

    def understand(self, fields: dict[str, str]) -> Problem | None:
        numbers = [int(part) for part in fields["numbers"].replace(" and ", ", ").split(",") if part.strip()]
        if not 2 <= len(numbers) <= 12:
            return None
        order = "largest" if any(words in fields["wording"] for words in self.descending) else "smallest"
        return Problem(self.name, (order, *numbers))

    def work(self, problem: Problem) -> Work:
        order, *numbers = problem.values
        left = [int(number) for number in numbers]
        pick = max if order == "largest" else min
        steps, taken = [], []
        while len(left) > 1:
            best = pick(left)
            left.remove(best)
            taken.append(best)
            steps.append(f"The {order} is {best}, left {', '.join(map(str, left))}.")
        taken.extend(left)
        answer = ", ".join(map(str, taken))
        return Work(
            answer=answer,
            steps=tuple(steps),
            conclusion=f"the order is {answer}",
            plan=f"The numbers: {', '.join(map(str, numbers))}. Take the {order} each time.",
            reading=f"In the order taken: {answer}.",
            picture="Picture children in a line; each time the next one in order steps forward.",
        )
