from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stylecli import load_style
from stylecli.media.pixels import to_unit
from tests.support.documents import blocks
from tests.support.packs import NORMALIZING_REACH, normalizing_model, write_style

pytestmark = [
    pytest.mark.blender,
    pytest.mark.skipif(not shutil.which("blender"), reason="no Blender: run tests/editors/blender/setup.sh"),
]

PATIENCE = 120  # seconds
# What runs inside: `result` is what is handed back.
FRAME = """
import bpy, json, sys
bpy.ops.preferences.addon_enable(module="stylecli")
photo = sys.argv[sys.argv.index("--") + 1]
image = bpy.data.images.load(photo)
faults = []
def stylize(**options):
    try:
        return sorted(bpy.ops.image.stylecli(image=image.name, **options))
    except RuntimeError as fault:  # so Blender tells a script what the operator reports
        return str(fault)
{code}
print("RESULT" + json.dumps(result))
"""


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give Blender's own folder of scripts, with our add-on in it, and a style `tiny`."""
    scripts = tmp_path / "scripts"
    monkeypatch.setenv("BLENDER_USER_SCRIPTS", str(scripts))
    monkeypatch.setenv("STYLECLI_STYLES", str(write_style(tmp_path / "shelf").parent))
    subprocess.run([sys.executable, "-m", "stylecli", "plugins", "install", "blender"], check=True)
    return scripts


@pytest.fixture
def photo(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(photo[60:220, 100:300])).save(path)
    return path


def blender(photo: Path, code: str) -> Any:
    script = photo.with_name("inside.py")
    script.write_text(FRAME.replace("{code}", code))
    command = ["blender", "--background", "--factory-startup", "--python", script, "--", photo]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert results, done.stdout + done.stderr
    return json.loads(results[0].removeprefix("RESULT"))


def test_the_pixels_are_those_of_the_command_line(scripts: Path, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    code = (
        f"result = stylize(name='tiny')\nimage.filepath_raw, image.file_format = {str(output)!r}, 'PNG'\nimage.save()"
    )
    assert blender(photo, code) == ["FINISHED"]
    with load_style(str(tmp_path / "shelf/tiny")) as style:
        unit = style(to_unit(np.asarray(Image.open(photo))))
    expected = np.floor(unit * 255 + 0.5)  # Blender rounds floats itself, and halves up
    assert np.array_equal(np.asarray(Image.open(output))[..., :3], expected)


def test_every_choice_reaches_the_network(scripts: Path, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    options = "name='tiny', strength=0.5, brush=2.0, preserve_color=True"
    code = f"result = stylize({options})\nimage.filepath_raw, image.file_format = {str(output)!r}, 'PNG'\nimage.save()"
    assert blender(photo, code) == ["FINISHED"]
    with load_style(str(tmp_path / "shelf/tiny")) as style:
        expected = style(np.asarray(Image.open(photo)), strength=0.5, brush=2.0, preserve_color=True)
    difference = np.abs(np.asarray(Image.open(output))[..., :3].astype(int) - expected)
    assert difference.max() <= 1  # between the steps of the look Blender's floats are not rounded, bytes are


def test_a_second_style_is_blended_with_the_first(scripts: Path, photo: Path, tmp_path: Path) -> None:
    model = normalizing_model()
    write_style(tmp_path / "shelf", "another", model=model, statistics="patches", reach=NORMALIZING_REACH)
    output = tmp_path / "out.png"
    options = "name='tiny', second='another', share=0.4"
    code = f"result = stylize({options})\nimage.filepath_raw, image.file_format = {str(output)!r}, 'PNG'\nimage.save()"
    assert blender(photo, code) == ["FINISHED"]
    with load_style("tiny:0.6+another:0.4", styles_dir=tmp_path / "shelf") as style:
        unit = style(to_unit(np.asarray(Image.open(photo))))
    assert np.array_equal(np.asarray(Image.open(output))[..., :3], np.floor(unit * 255 + 0.5))


def test_light_keeps_its_highlights(scripts: Path, photo: Path) -> None:
    code = (
        "light = bpy.data.images.new('light', 64, 48, float_buffer=True)\n"
        "light.pixels.foreach_set([6.0, 6.0, 6.0, 1.0] * (64 * 48))\nimage = light\n"
        "result = [stylize(name='tiny'), max(light.pixels)]"
    )
    status, brightest = blender(photo, code)
    assert status == ["FINISHED"]
    assert brightest > 4


def test_the_styles_are_in_its_list(scripts: Path, photo: Path) -> None:
    code = (
        "import stylecli\nresult = [name for name, *_ in stylecli._styles(None, None)]\n"
        "assert stylize(style='tiny') == ['FINISHED']"
    )
    assert "tiny" in blender(photo, code)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/python"], "stylecli plugins install blender"),
        (["/bin/sh", "-c", "cat > /dev/null; exit 7"], "exit code 7"),
    ],
)
def test_a_failure_is_a_message_and_an_unchanged_image(
    scripts: Path, photo: Path, command: list[str], words: str
) -> None:
    config = scripts / "addons/stylecli/stylecli.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "command": command}))
    code = "before = list(image.pixels)\nresult = [stylize(name='tiny'), list(image.pixels) == before]"
    message, is_unchanged = blender(photo, code)
    assert words in message
    assert is_unchanged


def test_an_unknown_style_is_named(scripts: Path, photo: Path) -> None:
    assert "no-such-style" in blender(photo, "result = stylize(name='no-such-style')")


def test_the_example_of_the_documents_works(scripts: Path, photo: Path, tmp_path: Path) -> None:
    (example,) = blocks("docs/editors.md", "Blender", "python")
    output = tmp_path / "out.png"
    code = f"{example}result = None\nimage.filepath_raw, image.file_format = {str(output)!r}, 'PNG'\nimage.save()"
    blender(photo, code)
    with load_style("great-wave") as style:
        expected = style(np.asarray(Image.open(photo)), strength=0.8)
    difference = np.abs(np.asarray(Image.open(output))[..., :3].astype(int) - expected)
    assert difference.max() <= 1
