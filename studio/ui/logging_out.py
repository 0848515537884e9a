"""Logging out: of this browser, or of every browser of whoever asks.

POST /logout                  ends the session by which the request came
POST /logout?everywhere=1     ends all of that person's, and takes back links that nobody has opened
"""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from studio.engine.domain.permissions import PersonKind
from studio.ui.auth import SESSION
from studio.ui.one_time_links import OneTimeLinks
from studio.ui.parts.handlers import actor_of

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def router(studio: "Studio") -> APIRouter:
    """The one route. The guard lets nobody else come to it, and no other site's page."""
    routes = APIRouter(include_in_schema=False)
    sessions = studio.sessions

    @routes.post("/logout")
    def log_out(request: Request, everywhere: str = "") -> RedirectResponse:
        """Leads to the page that says how to come in again."""
        sessions.end(request.scope.get(SESSION, ""))
        if everywhere:
            actor = actor_of(request, studio)
            sessions.end_all(actor)
            if actor.kind == PersonKind.OWNER:
                OneTimeLinks(studio.settings.workspace).take_back()
        return RedirectResponse("/", status_code=303, headers={"cache-control": "no-store"})

    return routes
