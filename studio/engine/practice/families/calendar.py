"""Which day of the week it will be, by taking out whole weeks and counting the days that remain."""

from random import Random

from studio.engine.practice.problem import Problem, Work

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Calendar:
    name = "calendar"
    about = "which day of the week it will be after some days"
    levels = ("up to two weeks", "up to a hundred days", "up to a year")
    fields = {"day": "|".join(DAYS), "count": r"\d{1,4}"}
    wordings = (
        "Today is {day}. What day will it be in {count} days?",
        "If today is {day}, what day of the week is it {count} days from now?",
        "Which day comes {count} days after {day}?",
        "It is {day} today. Name the day of the week {count} days later.",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        low, high = ((2, 14), (15, 99), (100, 365))[level - 1]
        return Problem(self.name, (rng.choice(DAYS), rng.randint(low, high)))

    def express(self, problem: Problem) -> dict[str, str]:
        day, count = problem.values
        return {"day": str(day), "count": str(count)}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        return Problem(self.name, (fields["day"].capitalize(), int(fields["count"])))

    def work(self, problem: Problem) -> Work:
        day, count = str(problem.values[0]), int(problem.values[1])
        weeks, rest = divmod(count, 7)
        start = DAYS.index(day)
        walk = [DAYS[(start + step) % 7] for step in range(1, rest + 1)]
        answer = DAYS[(start + count) % 7]
        counted = ", ".join(f"{step} {name}" for step, name in enumerate(walk, 1))
        walked = f"Count from {day}: {counted}." if walk else f"No days remain, so it is {day} again."
        return Work(
            answer=answer,
            steps=(f"{weeks} weeks are {weeks} * 7 = {weeks * 7} days.", f"{count} - {weeks * 7} = {rest}.", walked),
            conclusion=f"{count} days after {day} it is {answer}",
            plan="Whole weeks change nothing, so take them out and count the rest.",
            reading=f"The last day counted is {answer}.",
            picture="Picture a merry-go-round with seven seats, one for each day; full turns bring you back.",
        )
