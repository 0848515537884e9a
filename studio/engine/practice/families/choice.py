"""Multiple choice: pick the option with the largest or smallest number and say why not the others."""

from random import Random

from studio.engine.practice.problem import Problem, Work

LETTERS = "ABCDE"


class Choice:
    name = "choice"
    about = "multiple choice: which option is largest or smallest"
    levels = ("three options", "four options", "five options")
    fields = {"order": "largest|smallest", "options": r"(?:[A-E]\) ?\d+[,;\s]*)+"}
    wordings = (
        "Which of these is the {order}? {options}",
        "Choose the {order} number. {options}",
        "Which option names the {order} number? {options}",
        "Pick the {order} one: {options}",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        return Problem(self.name, (rng.choice(("largest", "smallest")), *rng.sample(range(10, 1000), level + 2)))

    def express(self, problem: Problem) -> dict[str, str]:
        order, *numbers = problem.values
        options = " ".join(f"{letter}) {number}" for letter, number in zip(LETTERS, numbers, strict=False))
        return {"order": str(order), "options": options}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        parts = fields["options"].replace(",", " ").replace(";", " ").replace(")", ") ").split()
        letters, numbers = parts[0::2], parts[1::2]
        if [letter[0] for letter in letters] != list(LETTERS[: len(numbers)]) or len(set(numbers)) != len(numbers):
            return None
        return Problem(self.name, (fields["order"].lower(), *map(int, numbers)))

    def work(self, problem: Problem) -> Work:
        order, numbers = str(problem.values[0]), [int(number) for number in problem.values[1:]]
        pick, word = (max, "more") if order == "largest" else (min, "less")
        best, steps = numbers[0], [f"Start with {numbers[0]}."]
        for number in numbers[1:]:
            better = pick(number, best) == number
            steps.append(f"{number} is {word} than {best}, take {number}." if better else f"Keep {best} over {number}.")
            best = pick(number, best)
        letter = LETTERS[numbers.index(best)]
        against = "less" if order == "largest" else "more"
        others = " ".join(
            f"Not {other}: {number} is {against} than {best}."
            for other, number in zip(LETTERS, numbers, strict=False)
            if number != best
        )
        return Work(
            answer=letter,
            steps=tuple(steps),
            conclusion=f"{letter}) {best} is the {order}",
            plan="Compare the options one after the other and keep the better one.",
            reading=f"{best} stands at letter {letter}.",
            picture="Picture the numbers as towers side by side.",
            others=others,
        )
