"""The few addresses that are not pages: shipped files, the job count, a new project, a model's file."""

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from studio.engine.errors import BadInput, NotFound, StudioError
from studio.ui import links
from studio.ui.middleware import FOREVER
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


def router(studio: "Studio") -> APIRouter:
    """Routes that come before Gradio's."""
    routes = APIRouter(include_in_schema=False)
    assets = studio.settings.assets

    @routes.get("/own/{path:path}")
    def own(path: str, v: str = "") -> Response:
        file = shipped_file(assets, path)
        if file is None:
            return JSONResponse({"error": "There is no such file."}, status_code=404)
        caching = {"cache-control": FOREVER if v else "public, max-age=3600"}
        kind = KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return FileResponse(file, media_type=kind, headers=caching)

    @routes.get("/shell/jobs")
    def running_jobs(request: Request, project: str = "", lang: str = "en") -> JSONResponse:
        try:
            count = running_count(_at(studio, project))
        except NotFound:
            count = 0
        return JSONResponse({"running": count, "label": Texts(lang)("jobs.running", n=count)})

    @routes.post("/shell/projects")
    async def new_project(request: Request) -> JSONResponse:
        try:
            body = await request.json()
            name = str(body["name"])
            if name.strip() in [project.name for project in studio.projects.list()]:
                raise BadInput(f"There is already a project named '{name.strip()}'. Choose another name.")
            return JSONResponse({"name": studio.at(name.strip()).project.name})
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "Send a JSON object with the name of the project."}, status_code=400)
        except StudioError as exc:
            return JSONResponse({"error": exc.message}, status_code=400)

    @routes.get("/download/model")
    def model_file(model: str, quantization: str, project: str = "") -> Response:
        try:
            files = _at(studio, project).models.files(model)
            file = next((one for one in files if one.quantization == quantization), None)
            if file is None or not Path(file.path).is_file():
                raise NotFound(f"There is no {quantization} file of '{model}' on this disk. Export it again.")
        except StudioError as exc:
            return JSONResponse({"error": exc.message}, status_code=404)
        return FileResponse(file.path, media_type="application/octet-stream", filename=f"{model}-{quantization}.gguf")

    @routes.get("/rate")
    def rate(project: str = "") -> RedirectResponse:
        """To the newest study that can be rated; to Compare, where studies are made, when there is none."""
        ready = [summary.study for summary in _at(studio, project).studies.list() if summary.study.state == "ready"]
        newest = max(ready, key=lambda study: study.created_at, default=None)
        target = f"/r/{newest.token}" if newest else links.to("compare", project or studio)
        return RedirectResponse(target, status_code=303)

    return routes


def shipped_file(assets: Path, path: str) -> Path | None:
    """A file below one of the shipped folders, None for anything else: the base model and sample data stay private."""
    file = (assets / path).resolve()
    allowed = [(assets / folder).resolve() for folder in SHIPPED]
    return file if file.is_file() and any(file.is_relative_to(folder) for folder in allowed) else None


def version_of(assets: Path) -> str:
    """A short digest of all shipped files: new files get new addresses."""
    digest = hashlib.sha256()
    for folder in SHIPPED:
        for file in sorted((assets / folder).rglob("*")):
            if file.is_file():
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:10]


def running_count(studio: "Studio") -> int:
    """Jobs of this project that run now."""
    return studio.jobs.counts()["running"]


def _at(studio: "Studio", project: str) -> "Studio":
    if not project or project == studio.project.name:
        return studio
    studio.projects.find(project)
    return studio.at(project)
