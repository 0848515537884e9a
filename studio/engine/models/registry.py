"""The registry: names of models in a project and the folders or files they stand for."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine import lineage
from studio.engine.errors import BadInput, NameTaken, NotFound
from studio.engine.models import bringing
from studio.engine.models.folder import read_folder
from studio.engine.models.gguf_file import is_gguf, read_gguf
from studio.engine.models.licence import verdict_of
from studio.engine.models.source import PRACTICE_BASE, ModelRef, checked_name, is_hub_id
from studio.engine.settings import Settings
from studio.engine.store.artifacts import Artifacts
from studio.engine.store.database import Database
from studio.engine.store.tables import Model, ModelFile


class Models:
    """One project's models. The practice base is in every project from the start."""

    def __init__(self, database: Database, project_id: int, settings: Settings, artifacts: Artifacts) -> None:
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.artifacts = artifacts

    @property
    def folder(self) -> Path:
        """Where this project's own model folders are kept."""
        return self.settings.workspace / "models" / str(self.project_id)

    # --- finding

    def list(self) -> Sequence[Model]:
        """All models, the newest first."""
        self._ensure_practice_base()
        with self.database.session() as session:
            query = select(Model).where(Model.project_id == self.project_id)
            return session.exec(query.order_by(col(Model.id).desc())).all()

    def get(self, name: str) -> Model:
        """The model of that name. Raises NotFound."""
        self._ensure_practice_base()
        with self.database.session() as session:
            model = self._row(session, name)
            if model is None:
                known = session.exec(select(Model.name).where(Model.project_id == self.project_id)).all()
                raise NotFound.named("model", name, [*known])
            return model

    def files(self, name: str) -> Sequence[ModelFile]:
        """The model's GGUF files, the newest first."""
        model = self.get(name)
        with self.database.session() as session:
            query = select(ModelFile).where(ModelFile.model_id == model.id)
            return session.exec(query.order_by(col(ModelFile.created_at).desc())).all()

    def find(self, name_or_path: str) -> ModelRef:
        """What a name, a folder or a GGUF path stands for on this machine. Raises NotFound for anything else."""
        if self._known(name_or_path):
            return self._reference(self.get(name_or_path))
        path = Path(name_or_path).expanduser()
        if path.is_dir():
            read_folder(path)
            return ModelRef(path.resolve().name, path.resolve(), "folder")
        if path.is_file() and (path.suffix == ".gguf" or is_gguf(path)):
            read_gguf(path)
            return ModelRef(path.stem, path.resolve().parent, "gguf", path.resolve())
        self.get(name_or_path)
        raise AssertionError("unreachable: get raises for an unknown name")

    def base_of(self, text: str) -> ModelRef:
        """The folder to train from that a recipe's `base` names: a model, a folder, or a hub id, which is fetched."""
        if not self._known(text) and not Path(text).expanduser().exists() and is_hub_id(text):
            return ModelRef(text, bringing.from_hub(text), "folder")
        found = self.find(text)
        if found.gguf_path is not None:
            raise BadInput(f"'{text}' is a GGUF file: it can be asked but not trained. Choose a Hugging Face folder.")
        return found

    def show(self, name: str) -> dict[str, Any]:
        """Everything known of a model: its files, where it came from, and what it may be used for, in words."""
        model = self.get(name)
        files = self.files(name)
        with self.database.session() as session:
            chain = lineage.model_lineage(session, model)
        verdict = verdict_of(chain)
        return {
            "name": model.name,
            "kind": model.kind,
            "state": model.state,
            "path": model.path,
            "parent": model.parent or None,
            "created_at": model.created_at,
            "detail": model.detail,
            "recipe": model.recipe,
            "lineage": lineage.as_dicts(chain),
            "files": [file_report(file) for file in files],
            "commercial_use": verdict.commercial_use,
            "licence_verdict": verdict.words,
        }

    # --- adding

    def import_model(self, path_or_hub: str, name: str, *, in_place: bool = False) -> Model:
        """Brings a Hugging Face folder, a hub id or a GGUF file: checked first, then copied in unless `in_place`."""
        self._must_be_free(checked_name(name))
        brought = bringing.bring(path_or_hub, self.folder / name, in_place=in_place)
        model = self._model(name, brought.kind, path=str(brought.path), detail=brought.detail)
        try:
            with self.database.session() as session:
                session.add(model)
                session.flush()
                if brought.gguf:
                    session.add(self._brought_file(model, brought))
        except IntegrityError as exc:
            raise NameTaken.of("model", name) from exc
        return model

    def register_student(
        self,
        name: str,
        *,
        parent: str,
        recipe: dict[str, Any] | None = None,
        detail: dict[str, Any] | None = None,
        state: str = "training",
        job_id: int | None = None,
    ) -> Model:
        """A new student whose weights will be in `path`, a folder of its own. Raises NameTaken."""
        self._must_be_free(checked_name(name))
        path = str(self.folder / name)
        model = self._model(name, "student", path=path, detail=detail or {}, state=state)
        model.parent, model.recipe, model.job_id = parent, recipe, job_id
        try:
            with self.database.session() as session:
                session.add(model)
        except IntegrityError as exc:
            raise NameTaken.of("model", name) from exc
        return model

    def change(self, name: str, *, detail: dict[str, Any] | None = None, **values: Any) -> Model:
        """Sets columns (state, job_id, path ...) and adds to the detail. Raises NotFound."""
        self.get(name)
        with self.database.session() as session:
            model = self._row(session, name)
            assert model is not None
            for key, value in values.items():
                setattr(model, key, value)
            if detail:
                model.detail = {**model.detail, **detail}
            session.add(model)
        return model

    def record_file(self, name: str, file: ModelFile) -> ModelFile:
        """Keeps a GGUF file of a model; one of the same quantization is replaced."""
        model = self.get(name)
        with self.database.session() as session:
            query = select(ModelFile).where(ModelFile.model_id == model.id, ModelFile.quantization == file.quantization)
            for old in session.exec(query).all():
                session.delete(old)
            session.flush()
            assert model.id is not None
            file.model_id = model.id
            session.add(file)
        return file

    # --- the rest

    def _row(self, session: Session, name: str) -> Model | None:
        return session.exec(select(Model).where(Model.project_id == self.project_id, Model.name == name)).first()

    def _known(self, name: str) -> bool:
        if name == PRACTICE_BASE:
            return True
        with self.database.session() as session:
            return self._row(session, name) is not None

    def _must_be_free(self, name: str) -> None:
        if self._known(name):
            raise NameTaken.of("model", name)

    def _reference(self, model: Model) -> ModelRef:
        path = Path(model.path)
        if model.kind == "gguf":
            if not path.is_file():
                raise BadInput(f"The file of model '{model.name}' is gone from {path}. Put it back or import it again.")
            return ModelRef(model.name, path.parent, model.kind, path)
        if not (path / "config.json").is_file():
            state = "has no weights yet (it is still training)" if model.state == "training" else f"is gone from {path}"
            raise BadInput(f"Model '{model.name}' {state}. Wait for its training, or import or train it again.")
        return ModelRef(model.name, path, model.kind)

    def _model(self, name: str, kind: str, *, path: str, detail: dict[str, Any], state: str = "ready") -> Model:
        return Model(project_id=self.project_id, name=name, kind=kind, path=path, detail=detail, state=state)

    def _brought_file(self, model: Model, brought: bringing.Brought) -> ModelFile:
        assert model.id is not None and brought.gguf is not None
        return ModelFile(
            model_id=model.id,
            quantization=brought.gguf.quantization,
            path=str(brought.path),
            bytes=brought.gguf.bytes,
            sha256=brought.sha256,
            tensor_types=brought.gguf.tensor_types,
        )

    def _ensure_practice_base(self) -> None:
        """The shipped base follows the installation: its row is made when missing and its path kept up to date."""
        folder = self.settings.assets / PRACTICE_BASE
        if not (folder / "config.json").is_file():
            return
        with suppress(IntegrityError), self.database.session() as session:  # another thread may be making it too
            row = self._row(session, PRACTICE_BASE)
            if row is None:
                detail = read_folder(folder).detail()
                session.add(self._model(PRACTICE_BASE, "base", path=str(folder), detail=detail))
            elif row.path != str(folder):
                row.path = str(folder)
                session.add(row)


def file_report(file: ModelFile) -> dict[str, Any]:
    """A GGUF file as commands and pages report it."""
    return {
        "path": file.path,
        "quantization": file.quantization,
        "tensor_types": file.tensor_types,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "parity": file.parity,
    }
