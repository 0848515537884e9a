"""Bare aiohttp: so many questions under way at once, each reply parsed, nothing kept."""

import argparse
import asyncio
from collections.abc import Iterator

import aiohttp
from asking import question, report


async def ask_all(options: argparse.Namespace) -> int:
    waiting, url = iter(range(options.rows)), f"{options.base_url}/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=options.concurrency)) as session:
        return sum(await asyncio.gather(*(_ask(session, url, waiting) for _ in range(options.concurrency))))


async def _ask(session: aiohttp.ClientSession, url: str, waiting: Iterator[int]) -> int:
    answered = 0
    for row in waiting:
        body = {"model": "bench-model", "messages": [{"role": "user", "content": question(row)}]}
        async with session.post(url, json=body) as reply:
            answered += bool((await reply.json())["choices"][0]["message"]["content"])
    return answered


if __name__ == "__main__":
    report(lambda options: asyncio.run(ask_all(options)), __doc__ or "")
