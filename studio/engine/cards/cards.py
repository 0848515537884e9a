"""The cards of a project's students: written, kept in their folders and beside their files, never over another's."""

import logging
from pathlib import Path

from studio.engine.cards import keeping
from studio.engine.cards.front import written_in
from studio.engine.cards.gathering import card_of
from studio.engine.cards.wording import ENGLISH, LANGUAGES, Words
from studio.engine.cards.writing import markdown
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput
from studio.engine.models import Models
from studio.engine.store.tables import Model

NAME = "README.md"
log = logging.getLogger(__name__)


class Cards(Service):
    """The model cards of one project."""

    def __init__(self, models: Models) -> None:
        self.models = models

    @needs(Action.READ)
    def text(self, name: str, language: str | None = None) -> str:
        """The card of a student as things stand now, in a language: by default in that of the card in its folder, else
        in the studio's. Raises NotFound, or BadInput for what is no student or no language of cards."""
        model, settings = self._student(name), self.models.settings
        words = Words.of(settings.assets, language or self._language(name))
        with self.models.database.session() as session:
            return markdown(card_of(session, model, self.models.artifacts), words)

    @needs(Action.READ)
    def place(self, name: str) -> Path:
        """Where the card of a student is kept."""
        return self.models.path_of(self._student(name)) / NAME

    @needs(Action.READ)
    def kept(self, name: str) -> str | None:
        """The card in the student's folder as it was last written, by whomever; None when there is none."""
        return self.found(name)[1]

    @needs(Action.READ)
    def found(self, name: str) -> tuple[Path, str | None]:
        """Where the card of a student is kept, and the card that is there."""
        place = self.place(name)
        try:
            return place, place.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return place, None

    @needs(Action.BUILD)
    def write(self, name: str, out: Path | None = None, *, language: str | None = None) -> Path:
        """Writes the card to a file, by default README.md in the student's folder, in a language as `text` has it.
        Raises BadInput when something that
        the studio did not write, or that was changed since, is there."""
        path = self.models.references.source(out) if out else self.place(name)
        if path.is_dir():
            path /= NAME
        if not path.parent.is_dir():
            raise BadInput(
                f"There is no folder {path.parent} for the card. Train '{name}' first, or choose with --out."
            )
        try:
            written = keeping.keep(path, self.text(name, language))
        except OSError as exc:
            raise BadInput(
                f"{path} cannot be written ({exc.strerror or exc}). Choose another place with --out."
            ) from exc
        if not written:
            raise BadInput(
                f"{path} was not written by the studio, or was changed since, so it is left as it is. Remove it, or "
                "choose another place with --out."
            )
        return path

    @needs(Action.BUILD)
    def refresh(self, name: str, *beside: Path) -> list[Path | None]:
        """Brings the card in the student's folder up to date, and puts a copy beside each of these files, as FILE.md.

        Returns where the copies are. A place that is taken or cannot be written is left out, with a line in the log:
        what has been trained or exported does not fail for its card.
        """
        text = self.text(name)
        places = [self.place(name), *(file.with_name(f"{file.name}.md") for file in beside)]
        return [_kept(place, text) for place in places][1:]

    def _language(self, name: str) -> str:
        kept = written_in(self.found(name)[1]) or self.models.settings.language
        return kept if kept in LANGUAGES else ENGLISH

    def _student(self, name: str) -> Model:
        model = self.models.get(name)
        if model.kind != "student":
            raise BadInput(f"'{name}' is not a student but a {model.kind}. Cards are written for what recipes made.")
        return model


def _kept(path: Path, text: str) -> Path | None:
    try:
        if keeping.keep(path, text):
            return path
        log.warning("No card was written to %s: the file there is not the studio's, or was changed since.", path)
    except OSError as exc:
        log.warning("No card was written to %s: %s.", path, exc)
    return None
