"""What answers cost: dollars from tokens."""

from studio.engine.store.tables import Teacher


def cost_usd(teacher: Teacher, input_tokens: float, output_tokens: float) -> float:
    """Dollars at the teacher's prices per million tokens; an unknown price counts as nothing."""
    return (input_tokens * (teacher.input_price or 0) + output_tokens * (teacher.output_price or 0)) / 1_000_000


def is_priced(teacher: Teacher) -> bool:
    return teacher.input_price is not None and teacher.output_price is not None
