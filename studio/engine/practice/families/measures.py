"""Converting between units of one kind by a whole factor."""

from random import Random

from studio.engine.practice.problem import Problem, Work

UNITS: tuple[tuple[str, str, int], ...] = (
    ("metres", "centimetres", 100),
    ("kilometres", "metres", 1000),
    ("kilograms", "grams", 1000),
    ("litres", "millilitres", 1000),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("years", "months", 12),
    ("dozens", "pieces", 12),
)
FACTOR = {(big, small): factor for big, small, factor in UNITS}


class Measures:
    name = "measures"
    about = "convert between units"
    levels = ("one digit", "two digits", "from the small unit to the large")
    names = "|".join(sorted({unit for row in UNITS for unit in row[:2]}))
    fields = {"count": r"\d{1,6}", "source": names, "target": names}
    wordings = (
        "How many {target} are {count} {source}?",
        "Convert {count} {source} to {target}.",
        "Change {count} {source} into {target}.",
        "{count} {source} is how many {target}?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        big, small, factor = rng.choice(UNITS)
        count = rng.randint(2, 9) if level == 1 else rng.randint(11, 99)
        if level == 3:
            return Problem(self.name, (count * factor, small, big))
        return Problem(self.name, (count, big, small))

    def express(self, problem: Problem) -> dict[str, str]:
        count, source, target = map(str, problem.values)
        return {"count": count, "source": source, "target": target}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        count, source, target = int(fields["count"]), fields["source"].lower(), fields["target"].lower()
        divides = FACTOR.get((target, source))
        known = (source, target) in FACTOR or (divides is not None and count % divides == 0)
        return Problem(self.name, (count, source, target)) if known else None

    def work(self, problem: Problem) -> Work:
        count, source, target = int(problem.values[0]), str(problem.values[1]), str(problem.values[2])
        if (source, target) in FACTOR:
            factor = FACTOR[source, target]
            answer, sign = count * factor, "*"
            fact = f"1 of the {source} is {factor} {target}."
        else:
            factor = FACTOR[target, source]
            answer, sign = count // factor, "/"
            fact = f"{factor} {source} are 1 of the {target}."
        return Work(
            answer=str(answer),
            steps=(fact, f"{count} {sign} {factor} = {answer}."),
            conclusion=f"{count} {source} are {answer} {target}",
            plan=f"Find how many {target} go with the {source}, then {'multiply' if sign == '*' else 'divide'}.",
            reading=f"With the unit: {answer} {target}.",
            picture=f"Picture boxes: each of the {source if sign == '*' else target} is a box with {factor} inside.",
        )
