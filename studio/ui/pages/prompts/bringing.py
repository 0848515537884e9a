"""The form that imports a file: it shows what the file is taken for, lets the columns be chosen, then imports."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from studio.engine.errors import BadInput
from studio.engine.prompts import FORMATS
from studio.ui import links, parts
from studio.ui.pages.prompts import views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

FILE_TYPES = [".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".gz"]
MAPPED = ("prompt", "system", "answer", "task", "id")
AUTO = FORMATS[0]


def build(studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    parts.html(Markup('<h2 class="section-title">{}</h2>').format(t("import.title")))
    file = gr.File(label=t("import.file"), file_types=FILE_TYPES, type="filepath", elem_id="prompts-import-file")
    preview = parts.html(elem_id="prompts-import-preview")
    with gr.Accordion(t("import.columns"), open=False, visible=False, elem_id="prompts-import-map") as columns:
        format_ = gr.Dropdown(list(FORMATS), value=AUTO, label=t("format"), elem_id="prompts-import-format")
        boxes = [
            gr.Dropdown([""], value="", label=t(f"field.{field}"), elem_id=f"prompts-import-{field}")
            for field in MAPPED
        ]
    name = gr.Textbox(label=t("source.name"), max_lines=1, elem_id="prompts-import-name")
    button = gr.Button(t("import"), variant="primary", interactive=False, elem_id="prompts-import-button")

    def recognise(request: gr.Request, path: str | None, format: str, given: str) -> dict[Any, Any]:
        """A new file or another format: the columns are guessed anew."""
        if not path:
            return {preview: "", columns: gr.Accordion(visible=False), button: gr.Button(interactive=False)}
        here = parts.project_of(request, studio)
        names = here.prompts.columns(Path(path), format)
        suggested = {name: given or Path(path).name.split(".")[0]}
        try:
            found = here.prompts.preview(Path(path), format)
        except BadInput:
            return suggested | choices_of(boxes, names, {}) | {
                preview: str(views.no_preview(t, names)),
                columns: gr.Accordion(visible=True, open=True),
                button: gr.Button(interactive=False),
            }  # fmt: skip
        return suggested | choices_of(boxes, names, found.mapping) | {
            preview: str(views.preview(t, found)),
            columns: gr.Accordion(visible=True),
            button: gr.Button(interactive=True),
        }  # fmt: skip

    def remap(request: gr.Request, path: str | None, format: str, *chosen: str | None) -> dict[Any, Any]:
        """Other columns were chosen: the same file seen through them."""
        if not path:
            return {preview: ""}
        found = parts.project_of(request, studio).prompts.preview(Path(path), format, mapping_of(chosen))
        return {preview: str(views.preview(t, found)), button: gr.Button(interactive=True)}

    def bring(request: gr.Request, path: str | None, named: str, format: str, *chosen: str | None) -> str:
        if not path:
            raise BadInput(t("import.first"))
        here = parts.project_of(request, studio)
        told = gr.Progress()
        report = here.prompts.import_file(
            Path(path), named, format=format, mapping=mapping_of(chosen),
            progress=lambda done, total, message: told(None, desc=f"{done:,} {message}"),
        )  # fmt: skip
        return links.to("prompts", here, source=report.source)

    private: dict[str, Any] = {"api_visibility": "private"}
    looked = [preview, columns, button, name, *boxes]
    file.change(parts.run_safely(recognise, t), [file, format_, name], looked, show_progress="minimal", **private)
    format_.input(parts.run_safely(recognise, t), [file, format_, name], looked, show_progress="hidden", **private)
    for box in boxes:
        seen = [file, format_, *boxes]
        box.input(parts.run_safely(remap, t), seen, [preview, button], show_progress="hidden", **private)
    given = [file, name, format_, *boxes]
    button.click(parts.run_safely(bring, t), given, goto, show_progress_on=button, **private)


def mapping_of(chosen: tuple[str | None, ...]) -> dict[str, str] | None:
    """The column map that the boxes spell; None, for what was recognised, while no box names the prompt."""
    mapping = {field: column for field, column in zip(MAPPED, chosen, strict=True) if column}
    return mapping if "prompt" in mapping else None


def choices_of(boxes: list[gr.Dropdown], names: list[str], mapping: dict[str, str]) -> dict[Any, Any]:
    """Updates that offer a file's columns in every box, with what was guessed chosen where it is a column."""
    taken = {field: column if column in names else "" for field, column in mapping.items()}
    if taken.get("prompt", "") == "":
        taken = {}
    return {
        box: gr.Dropdown(["", *names], value=taken.get(field, "")) for box, field in zip(boxes, MAPPED, strict=True)
    }
