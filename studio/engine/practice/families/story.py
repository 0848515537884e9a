"""Word problems in two steps: something is multiplied or joined, then something is added or taken away."""

from random import Random

from studio.engine.practice.problem import Problem, Work

NAMES = ("Ada", "Ben", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ivan", "Jun", "Kofi", "Lina")
THINGS = ("apples", "pencils", "stickers", "marbles", "books", "coins", "cards", "shells")
BOXES = ("boxes", "bags", "shelves", "trays")


class Story:
    name = "story"
    about = "a word problem in two steps"
    levels = ("small numbers", "two digits per box", "larger numbers")
    fields = {
        "name": "|".join(NAMES),
        "boxes": r"\d{1,3}",
        "box": "|".join(BOXES),
        "each": r"\d{1,4}",
        "things": "|".join(THINGS),
        "change": r"\d{1,5}",
        "verb": "finds|gives away",
    }
    wordings = (
        "{name} has {boxes} {box} with {each} {things} in each and {verb} {change} {things}. How many {things} does "
        "{name} have now?",
        "There are {each} {things} in each of {name}'s {boxes} {box}. Then {name} {verb} {change} {things}. How many "
        "{things} are there in the end?",
        "{name} fills {boxes} {box} with {each} {things} each, then {verb} {change} {things}. How many {things} does "
        "that leave {name} with?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        boxes = rng.randint(2, 9)
        each = rng.randint(*((2, 9), (11, 40), (41, 120))[level - 1])
        change = rng.randint(2, boxes * each - 1)
        verb = rng.choice(("finds", "gives away"))
        return Problem(self.name, (rng.choice(NAMES), boxes, rng.choice(BOXES), each, rng.choice(THINGS), verb, change))

    def express(self, problem: Problem) -> dict[str, str]:
        name, boxes, box, each, things, verb, change = map(str, problem.values)
        return dict(name=name, boxes=boxes, box=box, each=each, things=things, verb=verb, change=change)

    def understand(self, fields: dict[str, str]) -> Problem | None:
        fields = {key: text.lower() for key, text in fields.items()}
        boxes, each, change = int(fields["boxes"]), int(fields["each"]), int(fields["change"])
        if fields["verb"] == "gives away" and change > boxes * each:
            return None
        return Problem(
            self.name,
            (fields["name"].capitalize(), boxes, fields["box"], each, fields["things"], fields["verb"], change),
        )

    def work(self, problem: Problem) -> Work:
        name, _, box, _, things, verb, _ = map(str, problem.values)
        boxes, each, change = (int(problem.values[index]) for index in (1, 3, 6))
        first = boxes * each
        sign = "+" if verb == "finds" else "-"
        answer = first + change if sign == "+" else first - change
        return Work(
            answer=str(answer),
            steps=(
                f"In the {box}: {boxes} * {each} = {first}.",
                f"{name} {verb} {change}: {first} {sign} {change} = {answer}.",
            ),
            conclusion=f"{name} has {answer} {things}",
            plan=f"First count what is in the {box}, then see what changes.",
            reading=f"With the unit: {answer} {things}.",
            picture=f"Picture {boxes} {box} side by side, {each} {things} in each.",
        )
