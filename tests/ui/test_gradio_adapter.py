"""What the adapter counts on in Gradio. A red test after an upgrade: Gradio behaves otherwise now."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio.routes import App
from starlette.testclient import TestClient

from studio.ui import gradio_adapter, gradio_files

SEEN: dict[str, Any] = {}


def _first(blocks: gr.Blocks) -> None:
    upload, path = gr.File(elem_id="upload"), gr.Textbox(elem_id="path")
    upload.change(lambda file: str(file), upload, path, queue=False)


def _second(blocks: gr.Blocks) -> None:
    shown = gr.Textbox(elem_id="shown")

    def read(request: gr.Request) -> str:
        SEEN["query"], SEEN["same"] = dict(request.query_params), gradio_adapter.current_request()
        return "read"

    blocks.load(read, None, shown, queue=False)


@pytest.fixture(scope="module")
def blocks() -> gr.Blocks:
    return gradio_adapter.book("T", [("one", "/", _first), ("two", "/two", _second)])


@pytest.fixture(scope="module")
def app(blocks: gr.Blocks) -> FastAPI:
    return gradio_adapter.mounted(blocks, gr.themes.Base())


def _call(app: FastAPI, blocks: gr.Blocks, target: str, data: list[Any], referer: str) -> Any:
    wanted = next(one for one in blocks.config["dependencies"] if one["targets"][0][1] == target)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        return client.post(
            f"/gradio_api/run/predict{referer}",
            json={"data": data, "fn_index": wanted["id"], "session_hash": "abc"},
        )


def test_a_book_describes_its_pages_once_all_are_there(blocks: gr.Blocks) -> None:
    pages = blocks.config["page"]
    assert set(pages) == {"", "two"}
    assert pages[""]["components"] and pages["two"]["components"]


def test_no_app_is_made_before_the_pages_are_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    make = App.create_app
    gradio_adapter.book("T", [("one", "/", _first), ("two", "/two", _second)])
    assert App.create_app is make, "the patch is taken back"


def test_the_mounted_app_is_the_one_that_queued_events_ask(app: FastAPI, blocks: gr.Blocks) -> None:
    assert any(getattr(route, "app", None) is blocks.app for route in app.routes)


def test_a_page_begins_where_the_frame_is_put(app: FastAPI) -> None:
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        for path in ("/", "/two"):
            assert client.get(path, headers={"accept-encoding": ""}).text.count(gradio_adapter.APP_TAG) == 1
            assert gradio_adapter.HASHED_FILES[1:] in client.get(path).text


def test_a_page_has_the_frame_around_it_and_names_no_other_site(app: FastAPI) -> None:
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        page = client.get("/", headers={"accept-encoding": ""}).text
    framed = gradio_adapter.framed(page, nonce="n1", attributes='lang="xx"', head="<i>head</i>", before="<i>before</i>")
    assert framed.count('<html lang="xx">') == framed.count("<i>head</i></head>") == 1
    assert framed.count("<i>before</i>" + gradio_adapter.APP_TAG) == 1
    assert framed.count("<script") == framed.count('<script nonce="n1"') > 0
    elsewhere = re.compile(r"<(?:link|meta|script)\b[^>]*\"https?://|<base\b")
    assert elsewhere.search(page) and not elsewhere.search(framed)


def test_the_files_that_a_page_will_ask_for_are_known(blocks: gr.Blocks) -> None:
    types = gradio_adapter.types_on(blocks)
    assert set(types) == {"", "two"} and "file" in types[""] and "file" not in types["two"]
    first, second = (set(gradio_files.needed_by(types[name])) for name in ("", "two"))
    assert second < first, "the second page has no upload"
    names = {path.removeprefix("/assets/").rpartition("-")[0] for path in second}
    assert {"Index", "Blocks", "core"} <= names and all(path.startswith("/assets/") for path in first)
    assert all((gradio_files.FILES / path[1:]).is_file() for path in first)


def test_a_gradio_that_is_built_otherwise_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    for page in (None, "<p>no script</p>", '<script type="module" crossorigin src="./assets/a.js"></script>'):
        if page is not None:
            (tmp_path / "index.html").write_text(page)
        (tmp_path / "assets" / "a.js").write_text("import(`./Index-x.js`)")
        monkeypatch.setattr(gradio_files, "FILES", tmp_path)
        gradio_files._found.cache_clear()
        assert gradio_files.needed_by(["html"]) == []
    gradio_files._found.cache_clear()


def test_a_page_is_the_same_for_everybody_who_asks_under_one_address(app: FastAPI) -> None:
    """So it may be kept. What it depends on is told apart by `page_depends_on`."""
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:

        def page(query: str = "", **headers: str) -> str:
            return client.get(f"/two{query}", headers={"accept-encoding": "", **headers}).text

        assert page() == page("?project=x&run=7") == page(cookie="a=b", referer="http://127.0.0.1:7860/?lang=zh")
        assert page() != page(**{"x-forwarded-host": "studio.example"})
    asked = {
        "path": "/two",
        "scheme": "http",
        "query_string": b"project=x",
        "headers": [(b"host", b"a"), (b"cookie", b"c")],
    }
    same = {**asked, "query_string": b"", "headers": [(b"host", b"a")]}
    assert gradio_adapter.page_depends_on(asked) == gradio_adapter.page_depends_on(same)
    for other in ({"path": "/"}, {"scheme": "https"}, {"headers": [(b"host", b"b")]}, {"query_string": b"deep_link=1"},
                  {"headers": [(b"host", b"a"), (b"x-forwarded-host", b"b")]}):  # fmt: skip
        assert gradio_adapter.page_depends_on({**same, **other}) != gradio_adapter.page_depends_on(same)


def test_gradios_style_may_be_kept_by_the_browser(app: FastAPI) -> None:
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        assert client.get(gradio_adapter.THEME).status_code == 200
        assert client.get("/config").json()["theme_hash"]
    for path, query, lasts in (("/theme.css", b"v=1", True), ("/theme.css", b"", False), ("/assets/x", b"", True)):
        assert gradio_adapter.never_changes({"path": path, "query_string": query}) is lasts


def test_a_handler_knows_the_query_of_its_request(app: FastAPI, blocks: gr.Blocks) -> None:
    answer = _call(app, blocks, "load", [], "?project=haiku&run=7")
    assert answer.status_code == 200 and answer.json()["data"] == ["read"]
    assert SEEN["query"] == {"project": "haiku", "run": "7"}
    assert SEEN["same"] is not None and gradio_adapter.current_request() is None


def test_an_event_cannot_name_a_file_that_was_not_uploaded(app: FastAPI, blocks: gr.Blocks) -> None:
    made_up = {"path": str(Path(__file__)), "meta": {"_type": "gradio.FileData"}}
    answer = _call(app, blocks, "change", [made_up], "")
    assert answer.status_code != 200


def test_a_word_that_gradio_lacks_is_given_to_it(blocks: gr.Blocks) -> None:
    app = gradio_adapter.mounted(blocks, gr.themes.Base(), {"common.complete": "Fertig"})
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        given = client.get("/config").json()["i18n_translations"]
    assert set(given) == set(gradio_adapter.LOCALES) and all(
        one == {"common.complete": "Fertig"} for one in given.values()
    )


def test_an_update_is_compared_by_its_arguments() -> None:
    shown = gradio_adapter.shown_by
    assert shown(gr.Button(visible=True)) == shown(gr.Button(visible=True)) != shown(gr.Button(visible=False))
    assert shown("text") == "text"


def test_a_page_is_asked_for_uncompressed() -> None:
    scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip"), (b"host", b"x")]}
    assert gradio_adapter.uncompressed(scope)["headers"] == [(b"host", b"x")]


def test_gradio_renders_on_no_server_of_its_own_and_keeps_no_history_of_runs() -> None:
    """Of Gradio 6.31 it is known that a forged Host and the history of runs let a stranger in where they are on."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(gradio_adapter))) if isinstance(node, ast.Call)]
    mounts = [call for call in calls if getattr(call.func, "attr", "") in ("mount_gradio_app", "launch")]
    assert mounts
    for call in mounts:
        given = {option.arg: ast.unparse(option.value) for option in call.keywords}
        assert (given.get("ssr_mode"), given.get("run_history")) == ("False", "False")
