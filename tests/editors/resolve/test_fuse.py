from __future__ import annotations

import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import numpy_helper

from stylecli.cli.app import suite
from stylecli.editors.raw_pixels import repainted
from stylecli.editors.spool.worker import stop
from stylecli.inference.engine import Engine
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.packs.card import write_card
from stylecli.packs.pack import open_pack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from tests.editors.resolve.conftest import Installation
from tests.support.packs import tiny_model, write_style

INT8, INT16, HALF, FLOAT = 5, 6, 7, 8
LEVELS = {INT8: 255, INT16: 65535}
# Half floats have 11 significant bits; a value between two levels may become either.
TOLERANCE = {INT8: 1.01 / 255, INT16: 1.01 / 65535, HALF: 2e-3, FLOAT: 1e-5}


@pytest.fixture
def frame(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give a frame of 45 x 31 pixels, premultiplied, half of it not opaque."""
    pixels = np.dstack([photo[:31, :45], np.full((31, 45), 255, np.uint8)]) / np.float32(255)
    pixels[:, 20:, 3] = np.float32(128 / 255)
    pixels[:, 20:, :3] *= pixels[:, 20:, 3:]
    return np.asarray(np.rint(pixels * 255) / 255, np.float32)


def expected(
    installed: Installation, frame: NDArray[np.float32], depth: int = FLOAT, **more: Any
) -> NDArray[np.float32]:
    """What stylecli makes of a frame without any host."""
    look = Look(**{key: more.pop(key) for key in ("strength", "preserve_color", "brush") if key in more})
    color, alpha = more.pop("color", "srgb"), more.pop("alpha", "premultiplied")
    with Engine(open_pack(installed.shelf / more.pop("style", "tiny")), device="cpu") as engine:
        painted = repainted(frame, color, alpha, lambda pixels: paint(engine, pixels, look))
    levels = LEVELS.get(depth)
    return np.asarray(np.rint(painted.clip(0, 1) * levels) / levels if levels else painted, np.float32)


def test_the_installed_files_name_no_other_file(shared: Installation) -> None:
    for script in shared.place.folder.rglob("*.*"):
        if script.suffix in (".fuse", ".lua"):
            text = script.read_text()
            assert "-- include" not in text
            assert "dofile" not in text


@pytest.mark.parametrize("depth", [INT8, INT16, HALF, FLOAT])
@pytest.mark.parametrize("quirks", [(), ("exrio_missing",), ("exrio_missing", "putframe_false")], ids="-".join)
def test_a_frame_gets_the_pixels_of_stylecli(
    shared: Installation, frame: NDArray[np.float32], depth: int, quirks: tuple[str, ...]
) -> None:
    node = shared.node(quirks=quirks)
    painted = node.process(frame, depth=depth)
    assert painted is not None, node.printed
    np.testing.assert_allclose(painted, expected(shared, frame, depth), atol=TOLERANCE[depth])
    np.testing.assert_allclose(painted[..., 3], frame[..., 3], atol=TOLERANCE[depth] / 4)
    assert shared.left() == set()


@pytest.mark.parametrize(
    ("inputs", "same"),
    [
        ({"Style": "zebra"}, {"style": "zebra"}),
        ({"StyleName": "zebra"}, {"style": "zebra"}),
        ({"Strength": 0.4}, {"strength": 0.4}),
        ({"KeepColors": 1}, {"preserve_color": True}),
        ({"StrokeSize": 2}, {"brush": 2}),
        ({"InputColor": 1}, {"color": "linear"}),
        ({"AlphaMode": 1}, {"alpha": "straight"}),
        ({"AlphaMode": 2, "InputColor": 1}, {"alpha": "ignore", "color": "linear"}),
    ],
    ids="-".join,
)
def test_every_input_does_what_its_option_does(
    shared: Installation, frame: NDArray[np.float32], inputs: dict[str, Any], same: dict[str, Any]
) -> None:
    node = shared.node()
    node.set(**inputs)
    painted = node.process(frame)
    assert painted is not None, node.printed
    np.testing.assert_allclose(painted, expected(shared, frame, **same), atol=1e-5)


def write_two_variants(shelf: Path) -> None:
    """Write the style `pair`: its variant `soft` paints another picture than `fast`, its default."""
    model = tiny_model()
    weight = next(one for one in model.graph.initializer if one.name == "weight")
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) / 2, "weight"))
    soft = model.SerializeToString()
    card = open_pack(write_style(shelf, "pair", files={"soft.onnx": soft})).card
    entry = replace(card.models[0], variant="soft", file="soft.onnx", sha256=card.files["soft.onnx"], bytes=len(soft))
    write_card(replace(card, models=(*card.models, entry)), shelf / "pair")


def test_a_variant_paints_what_the_command_paints(
    installed: Installation, frame: NDArray[np.float32], tmp_path: Path
) -> None:
    write_two_variants(installed.shelf)
    opaque = np.dstack([frame[..., :3], np.ones(frame.shape[:2], np.float32)])
    photo, styled = tmp_path / "photo.png", tmp_path / "styled.png"
    pixels = np.rint(opaque[..., :3] * 255).astype(np.uint8)
    photo.write_bytes(encode_picture(picture_from_pixels(pixels), ".png"))
    line = ["image", str(photo), "-s", "pair", "--variant", "soft", "-o", str(styled), "--device", "cpu"]
    result = CliRunner().invoke(suite, [*line, "--styles-dir", str(installed.shelf)])
    assert result.exit_code == 0, result.output
    node = installed.node()
    node.set(Style="pair", Variant="soft")
    painted = node.process(opaque, depth=INT8)
    assert painted is not None, node.printed
    np.testing.assert_allclose(painted[..., :3], read_picture(styled).pixels / np.float32(255), atol=TOLERANCE[INT8])
    node.set(Variant="")
    assert np.abs(painted - node.process(opaque, depth=INT8)).mean() > 0.1


def test_a_variant_that_there_is_not_stops_the_render_and_is_told(
    installed: Installation, frame: NDArray[np.float32]
) -> None:
    write_two_variants(installed.shelf)
    node = installed.node()
    node.set(Style="pair", Variant="huge")
    assert node.process(frame) is None
    assert node.printed == ["Stylize1: pair: has no variant huge. It has: fast, soft."]
    assert installed.left() == set()


def test_strength_0_gives_the_frame_without_a_worker(shared: Installation, frame: NDArray[np.float32]) -> None:
    node = shared.node()
    node.set(Strength=0)
    np.testing.assert_array_equal(node.process(frame), frame)
    assert node.ran == []


def test_highlights_stay_above_1(shared: Installation, frame: NDArray[np.float32]) -> None:
    bright = frame.copy()
    bright[..., :3] *= 8
    node = shared.node()
    node.set(InputColor=1)
    painted = node.process(bright)
    assert painted is not None
    assert painted.max() > 1
    np.testing.assert_allclose(painted, expected(shared, bright, color="linear"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (9, 2), (33, 17), (2, 30000)])
def test_odd_sizes_come_back_as_they_went(shared: Installation, height: int, width: int) -> None:
    frame = np.random.default_rng(0).random((height, width, 4)).astype(np.float32)
    frame[..., 3] = 1
    painted = shared.node().process(frame)
    assert painted is not None
    np.testing.assert_allclose(painted, expected(shared, frame), atol=1e-5)


def test_a_frame_without_pixels_passes(shared: Installation) -> None:
    node = shared.node()
    result = node.process(np.zeros((0, 0, 4), np.float32))
    assert result is not None
    assert result.size == 0
    assert (node.printed, node.ran) == ([], [])


def test_a_proxy_gets_smaller_strokes(shared: Installation, frame: NDArray[np.float32]) -> None:
    node = shared.node()
    node.set(StrokeSize=2)
    painted = node.process(frame, proxy=2)
    np.testing.assert_allclose(painted, expected(shared, frame, brush=1.0), atol=1e-5)
    node.set(StrokeSize=0)  # a full frame of this size is painted as it is, so half of it at twice its size
    np.testing.assert_allclose(node.process(frame, proxy=2), expected(shared, frame, brush=0.5), atol=1e-5)


def test_a_frame_whose_data_window_is_not_the_whole_goes_as_raw_pixels(
    shared: Installation, frame: NDArray[np.float32]
) -> None:
    node = shared.node()
    painted = node.process(frame, is_windowed=True)
    np.testing.assert_allclose(painted, expected(shared, frame), atol=1e-5)
    assert "exr does not work here" in node.printed[0]
    assert shared.left() == set()


@pytest.mark.parametrize(
    ("quirk", "reason"),
    [
        ("exr_writes_nothing", "there is no file"),
        ("exr_header_false", "there is no file"),
        ("exr_upside_down", "the host has"),
        ("exr_unreadable", "not an EXR"),
        ("exr_read_dark", "was read wrong"),
        ("exrio_missing", "EXRIO"),
    ],
)
@pytest.mark.parametrize("depth", [INT8, FLOAT])
def test_a_broken_writer_is_found_out_and_replaced(
    shared: Installation, frame: NDArray[np.float32], quirk: str, reason: str, depth: int
) -> None:
    node = shared.node(quirks=[quirk])
    for _ in range(2):
        painted = node.process(frame, depth=depth)
        np.testing.assert_allclose(painted, expected(shared, frame, depth), atol=TOLERANCE[depth])
    assert [reason in line for line in node.printed] == [True]  # told once, then not tried again
    assert shared.left() == set()


def test_parts_of_an_exr_may_be_counted_from_0(shared: Installation, frame: NDArray[np.float32]) -> None:
    node = shared.node(quirks=["parts_from_zero"])
    np.testing.assert_allclose(node.process(frame), expected(shared, frame), atol=1e-5)
    assert node.printed == []


def test_a_frame_that_comes_again_is_taken_from_the_cache(installed: Installation, frame: NDArray[np.float32]) -> None:
    node = installed.node()
    node.set(Mode=1)
    np.testing.assert_array_equal(node.process(frame), frame)  # not painted yet: the frame itself
    node.set(Mode=0)
    painted = node.process(frame)
    node.set(Mode=1)
    np.testing.assert_array_equal(node.process(frame), painted)
    node.set(Strength=0.5)
    np.testing.assert_array_equal(node.process(frame), frame)
    node.set(Strength=1)
    node.press("Refresh")
    np.testing.assert_array_equal(node.process(frame), frame)


def test_the_menu_has_the_styles_that_there_are_now(installed: Installation, make_style: Any) -> None:
    node = installed.node()
    assert {"tiny", "zebra"} < set(node.choices("Style"))
    (installed.spool / "styles.json").write_text(json.dumps([{"style": "new", "title": "A New One"}]))
    assert installed.node().choices("Style") == ["new"]


@pytest.mark.parametrize("passes", [False, True])
def test_a_style_that_is_gone_stops_the_render_or_lets_it_pass_as_chosen(
    shared: Installation, frame: NDArray[np.float32], passes: bool
) -> None:
    node = shared.node()
    node.set(Style="gone", OnError=int(passes))
    result = node.process(frame)
    assert (result is None) is not passes
    assert "gone" in node.printed[0]
    if passes:
        np.testing.assert_array_equal(result, frame)
    assert shared.left() == set()


def test_a_frame_that_is_not_there_gives_none(shared: Installation) -> None:
    assert shared.node().process(None) is None


def test_before_a_render_nothing_is_done(shared: Installation, frame: NDArray[np.float32]) -> None:
    node = shared.node()
    result = node.process(frame, is_precalc=True)
    assert result is not None
    assert result.shape == (31, 45, 0)
    assert node.ran == []


def test_without_a_configuration_the_node_says_what_to_do(installed: Installation, frame: NDArray[np.float32]) -> None:
    (installed.folder / "config.json").rename(installed.folder / "away.json")
    node = installed.node()
    assert node.process(frame) is None
    assert "stylecli plugins install resolve" in node.printed[0]
    (installed.folder / "away.json").rename(installed.folder / "config.json")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 9}', '{"format": 1, "spool": 3}'])
def test_a_damaged_configuration_is_told(installed: Installation, frame: NDArray[np.float32], text: str) -> None:
    config = installed.folder / "config.json"
    kept = config.read_text()
    config.write_text(text)
    node = installed.node()
    assert node.process(frame) is None
    assert "is damaged" in node.printed[0]
    config.write_text(kept)


def test_a_stylecli_that_does_not_start_is_told_at_once(installed: Installation, frame: NDArray[np.float32]) -> None:
    (installed.folder / "stylecli.sh").write_text("#!/bin/sh\necho 'the disk is gone' >&2\nexit 3\n")
    node = installed.node()
    for number in range(1, 3):
        assert node.process(frame) is None
        assert "stylecli does not start: the disk is gone" in node.printed[-1]
        assert len(node.ran) == number
    assert installed.left() == set()


def test_a_stylecli_that_never_comes_ends_the_wait_in_time(installed: Installation, frame: NDArray[np.float32]) -> None:
    (installed.folder / "stylecli.sh").write_text("#!/bin/sh\n")
    node = installed.node()
    node.set(Timeout=1)
    assert node.process(frame) is None
    assert "stylecli does not start" in node.printed[0]
    assert installed.left() == set()


def test_a_folder_of_another_user_is_told(installed: Installation, frame: NDArray[np.float32]) -> None:
    (installed.folder / "log.txt").mkdir()  # cannot be written, as there
    node = installed.node()
    assert node.process(frame) is None
    assert "stylecli cannot be started: " in node.printed[0]
    assert "log.txt" in node.printed[0]
    (installed.folder / "log.txt").rmdir()


def test_a_spool_that_was_deleted_is_made_again(installed: Installation, frame: NDArray[np.float32]) -> None:
    node = installed.node()
    node.process(frame)
    shutil.rmtree(installed.spool)
    np.testing.assert_allclose(node.process(frame), expected(installed, frame), atol=1e-5)
    assert installed.left() == set()


def test_a_spool_that_is_deleted_while_a_frame_is_waited_for_is_told_at_once(
    installed: Installation, frame: NDArray[np.float32]
) -> None:
    node = installed.node()
    node.process(frame)
    pid = installed.worker_pid
    os.kill(pid, signal.SIGSTOP)
    deletion = Timer(0.5, shutil.rmtree, [installed.spool])
    deletion.start()
    try:
        assert node.process(frame[::-1]) is None
    finally:
        deletion.join()
        os.kill(pid, signal.SIGCONT)
    assert node.printed == [f"Stylize1: the job has gone: {installed.spool} was deleted. Render the frame again"]
    np.testing.assert_allclose(node.process(frame[::-1]), expected(installed, frame[::-1]), atol=1e-5)


def test_a_spool_that_cannot_be_used_is_told(installed: Installation, frame: NDArray[np.float32]) -> None:
    installed.spool.rmdir()
    installed.spool.write_text("a file")
    node = installed.node()
    assert node.process(frame) is None
    assert f"stylecli does not start: stylecli: {installed.spool}" in node.printed[0]


def test_a_full_disk_is_told_and_leaves_nothing(installed: Installation, frame: NDArray[np.float32]) -> None:
    resource = pytest.importorskip("resource", reason="limits the size of a file")
    node = installed.node()
    node.process(frame)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        assert node.process(frame[::-1]) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "exr: the picture cannot be written" in node.printed[0]
    assert "raw: the picture cannot be written: File too large" in node.printed[0]
    assert installed.left() == set()
    np.testing.assert_allclose(node.process(frame[::-1]), expected(installed, frame[::-1]), atol=1e-5)


def test_an_aborted_render_leaves_nothing(installed: Installation, frame: NDArray[np.float32]) -> None:
    node = installed.node()
    node.process(frame)
    pid = json.loads((installed.spool / "worker.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert node.process(frame[::-1], abort_after=4) is None
    finally:
        os.kill(pid, signal.SIGCONT)
    assert node.printed == []
    assert {name.rpartition(".")[2] for name in installed.left()} <= {"cancel"}


def test_a_worker_that_was_killed_is_replaced(installed: Installation, frame: NDArray[np.float32]) -> None:
    node = installed.node()
    node.process(frame)
    pid = json.loads((installed.spool / "worker.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    painted = installed.node().process(frame[::-1])
    np.testing.assert_allclose(painted, expected(installed, frame[::-1]), atol=1e-5)
    assert json.loads((installed.spool / "worker.json").read_text())["pid"] != pid


def test_a_worker_of_another_version_is_replaced(installed: Installation, frame: NDArray[np.float32]) -> None:
    installed.node().process(frame)
    worker = installed.spool / "worker.json"
    facts = json.loads(worker.read_text())
    worker.write_text(json.dumps({**facts, "version": "0.0.1"}))
    np.testing.assert_allclose(installed.node().process(frame), expected(installed, frame), atol=1e-5)
    assert json.loads(worker.read_text())["pid"] != facts["pid"]


def test_two_nodes_paint_the_same_frame_side_by_side(installed: Installation, frame: NDArray[np.float32]) -> None:
    def render(number: int) -> NDArray[np.float32] | None:
        node = installed.node(node_name=f"Stylize{number}")
        node.set(Strength=0.2 * number)
        for _ in range(5):
            painted = node.process(frame)
        return painted

    with ThreadPoolExecutor(4) as threads:
        for number, painted in zip(range(1, 5), threads.map(render, range(1, 5)), strict=True):
            np.testing.assert_allclose(painted, expected(installed, frame, strength=0.2 * number), atol=1e-5)
    assert installed.left() == set()


def test_the_buttons_tell_how_it_is(installed: Installation, frame: NDArray[np.float32]) -> None:
    node = installed.node()
    assert "it is being started" in node.press("Check")
    node.process(frame)
    assert "works (process" in node.press("Check")
    node.press("OpenLog")
    assert node.ran[-1] == f"Open {installed.folder / 'log.txt'}"
    stop(installed.spool)


def test_windows_gets_a_line_that_its_shell_understands(
    installed: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # elsewhere, a path of Windows is a file name
    folder = "C:\\Users\\ana\\stylecli\\resolve"
    config = json.loads((installed.folder / "config.json").read_text())
    config |= {"spool": f"{folder}\\spool", "launcher": f"{folder}\\stylecli.cmd", "log": f"{folder}\\log.txt"}
    (tmp_path / "local\\stylecli\\resolve\\config.json").write_text(json.dumps(config))
    environment = {"LOCALAPPDATA": f"{tmp_path}/J\u00fcrgen", "PROGRAMDATA": f"{tmp_path}/local"}
    node = installed.node(system="Windows", environment=environment)
    assert "it is being started" in node.press("Check")
    start = f'"{folder}\\stylecli.cmd" spool "{folder}\\spool" --idle 900 >"{folder}\\log.txt" 2>&1'
    assert node.ran == [f'start "" /B cmd /C "{start}"']


def test_the_strict_host_refuses_what_is_not_documented(shared: Installation) -> None:
    for line, fault in {
        "self:SetFailed()": "SetFailed",
        "self:SetProgress()": "takes 1 to 1",
        "self.SetProgress(0.5)": "instead of :",
        "Wdith = Width": "global Width",
        "bmd.wait(1)": "wait",
        "os.exit(1)": "exit",
        'self:AddInput("A", "A", { INP_Defualt = 1 })': "INP_Defualt",
        'self:AddInput("A", "Style", {})': "two inputs",
        "Image({ IMG_Widht = 1 })": "IMG_Widht",
        "Pixel().X = 1": "X",
    }.items():
        node = shared.node()
        with pytest.raises(Exception, match=fault):
            node.evaluate(line)
