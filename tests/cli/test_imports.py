"""What a fresh interpreter loads: the time to the first help line and to the first picture depend on it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "onnxruntime", "onnx", "av", "pyvips", "torch", "rich"}


def modules_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import stylecli") & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["image"],
        ["video"],
        ["batch"],
        ["split"],
        ["assemble"],
        ["evaluate"],
        ["styles"],
        ["train"],
        ["optimize"],
        ["bench"],
        ["demo"],
        ["pipe"],
        ["spool"],
        ["doctor"],
        ["serve"],
        ["gallery"],
    ],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"from stylecli.cli import main\ntry:\n    main({[*arguments, '--help']!r})\nexcept SystemExit:\n    pass"
    assert not modules_after(code) & HEAVY


def test_inference_never_loads_torch() -> None:
    code = (
        "import numpy, stylecli\nstylecli.load_style('great-wave')(numpy.zeros((8, 8, 3), 'u1'))\n"
        "from stylecli.stylize import demo, sheet\nimport stylecli.stylize.pictures.run, stylecli.stylize.videos.run"
    )
    loaded = modules_after(code)
    assert "onnxruntime" in loaded
    assert "torch" not in loaded
