"""Two families about the letters of a word: counting one of them, and spelling the word backwards."""

from random import Random

from studio.engine.practice.problem import Problem, Work

WORDS = (  # noqa: SIM905
    "apple banana cherry garden window summer winter bottle kitchen letter pepper carrot rabbit butter hammer "
    "ladder mirror pillow yellow button coffee cotton cookie balloon raccoon bamboo igloo noodle poodle moon "
    "spoon tree bee seed wheel street river forest mountain valley ocean island harbour bridge castle tower "
    "village market basket blanket lantern candle pencil paper ribbon feather leather weather mother father "
    "brother sister teacher student doctor farmer painter singer dancer baker tailor sailor pilot engine "
    "train station ticket journey holiday morning evening midnight thunder lightning rainbow snowflake "
    "strawberry blueberry pineapple coconut almond walnut peanut honey sugar vinegar cinnamon ginger "
    "elephant giraffe leopard penguin dolphin octopus lobster spider beetle sparrow swallow pigeon parrot "
    "guitar violin trumpet drummer whistle orchestra theatre curtain costume audience rehearsal understudy"
).split()


class _Word:
    levels = ("up to five letters", "six or seven letters", "eight letters or more")

    def _word(self, rng: Random, level: int) -> str:
        low, high = ((1, 5), (6, 7), (8, 99))[level - 1]
        return rng.choice([word for word in WORDS if low <= len(word) <= high])


class Letters(_Word):
    name = "letters"
    about = "count how often a letter stands in a word"
    fields = {"letter": "[a-z]", "word": "[a-z]{1,30}"}
    wordings = (
        "How many times does the letter {letter} appear in the word {word}?",
        "Count the letter {letter} in {word}.",
        "How many {letter}s are there in {word}?",
        "In the word {word}, how often do you find the letter {letter}?",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        word = self._word(rng, level)
        return Problem(self.name, (word, rng.choice(word + "aeirst")))

    def express(self, problem: Problem) -> dict[str, str]:
        return {"word": str(problem.values[0]), "letter": str(problem.values[1])}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        return Problem(self.name, (fields["word"].lower(), fields["letter"].lower()))

    def work(self, problem: Problem) -> Work:
        word, letter = map(str, problem.values)
        seen, marks = 0, []
        for character in word:
            seen += character == letter
            marks.append(f"{character} ({seen})" if character == letter else character)
        times = "once" if seen == 1 else f"{seen} times"
        return Work(
            answer=str(seen),
            steps=(f"Spell it: {'-'.join(word)}.", f"Count each {letter}: {', '.join(marks)}."),
            conclusion=f"the letter {letter} appears {times} in {word}",
            plan=f"Go through {word} letter by letter and count.",
            reading=f"The count ends at {seen}.",
            picture=f"Picture a row of lettered tiles; put a finger on every {letter}.",
        )


class Reversal(_Word):
    name = "reversal"
    about = "spell a word backwards"
    fields = {"word": "[a-z]{2,30}"}
    wordings = (
        "Spell the word {word} backwards.",
        "Write {word} in reverse.",
        "What is {word} spelled backwards?",
        "Reverse the letters of {word}.",
    )

    def draw(self, rng: Random, level: int) -> Problem:
        return Problem(self.name, (self._word(rng, level),))

    def express(self, problem: Problem) -> dict[str, str]:
        return {"word": str(problem.values[0])}

    def understand(self, fields: dict[str, str]) -> Problem | None:
        return Problem(self.name, (fields["word"].lower(),))

    def work(self, problem: Problem) -> Work:
        word = str(problem.values[0])
        back = word[::-1]
        return Work(
            answer=back,
            steps=(f"Spell it: {'-'.join(word)}.", f"From the end: {'-'.join(back)}."),
            conclusion=f"{word} backwards is {back}",
            plan="Spell the word, then read the letters from the last to the first.",
            reading=f"Joined together: {back}.",
            picture="Picture a toy train of lettered wagons that drives backwards.",
        )
