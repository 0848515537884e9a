"""The bare `openai` package: so many questions under way at once, nothing kept."""

import argparse
import asyncio
from collections.abc import Iterator

import openai
from asking import question, report


async def ask_all(options: argparse.Namespace) -> int:
    http_client = openai.DefaultAioHttpClient() if options.transport == "aiohttp" else None
    async with openai.AsyncOpenAI(
        api_key="none", base_url=options.base_url, max_retries=0, http_client=http_client
    ) as client:
        waiting = iter(range(options.rows))
        return sum(await asyncio.gather(*(_ask(client, waiting) for _ in range(options.concurrency))))


async def _ask(client: openai.AsyncOpenAI, waiting: Iterator[int]) -> int:
    answered = 0
    for row in waiting:
        messages = [{"role": "user", "content": question(row)}]
        reply = await client.chat.completions.create(model="bench-model", messages=messages)  # type: ignore[arg-type]
        answered += bool(reply.choices[0].message.content)
    return answered


if __name__ == "__main__":
    report(lambda options: asyncio.run(ask_all(options)), __doc__ or "", transport="httpx")
