"""The practice teacher over HTTP: `python -m studio.engine.practice.server --port N` prints its base URL and serves.

It speaks OpenAI's chat completions on the loopback address, so that the offline path and a paid one are the same code.
"""

import argparse
import sys

from starlette.applications import Starlette

from studio.engine.errors import StudioError
from studio.engine.practice.meter import Meter
from studio.engine.practice.protocol import AskedQuestion, chat_app
from studio.engine.practice.serving import serve
from studio.engine.practice.voices import PRACTICE_MODELS, answer


def practice_app(meter: Meter | None = None) -> Starlette:
    """The practice teacher's two models behind the chat-completions protocol."""
    return chat_app(PRACTICE_MODELS, _answer, meter=meter)


def _answer(question: AskedQuestion) -> str:
    return answer(question.model, question.system, question.prompt)


def serve_practice(port: int = 0, *, until_input_ends: bool = False) -> None:
    serve(practice_app(), port, until_input_ends=until_input_ends)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    try:
        serve_practice(arguments.port, until_input_ends=arguments.until_input_ends)
    except StudioError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
