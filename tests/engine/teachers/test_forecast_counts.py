"""A forecast counts what a run will send, by the same rules."""

from collecting_rooms import Rooms

from studio.engine.prompts.record import NewPrompt
from studio.engine.teachers.plans import RunOptions


def test_a_forecast_counts_the_system_messages_of_a_source_and_of_a_family(rooms: Rooms) -> None:
    rooms.add_teacher("http://127.0.0.1:9/v1")
    rooms.system_messages.save("short", "y" * 40)
    rooms.system_messages.save("long", "z" * 400)
    rooms.prompts.add("questions", "import", [NewPrompt(text="x" * 400, family="sums")])
    for label in ("by_collection", "by_task"):
        of = {"questions" if label == "by_collection" else "sums": {"long": 1}}
        forecast = rooms.collecting.foresee(
            "scripted", "questions", RunOptions(system_mix={"system_messages": {"short": 1}, label: of})
        )
        assert forecast.input_tokens == 104 + 104
