"""bespokelabs-curator 0.1.31 against an OpenAI-compatible endpoint, on a cache of its own.

It downloads a tiktoken encoding when it starts, so offline a stand-in counts four characters as a token.
"""

import argparse
import os
import tempfile

os.environ["TELEMETRY_ENABLED"] = "0"
os.environ["CURATOR_DISABLE_RICH_DISPLAY"] = "1"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import tiktoken
from asking import question, report

NO_LIMIT = 1_000_000_000


class FourCharacters:
    """A tokenizer that needs no download."""

    def encode(self, text: str, **_: object) -> list[int]:
        return [0] * (len(text) // 4)


tiktoken.encoding_for_model = lambda _model: FourCharacters()
tiktoken.get_encoding = lambda _name: FourCharacters()

from bespokelabs import curator  # noqa: E402


def ask_all(options: argparse.Namespace) -> int:
    given = {"base_url": options.base_url, "api_key": "none", "max_concurrent_requests": options.concurrency}
    limits = {"max_requests_per_minute": NO_LIMIT, "max_tokens_per_minute": NO_LIMIT}
    model = curator.LLM(model_name="bench-model", backend="openai", backend_params={**given, **limits})
    with tempfile.TemporaryDirectory() as folder:
        done = model([question(row) for row in range(options.rows)], working_dir=folder)
        return sum(bool(row["response"]) for row in getattr(done, "dataset", done))


if __name__ == "__main__":
    report(ask_all, __doc__ or "")
