"""From a student to a GGUF file that answers offline, and the proof that it answers like the original."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.export.converter import converter_folder, fetch_converter
    from studio.engine.export.exporting import EXPORT, Exporting
    from studio.engine.export.quantizations import QUANTIZATIONS, USUAL_QUANTIZATIONS

__all__ = ["EXPORT", "QUANTIZATIONS", "USUAL_QUANTIZATIONS", "Exporting", "converter_folder", "fetch_converter"]

__getattr__ = on_demand(
    __name__,
    {
        "converter": ("converter_folder", "fetch_converter"),
        "exporting": ("EXPORT", "Exporting"),
        "quantizations": ("QUANTIZATIONS", "USUAL_QUANTIZATIONS"),
    },
)
