"""The few addresses that are not pages: shipped files, the job count, a new project, undoing, a model's file."""

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.requests import ClientDisconnect

from studio.engine.domain.states import StudyState
from studio.engine.errors import NotAllowed, NotFound, StudioError
from studio.ui import links
from studio.ui.languages import language_of
from studio.ui.middleware import FOREVER
from studio.ui.parts.handlers import actor_of, project_of
from studio.ui.parts.long_work import asked_to_stop
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

SHIPPED = ("css", "js", "icons", "fonts")
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
"""Not asked of the system: some Windows machines call a script text/plain, and browsers then refuse it."""


async def _object_sent(request: Request) -> dict[str, object]:
    """The JSON object in the body; an empty one for anything else, whatever a stranger sends."""
    try:
        sent = await request.json()
    except (ValueError, RecursionError, ClientDisconnect):
        return {}
    return sent if isinstance(sent, dict) else {}


Sent = Annotated[dict[str, object], Depends(_object_sent)]


def router(studio: "Studio") -> APIRouter:
    """Routes that come before Gradio's."""
    routes = APIRouter(include_in_schema=False)
    _add_shipped(routes, studio.settings.assets)
    _add_shell(routes, studio)
    _add_downloads(routes, studio)
    _add_rating(routes, studio)
    return routes


def _add_shipped(routes: APIRouter, assets: Path) -> None:
    @routes.get("/own/{path:path}")
    def own(path: str, v: str = "") -> Response:
        file = shipped_file(assets, path)
        if file is None:
            return JSONResponse({"error": "There is no such file."}, status_code=404)
        caching = {"cache-control": FOREVER if v else "public, max-age=3600"}
        kind = KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return FileResponse(file, media_type=kind, headers=caching)


def _add_shell(routes: APIRouter, studio: "Studio") -> None:
    """What the frame around each page asks for: the count of jobs, their end, a new project."""

    @routes.get("/shell/jobs")
    def running_jobs(request: Request, lang: str = "en") -> JSONResponse:
        try:
            count = running_count(project_of(request, studio))
        except NotFound:
            count = 0
        except NotAllowed as exc:
            return _refusal(exc, request, studio)
        return JSONResponse({"running": count, "label": Texts(lang)("jobs.running", n=count)})

    @routes.post("/shell/jobs/stop")
    def stop_job(request: Request, job: int, lang: str = "en") -> JSONResponse:
        try:
            stopped = project_of(request, studio).jobs.stop(job)
        except StudioError as exc:
            return _refusal(exc, request, studio)
        said = asked_to_stop(stopped)
        return JSONResponse({"state": stopped.state, "said": Texts(lang, "jobs")(said)})

    @routes.post("/shell/projects")
    def new_project(request: Request, body: Sent) -> JSONResponse:
        try:
            name = _text_in(body, "name")
            here = studio.acting_for(actor_of(request, studio))
            return JSONResponse({"name": here.projects.make(name).name})
        except ValueError:
            return JSONResponse({"error": "Send a JSON object with the name of the project."}, status_code=400)
        except StudioError as exc:
            return _refusal(exc, request, studio, 400)

    @routes.post("/shell/restore")
    def restore(request: Request, body: Sent) -> JSONResponse:
        """Takes back what deleted a thing or put it away: {kind, name, number}; without a number the last of that
        name."""
        try:
            kind, name, number = _text_in(body, "kind"), _text_in(body, "name"), _number_in(body)
            back = project_of(request, studio).bin.restore(kind, name, number=number)
        except ValueError:
            return JSONResponse({"error": "Send a JSON object with the kind and the name."}, status_code=400)
        except StudioError as exc:
            return _refusal(exc, request, studio, 400)
        t = Texts(language_of(request.scope, studio.settings.language))
        return JSONResponse({"name": back.name, "said": t("bin.restored", name=back.name)})


def _add_downloads(routes: APIRouter, studio: "Studio") -> None:
    @routes.get("/download/backup")
    def backup_file(request: Request) -> Response:
        try:
            kept = project_of(request, studio).backups.kept()
            if kept is None:
                raise NotFound("There is no backup yet. Make one in Settings.")
        except StudioError as exc:
            return _refusal(exc, request, studio)
        return FileResponse(kept.path, media_type="application/gzip", filename=kept.path.name)

    @routes.get("/download/model")
    def model_file(request: Request, model: str, quantization: str) -> Response:
        try:
            models = project_of(request, studio).models
            file = next((one for one in models.files(model) if one.quantization == quantization), None)
            if file is None or not models.is_here(file):
                raise NotFound(f"There is no {quantization} file of '{model}' on this disk. Export it again.")
        except StudioError as exc:
            return _refusal(exc, request, studio)
        path = models.path_of(file)
        return FileResponse(path, media_type="application/octet-stream", filename=f"{model}-{quantization}.gguf")


def _add_rating(routes: APIRouter, studio: "Studio") -> None:
    @routes.get("/rate")
    def rate(request: Request) -> Response:
        """To the newest study that can be rated; to Compare, where studies are made, when there is none."""
        try:
            here = project_of(request, studio)
            ready = [summary.study for summary in here.studies.list() if summary.study.state == StudyState.READY]
        except StudioError as exc:
            return _refusal(exc, request, studio)
        newest = max(ready, key=lambda study: study.created_at, default=None)
        target = f"/r/{newest.token}" if newest else links.to("compare", here)
        return RedirectResponse(target, status_code=303)


def shipped_file(assets: Path, path: str) -> Path | None:
    """A file below one of the shipped folders, None for anything else: the base model and sample data stay private."""
    try:
        file = (assets / path).resolve()
        is_there = file.is_file()
    except (ValueError, OSError):  # A zero byte, or a name longer than the disk takes.
        return None
    allowed = [(assets / folder).resolve() for folder in SHIPPED]
    return file if is_there and any(file.is_relative_to(folder) for folder in allowed) else None


def version_of(assets: Path) -> str:
    """A short digest of all shipped files: new files get new addresses."""
    digest = hashlib.sha256()
    for folder in SHIPPED:
        for file in sorted((assets / folder).rglob("*")):
            if file.is_file():
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:10]


def _text_in(body: dict[str, object], name: str) -> str:
    """Raises ValueError for what is no text, or none that can be written."""
    text = body.get(name)
    if not isinstance(text, str):
        raise ValueError(name)
    text.encode()
    return text


def _number_in(body: dict[str, object]) -> int | None:
    """Which of several things of one name is meant, where that is said. Raises ValueError for what is no number."""
    number = body.get("number")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise ValueError(number)
    return number


def running_count(studio: "Studio") -> int:
    """Jobs of this project that run now."""
    return studio.jobs.counts()["running"]


def _refusal(exc: StudioError, request: Request, studio: "Studio", status: int = 404) -> JSONResponse:
    """What went wrong in a sentence, as 403 where it is the person who may not."""
    t = Texts(language_of(request.scope, studio.settings.language))
    return JSONResponse({"error": t.told(exc.message)}, status_code=403 if isinstance(exc, NotAllowed) else status)
