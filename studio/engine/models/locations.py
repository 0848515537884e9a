"""Where the files of a model are, whether they are there, and which names they keep from others."""

from pathlib import Path

from studio.engine.domain.states import ModelState
from studio.engine.errors import BadInput, NameTaken
from studio.engine.models.folder import read_folder
from studio.engine.models.gguf_file import is_gguf, read_gguf
from studio.engine.models.source import ModelRef
from studio.engine.store.tables import Model


def reference_to(model: Model, path: Path) -> ModelRef:
    """What the model whose files are at `path` stands for. Raises BadInput for one whose files are not there."""
    if model.kind == "gguf":
        if not path.is_file():
            raise BadInput(f"The file of model '{model.name}' is gone from {path}. Put it back or import it again.")
        return ModelRef(model.name, path.parent, model.kind, path)
    if not (path / "config.json").is_file():
        state = (
            "has no weights yet (it is still training)"
            if model.state == ModelState.TRAINING
            else f"is gone from {path}"
        )
        raise BadInput(f"Model '{model.name}' {state}. Wait for its training, or import or train it again.")
    return ModelRef(model.name, path, model.kind)


def located(path: Path) -> ModelRef | None:
    """The model in a folder or GGUF file that no project knows; None when the path is neither."""
    real = path.resolve()
    if path.is_dir():
        read_folder(path)
        return ModelRef(real.name, real, "folder")
    if path.is_file() and (path.suffix == ".gguf" or is_gguf(path)):
        read_gguf(path)
        return ModelRef(path.stem, real.parent, "gguf", real)
    return None


def taken(name: str, found: Model | None) -> NameTaken:
    """Why a model cannot have a name: `found` has it, or had it before; None for the name of the practice base."""
    if found is not None and found.binned_at is not None:
        return NameTaken(
            f"The model '{found.name}' is in the bin and keeps its name there. Choose another name, or bring "
            f"it back with `understudy restore model {found.name}`."
        )
    if found is not None and found.name.lower() != name.lower():
        return NameTaken(
            f"'{name}' is what the model '{found.name}' was called before, and its files still are. Choose another "
            "name."
        )
    return NameTaken.of("model", found.name if found is not None else name)
