"""What users name becomes a path in one place, and never one outside the folders that an instance allows."""

import os
from pathlib import Path

import pytest

from studio.engine.domain.reference import Reference, ReferenceKind
from studio.engine.errors import BadInput, NotAllowed
from studio.engine.settings import Settings
from studio.engine.store.addresses import Addresses
from studio.engine.store.references import References
from studio.engine.store.roots import Roots


def nothing(_name: str) -> bool:
    return False


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


@pytest.fixture
def hosted(settings: Settings, allowed: Path, tmp_path: Path) -> Settings:
    """An instance that lets two folders in, one of which is not there."""
    return settings.model_copy(update={"allowed_roots": f"{allowed}{os.pathsep}{tmp_path / 'absent'}"})


def test_the_project_knows_best_then_the_disk_then_the_hub(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "name").mkdir(parents=True)
    references = References(settings)
    assert references.settle("org/name", lambda _: True) == Reference(ReferenceKind.NAME, "org/name")
    assert references.settle("org/name", nothing) == Reference(ReferenceKind.PATH, str(tmp_path / "org" / "name"))
    assert references.settle("org/other", nothing) == Reference(ReferenceKind.HUB, "org/other")
    assert references.settle("nobody", nothing) == Reference(ReferenceKind.NAME, "nobody")
    url = (tmp_path / "org").as_uri()
    assert references.settle(url, nothing) == Reference(ReferenceKind.PATH, str(tmp_path / "org"))


def test_a_path_outside_the_roots_is_refused_whether_or_not_it_is_there(hosted: Settings, tmp_path: Path) -> None:
    references = References(hosted)
    for outside in (tmp_path / "workspace" / "understudy.db", tmp_path / "nowhere.gguf", Path("/etc/passwd")):
        with pytest.raises(NotAllowed, match="allowed"):
            references.settle(str(outside), nothing)
        with pytest.raises(NotAllowed):
            references.source(outside)
        with pytest.raises(NotAllowed):
            references.target(outside)
    with pytest.raises(NotAllowed):
        references.settle(f"{tmp_path}/allowed/../workspace", nothing)


def test_a_name_that_happens_to_be_a_forbidden_folder_is_just_a_name(
    hosted: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert References(hosted).settle("workspace", nothing) == Reference(ReferenceKind.NAME, "workspace")


def test_paths_in_the_roots_and_what_was_sent_or_shipped_are_let_in(hosted: Settings, allowed: Path) -> None:
    (allowed / "base").mkdir()
    references = References(hosted)
    assert references.settle(str(allowed / "base"), nothing).kind is ReferenceKind.PATH
    assert references.source(hosted.workspace / "uploads" / "a.jsonl")
    assert references.source(hosted.assets / "practice-base")
    assert references.target(allowed / "new.gguf") == allowed / "new.gguf"


def test_symbolic_links_are_followed_before_a_path_is_let_in(hosted: Settings, allowed: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "config.json").write_text("{}")
    (allowed / "door").symlink_to(outside)
    (allowed / "base").mkdir()
    (allowed / "base" / "config.json").symlink_to(outside / "config.json")
    references = References(hosted)
    for path in (allowed / "door", allowed / "door" / "config.json", allowed / "base"):
        with pytest.raises(NotAllowed):
            references.settle(str(path), nothing)
    with pytest.raises(NotAllowed):
        references.target(allowed / "door" / "new.gguf")


def hub_cache(folder: Path) -> Path:
    """A snapshot as huggingface_hub keeps it: each file a link into `blobs` beside `snapshots`."""
    snapshot, blobs = folder / "models--org--name" / "snapshots" / "abc", folder / "models--org--name" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "123").write_text("{}")
    (snapshot / "config.json").symlink_to(Path("../../blobs/123"))
    return snapshot


@pytest.mark.parametrize("root", ["", "models--org--name/snapshots"])
def test_the_hubs_own_cache_keeps_working(settings: Settings, allowed: Path, root: str) -> None:
    snapshot = hub_cache(allowed)
    references = References(settings.model_copy(update={"allowed_roots": str(allowed / root)}))
    assert references.settle(str(snapshot), nothing).kind is ReferenceKind.PATH
    assert references.settle(str(snapshot / "config.json"), nothing).kind is ReferenceKind.PATH


def test_a_snapshot_that_links_elsewhere_is_refused(hosted: Settings, allowed: Path, tmp_path: Path) -> None:
    snapshot = hub_cache(allowed)
    (tmp_path / "secret").write_text("")
    (snapshot / "tokenizer.json").symlink_to(tmp_path / "secret")
    with pytest.raises(NotAllowed):
        References(hosted).settle(str(snapshot), nothing)


@pytest.mark.parametrize("text", ["s3://bucket/base", "https://example.org/rows.jsonl", "GS://bucket/a.gguf"])
def test_an_address_elsewhere_is_never_taken_for_a_path(settings: Settings, text: str) -> None:
    references = References(settings)
    for ask in (references.source, references.rows, references.target, references.text_of):
        with pytest.raises(BadInput, match="not on this machine"):
            ask(text)


def test_addresses_are_relative_inside_the_workspace_and_urls_outside(settings: Settings, tmp_path: Path) -> None:
    addresses = Addresses(settings)
    inside, outside = settings.workspace / "models" / "1" / "kid", tmp_path / "a b" / "base"
    assert str(addresses.of(inside)) == "models/1/kid"
    assert str(addresses.of(settings.assets / "practice-base")) == "assets://practice-base"
    assert str(addresses.of(outside)) == outside.as_uri()
    for path in (inside, outside, settings.assets / "practice-base"):
        assert addresses.path(str(addresses.of(path))) == path


def test_a_link_to_the_workspace_is_the_workspace(settings: Settings, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(settings.workspace)
    assert str(Addresses(settings).of(link / "models" / "1")) == "models/1"
    linked = Addresses(settings.model_copy(update={"workspace": link}))
    assert str(linked.of(settings.workspace / "models" / "1")) == "models/1"


@pytest.mark.parametrize("url", ["s3://bucket/base", "hf://org/name"])
def test_what_is_elsewhere_is_one_sentence(settings: Settings, url: str) -> None:
    with pytest.raises(BadInput, match="local files only"):
        Addresses(settings).path(url)


def test_a_stored_place_that_may_not_be_named_any_more_is_refused(hosted: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        Addresses(hosted).path((tmp_path / "base").as_uri())


def test_on_ones_own_machine_every_path_may_be_named(settings: Settings) -> None:
    assert Roots.of(settings).admits(Path("/etc/passwd"))
