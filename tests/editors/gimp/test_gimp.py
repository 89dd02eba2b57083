from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from stylecli import list_styles, load_style
from tests.editors.gimp.session import Gimp, processes, wait_until
from tests.support.documents import blocks

pytestmark = pytest.mark.gimp

SUCCESS = ["success", ""]
BOX = (slice(30, 90), slice(40, 120))  # rows, columns of a selection


@pytest.fixture
def photo(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """Give a photo as a file of 8 bits, 200 x 160."""
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(photo[60:220, 100:300])).save(path)
    return path


@pytest.fixture
def expected(gimp: Gimp, photo: Path) -> NDArray[np.uint8]:
    """Give what `stylecli image` makes of it."""
    return painted(gimp, pixels_of(photo))


def painted(gimp: Gimp, pixels: NDArray[np.uint8], style: str = "tiny", **look: object) -> NDArray[np.uint8]:
    with load_style(str(gimp.profile.shelf / style)) as network:
        result: NDArray[np.uint8] = network(pixels, **look)
    return result


def pixels_of(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def stylized(gimp: Gimp, photo: Path, code: str = "", call: str = 'style="tiny"') -> NDArray[np.uint8]:
    """Open a photo in GIMP, do something to it, stylize it, save it flat; the pixels."""
    output = photo.with_name("out.png")
    answer = gimp.run(
        f"image = load(photo)\n{code}\nresult = stylize(image, {call})\nimage.flatten()\n"
        "bytes_ = Gimp.Precision.U8_NON_LINEAR\n"
        "if image.get_precision() != bytes_:\n    image.convert_precision(bytes_)\nsave(image, output)",
        photo=photo,
        output=output,
    )
    assert answer == SUCCESS
    return pixels_of(output)[..., :3]


def test_it_stands_in_the_menu_of_artistic_filters(gimp: Gimp) -> None:
    code = 'p = Gimp.get_pdb().lookup_procedure("plug-in-stylecli")\nresult = [p.get_menu_paths(), p.get_image_types()]'
    assert gimp.run(code) == [["<Image>/Filters/Artistic"], "RGB*, GRAY*"]


def test_the_pixels_are_those_of_the_command_line(gimp: Gimp, photo: Path, expected: NDArray[np.uint8]) -> None:
    assert np.array_equal(stylized(gimp, photo), expected)


def test_a_bundled_style_gives_the_pixels_of_the_command_line(gimp: Gimp, photo: Path) -> None:
    with load_style("great-wave") as network:
        expected = network(pixels_of(photo))
    assert np.array_equal(stylized(gimp, photo, call='style="great-wave"'), expected)


def test_every_choice_reaches_the_network(gimp: Gimp, photo: Path) -> None:
    result = stylized(gimp, photo, call='style="tiny", strength=40.0, brush=2.0, preserve_color=True')
    expected = painted(gimp, pixels_of(photo), strength=0.4, brush=2.0, preserve_color=True)
    assert np.array_equal(result, expected)


def test_no_style_means_the_first_one(gimp: Gimp, photo: Path) -> None:
    with load_style(list_styles()[0].name) as network:
        expected = network(pixels_of(photo))
    assert np.array_equal(stylized(gimp, photo, call=""), expected)


def test_only_the_selection_is_painted(gimp: Gimp, photo: Path, expected: NDArray[np.uint8]) -> None:
    wanted = pixels_of(photo).copy()
    wanted[BOX] = expected[BOX]
    result = stylized(gimp, photo, "image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 30, 80, 60)")
    assert np.array_equal(result, wanted)


def test_a_feathered_selection_blends(gimp: Gimp, photo: Path, expected: NDArray[np.uint8]) -> None:
    code = "image.select_ellipse(Gimp.ChannelOps.REPLACE, 50, 40, 100, 80)\nGimp.Selection.feather(image, 20)"
    result, before = stylized(gimp, photo, code).astype(int), pixels_of(photo).astype(int)
    assert np.array_equal(result[:5], before[:5])
    assert np.array_equal(result[80, 100], expected[80, 100])
    edge = result[80, 45:60] - before[80, 45:60]
    whole = expected[80, 45:60].astype(int) - before[80, 45:60]
    assert 0 < np.abs(edge).sum() < np.abs(whole).sum()


def test_a_new_layer_leaves_the_old_one(gimp: Gimp, photo: Path, expected: NDArray[np.uint8]) -> None:
    layers = gimp.run(
        'image = load(photo)\nassert stylize(image, style="tiny", output="new-layer")[0] == "success"\n'
        "result = [[one.get_name(), bool(one.get_mask())] for one in image.get_layers()]\n"
        "save(image, output)\nimage.remove_layer(image.get_layers()[0])\nsave(image, below)",
        photo=photo,
        output=photo.with_name("out.png"),
        below=photo.with_name("below.png"),
    )
    assert layers == [["Background (tiny)", False], ["Background", False]]
    assert np.array_equal(pixels_of(photo.with_name("out.png"))[..., :3], expected)
    assert np.array_equal(pixels_of(photo.with_name("below.png")), pixels_of(photo))


def test_a_new_layer_may_be_masked_by_the_selection(gimp: Gimp, photo: Path, expected: NDArray[np.uint8]) -> None:
    wanted = pixels_of(photo).copy()
    wanted[BOX] = expected[BOX]
    select = "image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 30, 80, 60)"
    assert np.array_equal(stylized(gimp, photo, select, 'style="tiny", output="new-layer-mask"'), wanted)


def test_a_small_layer_somewhere_is_painted_where_it_is(gimp: Gimp, photo: Path) -> None:
    code = (
        "layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(photo))\n"
        "image.insert_layer(layer, None, 0)\nlayer.resize(60, 50, 0, 0)\nlayer.set_offsets(100, 70)"
    )
    wanted = pixels_of(photo).copy()
    wanted[70:120, 100:160] = painted(gimp, np.ascontiguousarray(wanted[:50, :60]))
    assert np.array_equal(stylized(gimp, photo, code, '[layer], style="tiny"'), wanted)


def stylize_file(gimp: Gimp, source: Path, output: Path) -> None:
    """Open a file in GIMP, stylize it, save it as it is then."""
    code = 'image = load(source)\nresult = stylize(image, style="tiny")\nsave(image, output)'
    assert gimp.run(code, source=source, output=output) == SUCCESS


def test_transparency_stays(gimp: Gimp, photo: Path, tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (160, 1))
    source, output, expected = tmp_path / "alpha.png", tmp_path / "out.png", tmp_path / "expected.png"
    Image.fromarray(np.dstack([pixels_of(photo), alpha])).save(source)
    stylize_file(gimp, source, output)
    command = [sys.executable, "-m", "stylecli", "image", source, "-s", gimp.profile.shelf / "tiny", "-o", expected]
    subprocess.run(command, check=True)
    result, wanted = pixels_of(output), pixels_of(expected)
    assert np.array_equal(result[..., 3], alpha)
    assert np.array_equal(result[alpha > 0], wanted[alpha > 0])


def test_a_grey_image_stays_grey(gimp: Gimp, photo: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "grey.png", tmp_path / "out.png"
    Image.open(photo).convert("L").save(source)
    stylize_file(gimp, source, output)
    result, grey = pixels_of(output), pixels_of(source)
    wanted = painted(gimp, np.repeat(grey[..., None], 3, axis=2))[..., 0]  # `tiny` makes grey of grey
    assert result.ndim == 2
    assert np.array_equal(result, wanted)


def test_sixteen_bits_stay_sixteen(gimp: Gimp, photo: Path, tmp_path: Path) -> None:
    deep = (pixels_of(photo).astype(np.uint16) * 257) ^ 0x15  # more than 8 bits hold
    source, output = tmp_path / "deep.tif", tmp_path / "out.tif"
    tifffile.imwrite(source, deep, photometric="rgb")
    stylize_file(gimp, source, output)
    with load_style(str(gimp.profile.shelf / "tiny")) as network:
        wanted = network(deep)
    assert np.array_equal(tifffile.imread(output), wanted)


@pytest.mark.parametrize(
    "precision", ["FLOAT_LINEAR", "HALF_LINEAR", "FLOAT_NON_LINEAR", "U16_LINEAR", "U32_NON_LINEAR"]
)
def test_every_precision_looks_the_same(gimp: Gimp, photo: Path, expected: NDArray[np.uint8], precision: str) -> None:
    result = stylized(gimp, photo, f"image.convert_precision(Gimp.Precision.{precision})")
    difference = np.abs(result.astype(int) - expected)
    # Linear values and half floats round elsewhere than bytes, and `tiny` sharpens: threefold.
    assert difference.max() <= 4
    assert difference.mean() < 0.5


def test_highlights_of_light_survive(gimp: Gimp, photo: Path) -> None:
    code = (
        "image = load(photo)\nimage.convert_precision(Gimp.Precision.FLOAT_LINEAR)\nlayer = image.get_layers()[0]\n"
        "import struct\nfrom gi.repository import Gegl\n"
        "box = Gegl.Rectangle.new(50, 50, 20, 20)\nbuffer = layer.get_buffer()\n"
        'buffer.set(box, "RGBA float", struct.pack("<4f", 6, 6, 6, 1) * 400)\nbuffer.flush()\n'
        'assert stylize(image, style="tiny")[0] == "success"\n'
        "inner = Gegl.Rectangle.new(55, 55, 10, 10)\n"
        'pixels = layer.get_buffer().get(inner, 1.0, "RGBA float", Gegl.AbyssPolicy.CLAMP)\n'
        'result = max(struct.unpack("<400f", pixels))'
    )
    assert gimp.run(code, photo=photo) > 4


def test_a_channel_can_be_painted(gimp: Gimp, photo: Path) -> None:
    code = (
        "image = load(photo)\n"
        'channel = Gimp.Channel.new(image, "mine", image.get_width(), image.get_height(), 50, Gegl.Color.new("red"))\n'
        "image.insert_channel(channel, None, 0)\n"
        'result = stylize(image, [channel], style="tiny")'
    )
    assert gimp.run(f"from gi.repository import Gegl\n{code}", photo=photo) == SUCCESS


def test_last_values_are_the_defaults_at_first(gimp: Gimp, photo: Path) -> None:
    with load_style(list_styles()[0].name) as network:
        expected = network(pixels_of(photo))
    assert np.array_equal(stylized(gimp, photo, call="run_mode=Gimp.RunMode.WITH_LAST_VALS"), expected)


def script_fu(gimp: Gimp, script: str) -> str:
    """Evaluate Script-Fu inside; the status."""
    code = (
        'config = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval").create_config()\n'
        'config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)\nconfig.set_property("script", script)\n'
        "result = config.get_procedure().run(config).index(0).value_nick"
    )
    return str(gimp.run(code, script=script))


def test_script_fu_can_call_it(gimp: Gimp, photo: Path) -> None:
    (script,) = blocks("docs/editors.md", "GIMP", "scheme")
    output = photo.with_name("out.png")
    assert script_fu(gimp, script.replace("photo.png", str(photo)).replace("painted.png", str(output))) == "success"
    with load_style("great-wave") as network:
        assert np.array_equal(pixels_of(output)[..., :3], network(pixels_of(photo), strength=0.8))


def test_python_fu_can_call_it(gimp: Gimp, photo: Path) -> None:
    (python,) = blocks("docs/editors.md", "GIMP", "python")
    output = photo.with_name("out.png")
    before = "image = load(photo)\nlayer = image.get_layers()[0]\n"
    after = "result = answer.index(0).value_nick\nsave(image, output)"
    assert gimp.run(f"{before}{python}{after}", photo=photo, output=output) == "success"
    with load_style("great-wave") as network:
        assert np.array_equal(pixels_of(output)[..., :3], network(pixels_of(photo)))


def test_a_style_that_was_added_later_can_be_used(gimp: Gimp, photo: Path, another_style: Path) -> None:
    assert np.array_equal(
        stylized(gimp, photo, call='style="another"'), painted(gimp, pixels_of(photo), another_style.name)
    )


@pytest.mark.parametrize(
    ("call", "blend"),
    [
        pytest.param('style="tiny", second_style="another", share=40', "tiny:0.6+another:0.4", id="both"),
        pytest.param('style="tiny", second_style="another", share=0', "tiny", id="none of the second"),
        pytest.param('style="tiny", second_style="another", share=100', "another", id="the second alone"),
        pytest.param('style="tiny", second_style="tiny", share=40', "tiny", id="the same one twice"),
    ],
)
def test_a_second_style_is_blended_with_the_first(
    gimp: Gimp, photo: Path, another_style: Path, call: str, blend: str
) -> None:
    with load_style(blend, styles_dir=gimp.profile.shelf) as network:
        assert np.array_equal(stylized(gimp, photo, call=call), network(pixels_of(photo)))


def test_a_blend_takes_no_second_style(gimp: Gimp, photo: Path) -> None:
    status, message = failed(gimp, photo, 'style="tiny+another", second_style="tiny"')
    assert (status, "is a blend already" in message) == ("execution-error", True)


def test_a_style_that_was_removed_is_named(gimp: Gimp, photo: Path, another_style: Path) -> None:
    shutil.rmtree(another_style)
    status, message = failed(gimp, photo, 'style="another"')
    assert status == "execution-error"
    assert "another" in message
    assert "styles list" in message


@pytest.mark.parametrize("output", ["layer", "new-layer"])
def test_a_failure_leaves_the_image_as_it_was(gimp: Gimp, photo: Path, output: str) -> None:
    status, message = failed(gimp, photo, f'style="no-such-style", output="{output}"')
    assert (status, "no-such-style" in message) == ("execution-error", True)


INDEXED = 'image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.WEB, 0, False, False, "")'
GROUP = 'group = Gimp.GroupLayer.new(image, "group")\nimage.insert_layer(group, None, 0)'
SECOND = "image.insert_layer(Gimp.Layer.new_from_drawable(image.get_layers()[0], image), None, 0)"
LOCKED = "image.get_layers()[0].set_lock_content(True)"


@pytest.mark.parametrize(
    ("before", "what", "words"),
    [
        pytest.param(SECOND, "image.get_layers(), ", "2 are selected", id="two layers"),
        pytest.param(INDEXED, "", "Image > Mode > RGB", id="a palette"),
        pytest.param(LOCKED, "", "locked", id="locked pixels"),
        pytest.param(GROUP, "[group], ", "group", id="a group in place"),
    ],
)
def test_what_cannot_be_painted_is_refused(gimp: Gimp, photo: Path, before: str, what: str, words: str) -> None:
    status, message = failed(gimp, photo, f'{what}style="tiny"', before)
    assert (status, words in message) == ("calling-error", True)


def test_a_stylecli_that_is_gone_is_told_with_its_repair(gimp: Gimp, photo: Path) -> None:
    with gimp.profile.connected("/no/such/python", "-m", "stylecli"):
        status, message = failed(gimp, photo, 'style="tiny"')
    assert status == "execution-error"
    assert "/no/such/python" in message
    assert "stylecli plugins install gimp" in message


def test_a_missing_configuration_is_told_with_its_repair(gimp: Gimp, photo: Path) -> None:
    config = gimp.profile.config
    away = config.rename(config.with_suffix(".away"))
    try:
        status, message = failed(gimp, photo, 'style="tiny"')
    finally:
        away.rename(config)
    assert status == "execution-error"
    assert "stylecli plugins install gimp" in message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("cat > /dev/null; exit 7", "exit code 7"),
        ("cat > /dev/null; echo too few bytes", "14 bytes"),
        ("kill -9 $$", "exit code -9"),
        ("echo no such interpreter >&2; exit 127", "no such interpreter"),
    ],
)
def test_a_failing_stylecli_is_one_message(gimp: Gimp, photo: Path, script: str, words: str) -> None:
    with gimp.profile.connected("/bin/sh", "-c", script):
        status, message = failed(gimp, photo, 'style="tiny"')
    assert (status, words in message, "Traceback" in message) == ("execution-error", True, False)


def test_cancel_ends_everything_at_once(gimp: Gimp, photo: Path, tmp_path: Path) -> None:
    mark = f"sleep-{os.getpid()}"
    script = tmp_path / mark
    script.write_text("cat > /dev/null\nsleep 600\n")
    answers: list[tuple[str, str]] = []
    with gimp.profile.connected("/bin/sh", str(script)):
        call = threading.Thread(target=lambda: answers.append(failed(gimp, photo, 'style="tiny"')))
        call.start()
        wait_until(lambda: processes(mark))
        (plugin,) = {os.getpgid(pid) for pid in processes("plug-ins/stylecli/stylecli.py")}
        os.killpg(plugin, signal.SIGKILL)  # as GIMP does it
        call.join()
    assert answers[0][0] != "success"
    wait_until(lambda: not processes(mark), seconds=5)


def failed(gimp: Gimp, photo: Path, call: str, before: str = "") -> tuple[str, str]:
    """Stylize what cannot be; the image must not have changed. What GIMP was told."""
    result = gimp.run(
        f"image = load(photo)\n{before}\nimage.clean_all()\nlayers = len(image.get_layers())\n"
        "def sums(): return [hash(bytes(one.get_buffer().get(whole, 1.0, None, Gegl.AbyssPolicy.CLAMP)))"
        " for one in image.get_layers()]\n"
        "from gi.repository import Gegl\nwhole = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())\n"
        "globals().update(image=image, whole=whole, Gegl=Gegl)\n"
        f"earlier = sums()\nanswer = stylize(image, {call})\n"
        "result = [answer, image.is_dirty(), sums() == earlier, len(image.get_layers()) == layers]",
        photo=photo,
    )
    (status, message), is_dirty, has_same_pixels, has_same_layers = result
    assert (is_dirty, has_same_pixels, has_same_layers) == (False, True, True)
    return status, message
