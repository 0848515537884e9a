"""The registry: names of models in a project and the addresses they stand for."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine import lineage
from studio.engine.domain.address import HUB, Address
from studio.engine.domain.names import checked_model_name
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.reference import Reference, ReferenceKind
from studio.engine.domain.states import ModelState
from studio.engine.errors import BadInput, NameTaken, NotFound, StudioError
from studio.engine.jobs import Progress
from studio.engine.models import bringing
from studio.engine.models.folder import read_folder
from studio.engine.models.licence import verdict_of
from studio.engine.models.locations import located, reference_to, taken
from studio.engine.models.source import PRACTICE_BASE, ModelRef
from studio.engine.settings import Settings
from studio.engine.store import Addresses, Artifacts, Cache, Database, References, in_use
from studio.engine.store.tables import Model, ModelFile


class Models(Service):
    """One project's models. The practice base is in every project from the start."""

    def __init__(
        self,
        database: Database,
        project_id: int,
        settings: Settings,
        artifacts: Artifacts,
        cache: Cache | None = None,
    ) -> None:
        self._cache = cache or Cache()
        self.database = database
        self.project_id = project_id
        self.settings = settings
        self.artifacts = artifacts
        self.addresses = Addresses(settings)
        self.references = References(settings)

    @property
    def folder(self) -> Path:
        """Where this project's own model folders are kept."""
        return self.settings.workspace / "models" / str(self.project_id)

    # --- finding

    @needs(Action.READ)
    def list(self) -> Sequence[Model]:
        """All models, the newest first."""
        self._ensure_practice_base()
        query = select(Model).where(Model.project_id == self.project_id, in_use(Model))
        with self.database.session() as session:
            return session.exec(query.order_by(col(Model.id).desc())).all()

    @needs(Action.READ)
    def get(self, name: str) -> Model:
        """The model of that name. Raises NotFound."""
        self._ensure_practice_base()
        with self.database.session() as session:
            model = self._row(session, name)
            if model is None or model.binned_at is not None:
                known = session.exec(select(Model.name).where(Model.project_id == self.project_id, in_use(Model))).all()
                raise NotFound.named("model", name, [*known])
            return model

    @needs(Action.READ)
    def files(self, name: str) -> Sequence[ModelFile]:
        """The model's GGUF files, the newest first."""
        model = self.get(name)
        with self.database.session() as session:
            return self._files(session, model)

    @needs(Action.READ)
    def files_by_model(self) -> dict[str, Sequence[ModelFile]]:
        """The GGUF files of all models by the model's name, the newest first."""
        query = (
            select(Model.name, ModelFile)
            .join(ModelFile, col(ModelFile.model_id) == Model.id)
            .where(Model.project_id == self.project_id)
            .order_by(col(ModelFile.created_at).desc())
        )
        found: dict[str, Sequence[ModelFile]] = {}
        with self.database.session() as session:
            for name, file in session.exec(query):
                found[name] = [*found.get(name, ()), file]
        return found

    @needs(Action.READ)
    def path_of(self, row: Model | ModelFile) -> Path:
        """Where a model or a file of it is on this machine. Raises BadInput when it is elsewhere."""
        return self.addresses.path(row.path)

    @needs(Action.READ)
    def is_here(self, file: ModelFile) -> bool:
        """Whether the file can be read on this machine now."""
        try:
            return self.path_of(file).is_file()
        except StudioError:
            return False

    @needs(Action.READ)
    def settle(self, text: str) -> Reference:
        """Whether a text names a model of this project, a path, or a model of the hub."""
        return self.references.settle(text, self._known)

    @needs(Action.READ)
    def find(self, name_or_path: str) -> ModelRef:
        """What a name, a folder or a GGUF path stands for on this machine. Raises NotFound for anything else."""
        named = self.settle(name_or_path)
        found = located(Path(named.value)) if named.kind is ReferenceKind.PATH else None
        if found is not None:
            return found
        model = self.get(name_or_path)
        return reference_to(model, self.path_of(model))

    @needs(Action.READ)
    def base_of(self, text: str) -> ModelRef:
        """The folder to train from that a recipe's `base` names: a model, a folder, or a hub id, which is fetched."""
        if self.settle(text).kind is ReferenceKind.HUB:
            fetched = bringing.from_hub(text)
            read_folder(fetched)
            return ModelRef(text, fetched, "folder")
        found = self.find(text)
        if found.gguf_path is not None:
            raise BadInput(f"'{text}' is a GGUF file: it can be asked but not trained. Choose a Hugging Face folder.")
        return found

    @needs(Action.READ)
    def show(self, name: str) -> dict[str, Any]:
        """Everything known of a model: its files, where it came from, and what it may be used for, in words."""
        model = self.get(name)
        with self.database.session() as session:
            files = self._files(session, model)
            chain = lineage.model_lineage(session, model, self._cache)
        verdict = verdict_of(chain)
        return {
            "name": model.name,
            "kind": model.kind,
            "state": model.state,
            "path": self.addresses.shown(model.path),
            "parent": model.parent or None,
            "created_at": model.created_at,
            "detail": model.detail,
            "recipe": model.recipe,
            "lineage": lineage.as_dicts(chain),
            "files": [self.file_report(file) for file in files],
            "commercial_use": verdict.commercial_use,
            "licence_verdict": verdict.words,
        }

    # --- adding

    @needs(Action.BUILD)
    def import_model(
        self,
        path_or_hub: str,
        name: str,
        *,
        in_place: bool = False,
        progress: Progress = bringing.quietly,
        writer: str = "",
    ) -> Model:
        """Brings a Hugging Face folder, a hub id or a GGUF file: checked first, then copied in unless `in_place`. The
        database is asked before and written after; `progress` is told bytes."""
        self._must_be_free(checked_model_name(name))
        named = self.references.settle(path_or_hub, lambda _: False)
        brought = bringing.bring(named, self.folder / name, in_place=in_place, progress=progress, writer=writer)
        model = self._model(name, brought.kind, self.addresses.of(brought.path), detail=brought.detail)
        try:
            with self.database.session() as session:
                session.add(model)
                session.flush()  # From here the name is this model's alone, and so is its folder.
                if brought.gguf:
                    session.add(self._brought_file(model, brought))
                    session.flush()
                if brought.copied:
                    brought.copied.settle()
        except BaseException as exc:
            if brought.copied:
                brought.copied.drop()
            if isinstance(exc, IntegrityError):
                raise NameTaken.of("model", name) from exc
            raise
        return model

    @needs(Action.READ)
    def check_import(self, path_or_hub: str, name: str) -> Reference:
        """What would be brought. Raises `BadInput` for what can be told without copying."""
        self._must_be_free(checked_model_name(name))
        named = self.references.settle(path_or_hub, lambda _: False)
        bringing.check(named)
        return named

    @needs(Action.READ)
    def address_of(self, named: Reference) -> Address:
        """How a job keeps what is to be brought."""
        is_hub = named.kind is ReferenceKind.HUB
        return Address.of_hub(named.value) if is_hub else self.addresses.of(Path(named.value))

    @needs(Action.READ)
    def named_by(self, address: str) -> str:
        """What a person would name to bring what is at an address: a path on this machine, or a hub id."""
        where = Address.parse(address)
        return where.rest if where.scheme == HUB else str(self.addresses.path(where))

    @needs(Action.BUILD)
    def remove_left(self, active: Collection[int]) -> None:
        """Removes the copies that killed imports left, but for those of jobs that may go on."""
        at_work = {bringing.writer_of(job) for job in active}
        bringing.remove_left(self.folder, lambda _, writer: writer not in at_work)

    @needs(Action.BUILD)
    def register_student(
        self,
        name: str,
        *,
        parent: str,
        recipe: dict[str, Any] | None = None,
        detail: dict[str, Any] | None = None,
        state: ModelState = ModelState.TRAINING,
        job_id: int | None = None,
    ) -> Model:
        """A new student whose weights will be at its address, a folder of its own. Raises NameTaken."""
        self._must_be_free(checked_model_name(name))
        address = self.addresses.of(self.folder / name)
        model = self._model(name, "student", address, detail=detail or {}, state=state)
        model.parent, model.recipe, model.job_id = parent, recipe, job_id
        try:
            with self.database.session() as session:
                session.add(model)
        except IntegrityError as exc:
            raise NameTaken.of("model", name) from exc
        return model

    @needs(Action.BUILD)
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

    @needs(Action.BUILD)
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

    @needs(Action.READ)
    def file_report(self, file: ModelFile) -> dict[str, Any]:
        """A GGUF file as commands and pages report it."""
        return {
            "path": self.addresses.shown(file.path),
            "quantization": file.quantization,
            "tensor_types": file.tensor_types,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "parity": file.parity,
        }

    # --- the rest

    def _files(self, session: Session, model: Model) -> Sequence[ModelFile]:
        query = select(ModelFile).where(ModelFile.model_id == model.id)
        return session.exec(query.order_by(col(ModelFile.created_at).desc())).all()

    def _row(self, session: Session, name: str) -> Model | None:
        return session.exec(select(Model).where(Model.project_id == self.project_id, Model.name == name)).first()

    def _known(self, name: str) -> bool:
        if name == PRACTICE_BASE:
            return True
        with self.database.session() as session:
            found = self._row(session, name)
            return found is not None and found.binned_at is None

    def _must_be_free(self, name: str) -> None:
        """Also of a model in the bin, and of one that was called so before: its files lie in a folder of that name.
        Names that differ only in case are one folder on other systems."""
        folder = str(self.addresses.of(self.folder / name))
        same = (func.lower(Model.name) == name.lower()) | (func.lower(Model.path) == func.lower(folder))
        with self.database.session() as session:
            found = session.exec(select(Model).where(col(Model.project_id) == self.project_id, same)).first()
        if found is not None or name.lower() == PRACTICE_BASE:
            raise taken(name, found)

    def _model(
        self,
        name: str,
        kind: str,
        address: Address,
        *,
        detail: dict[str, Any],
        state: ModelState = ModelState.READY,
    ) -> Model:
        return Model(project_id=self.project_id, name=name, kind=kind, path=str(address), detail=detail, state=state)

    def _brought_file(self, model: Model, brought: bringing.Brought) -> ModelFile:
        assert model.id is not None and brought.gguf is not None
        return ModelFile(
            model_id=model.id,
            quantization=brought.gguf.quantization,
            path=str(self.addresses.of(brought.path)),
            bytes=brought.gguf.bytes,
            sha256=brought.sha256,
            tensor_types=brought.gguf.tensor_types,
        )

    def _ensure_practice_base(self) -> None:
        """The row of the shipped base is made when it is missing; looked for once by all who share the cache."""
        self._cache.get((PRACTICE_BASE, self.project_id), "", self._make_practice_base)

    def _make_practice_base(self) -> None:
        folder = self.settings.assets / PRACTICE_BASE
        if not (folder / "config.json").is_file():
            return
        with suppress(IntegrityError), self.database.session() as session:  # another thread may be making it too
            if self._row(session, PRACTICE_BASE) is None:
                detail = read_folder(folder).detail()
                session.add(self._model(PRACTICE_BASE, "base", Address.shipped(PRACTICE_BASE), detail=detail))
