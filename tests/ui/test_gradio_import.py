"""Gradio is imported without what its pages do not need, and everything is there once it is asked for."""

import subprocess
import sys

import pytest


def _python(program: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_pages_load_no_pandas() -> None:
    said = _python(
        "import sys; from studio.ui import shell; print([n for n in ('pandas', 'pyarrow') if n in sys.modules])"
    )
    assert said == "[]"


def test_no_stubs_are_written_while_gradio_is_imported() -> None:
    said = _python(
        "import jinja2, studio.ui\n"
        "filled, fill = [], jinja2.Template.render\n"
        "jinja2.Template.render = lambda *values, **named: filled.append(named) or fill(*values, **named)\n"
        "import gradio\n"
        "print(sum('contents' in named for named in filled), callable(gradio.Button.click))"
    )
    assert said == "0 True"


@pytest.mark.parametrize(
    "use",
    [
        "import pandas; assert pandas.DataFrame is gradio.caching.pd.DataFrame",
        "assert gradio.caching.pd.DataFrame.__module__.startswith('pandas'); import pandas.core.frame",
        "from pandas import DataFrame; assert gradio.caching.pd.DataFrame is DataFrame",
        "import pandas.core.frame, pandas; assert pandas.core.frame.DataFrame is pandas.DataFrame",
    ],
)
def test_pandas_is_there_when_it_is_used(use: str) -> None:
    assert _python(f"from studio.ui import shell; import gradio.caching; {use}; print('used')") == "used"


@pytest.mark.parametrize(
    "use",
    [
        "from pandas import DataFrame; assert DataFrame.__module__.startswith('pandas')",
        "import pandas; assert pandas.DataFrame",
        "import importlib.util; assert importlib.util.find_spec('pandas').name == 'pandas'",
    ],
)
def test_whoever_uses_pandas_while_gradio_is_imported_has_it(use: str) -> None:
    said = _python(
        "import sys\n"
        "from studio.ui.gradio_import import _later\n"
        "with _later('pandas'):\n"
        f"    {use}\n"
        "import pandas\n"
        "print(pandas.DataFrame.__name__, sys.modules['pandas'] is pandas)"
    )
    assert said == "DataFrame True"


def test_gradio_that_was_there_before_is_left_alone() -> None:
    said = _python(
        "import sys, gradio, studio.ui\n"
        "print(any(type(finder).__name__ == '_Lean' for finder in sys.meta_path), 'pandas' in sys.modules)"
    )
    assert said == "False True"


def test_nothing_stays_in_the_way_of_later_imports() -> None:
    said = _python("import sys, studio.ui, gradio; print(any('_Lean' in repr(finder) for finder in sys.meta_path))")
    assert said == "False"
