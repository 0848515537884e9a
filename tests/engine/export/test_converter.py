"""Fetching llama.cpp's converter: by pip, without building, whole or not at all."""

import io
import json
import tarfile
from importlib import metadata

import pytest

from studio.engine.errors import MissingPart
from studio.engine.export import converter
from studio.engine.settings import Settings

VERSION = metadata.version("llama-cpp-python")
FILES = {
    "vendor/llama.cpp/convert_hf_to_gguf.py": "print('convert')",
    "vendor/llama.cpp/conversion/llama.py": "class Llama: ...",
    "vendor/llama.cpp/gguf-py/gguf/__init__.py": "",
    "vendor/llama.cpp/gguf-py/tests/test_gguf.py": "",
    "vendor/llama.cpp/LICENSE": "MIT",
    "vendor/llama.cpp/src/llama.cpp": "int main() {}",
    "pyproject.toml": '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n',
    "setup.py": "raise SystemExit('code of the distribution ran')",
}


def make_sdist(folder, *, version=VERSION, name="llama_cpp_python", files=FILES, called=VERSION):
    """A source distribution of the given contents under the right file name."""
    path = folder / f"llama_cpp_python-{called}.tar.gz"
    root = f"llama_cpp_python-{called}"
    info = {"PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    with tarfile.open(path, "w:gz") as tar:
        for inside, text in {**info, **files}.items():
            entry = tarfile.TarInfo(f"{root}/{inside}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def settings(tmp_path):
    return Settings(workspace=tmp_path / "workspace", tools=tmp_path / "tools")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all pip may look at."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def test_pip_fetches_the_source_of_the_installed_version_without_building_it(settings, index):
    archive = make_sdist(index)
    folder = converter.fetch_converter(settings)
    assert converter.converter_folder(settings) == folder
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "convert_hf_to_gguf.py", "conversion/llama.py", "gguf-py/gguf/__init__.py", "LICENSE", "manifest.json",
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["version"] == VERSION
    assert manifest["sha256"] == converter.sha256_of(archive)
    assert [path.name for path in settings.tools.iterdir()] == [folder.name]


def test_archive_cannot_write_outside_its_folder(settings, tmp_path, monkeypatch):
    files = {**FILES, "vendor/llama.cpp/conversion/../../../../escaped.py": "raise SystemExit"}
    archive = make_sdist(tmp_path, files=files)
    monkeypatch.setattr(converter, "_download", lambda folder, version: archive)
    assert (converter.fetch_converter(settings) / "convert_hf_to_gguf.py").is_file()
    assert not list(tmp_path.rglob("escaped.py"))


def test_second_fetch_does_nothing_and_a_changed_file_is_mended(settings, index):
    archive = make_sdist(index)
    folder = converter.fetch_converter(settings)
    archive.rename(index / "away")
    assert converter.fetch_converter(settings) == folder
    (folder / "convert_hf_to_gguf.py").write_text("changed")
    (index / "away").rename(archive)
    converter.fetch_converter(settings)
    assert (folder / "convert_hf_to_gguf.py").read_text() == "print('convert')"


def test_missing_source_says_what_to_do_and_leaves_nothing(settings, index):
    with pytest.raises(MissingPart, match="understudy setup"):
        converter.fetch_converter(settings)
    assert list(settings.tools.iterdir()) == []


def test_without_a_fetch_the_remedy_is_setup(settings):
    with pytest.raises(MissingPart, match="understudy setup"):
        converter.converter_folder(settings)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"version": "0.0.1"}, "0.0.1"),
        ({"name": "something-else"}, "something-else"),
        ({"files": {"pyproject.toml": FILES["pyproject.toml"]}}, "holds no"),
    ],
)
def test_wrong_archive_is_refused(settings, tmp_path, monkeypatch, made, says):
    archive = make_sdist(tmp_path, **made)
    monkeypatch.setattr(converter, "_download", lambda folder, version: archive)
    with pytest.raises(MissingPart, match=says):
        converter.fetch_converter(settings)
    assert list(settings.tools.iterdir()) == []


def test_damaged_archive_is_refused(settings, tmp_path, monkeypatch):
    archive = make_sdist(tmp_path)
    archive.write_bytes(archive.read_bytes()[:300])
    monkeypatch.setattr(converter, "_download", lambda folder, version: archive)
    with pytest.raises(MissingPart, match="damaged"):
        converter.fetch_converter(settings)
    assert list(settings.tools.iterdir()) == []
