"""distilabel 1.5.3: a pipeline of one TextGeneration step over an OpenAI-compatible endpoint, cache off.

It asks a batch at once and waits for all of it, so its batch is the concurrency; its step's process is timed too.
"""

import argparse

from asking import question, report
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def ask_all(options: argparse.Namespace) -> int:
    data = [{"instruction": question(row)} for row in range(options.rows)]
    with Pipeline(name="bench") as pipeline:
        load = LoadDataFromDicts(data=data, batch_size=options.concurrency)
        model = OpenAILLM(model="bench-model", base_url=options.base_url, api_key="none")
        load >> TextGeneration(llm=model, input_batch_size=options.concurrency)
    done = pipeline.run(use_cache=False)
    return sum(bool(row["generation"]) for row in done["default"]["train"])


if __name__ == "__main__":
    report(ask_all, __doc__ or "")
