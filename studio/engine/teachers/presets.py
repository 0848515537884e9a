"""Where the usual kinds of teachers are reached: what a form fills in before the person has typed anything."""

from dataclasses import dataclass

from studio.engine.practice import PRACTICE_MODELS
from studio.engine.teachers.local import PRACTICE_URL


@dataclass(frozen=True)
class Preset:
    """The fields that follow from the kind of server. `free` ones cost nothing, since they run on one's own machine."""

    name: str
    base_url: str
    model: str = ""
    """The name of a model that is there, or empty where the person must choose one."""
    example: str = ""
    """How the name of a model looks there."""
    api_key_env: str = ""
    concurrency: int = 8
    free: bool = False


PRESETS = (
    Preset("openai", "https://api.openai.com/v1", example="gpt-…", api_key_env="OPENAI_API_KEY"),
    Preset(
        "azure", "https://YOUR-RESOURCE.openai.azure.com/openai/v1", example="my-deployment",
        api_key_env="AZURE_OPENAI_API_KEY",
    ),
    Preset("openrouter", "https://openrouter.ai/api/v1", example="vendor/model", api_key_env="OPENROUTER_API_KEY"),
    Preset("vllm", "http://127.0.0.1:8000/v1", example="vendor/model", concurrency=32, free=True),
    Preset("ollama", "http://127.0.0.1:11434/v1", example="model:size", concurrency=2, free=True),
    Preset("llama-cpp", "http://127.0.0.1:8080/v1", example="model", concurrency=4, free=True),
    Preset("practice", PRACTICE_URL, model=PRACTICE_MODELS[0], example=PRACTICE_MODELS[-1], free=True),
    Preset("replay", "replay:///folder/answers.jsonl?prompt=prompt&response=response", model="recorded", free=True),
)  # fmt: skip


def preset_named(name: str | None) -> Preset | None:
    """The preset of that name; None for any other, which stands for another server."""
    return next((preset for preset in PRESETS if preset.name == name), None)
