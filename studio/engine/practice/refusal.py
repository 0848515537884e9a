"""An error that a local teacher answers with, in the shape that clients of OpenAI's protocol read."""

from starlette.responses import JSONResponse, Response


class Refusal(Exception):
    """An answer that is an error: an HTTP status, a machine-readable code and a sentence."""

    def __init__(self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def response(self) -> Response:
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(self.status, "invalid_request_error")
        error = {"message": self.message, "type": kind, "param": None, "code": self.code}
        return JSONResponse({"error": error}, self.status, self.headers)
