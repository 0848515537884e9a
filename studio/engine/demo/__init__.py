"""The whole loop on the practice world, once, with every figure measured: what `understudy demo` runs."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.demo.demo import run_demo
    from studio.engine.demo.sizes import DEMO
    from studio.engine.demo.table import report_tables

__all__ = ["DEMO", "report_tables", "run_demo"]

__getattr__ = on_demand(
    __name__,
    {
        "demo": ("run_demo",),
        "sizes": ("DEMO",),
        "table": ("report_tables",),
    },
)
