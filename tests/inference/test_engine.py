from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, PackError
from stylecli.inference.engine import Engine, Tiling, working_devices
from stylecli.media.pixels import quantize, to_unit
from stylecli.packs.pack import StylePack, open_pack
from tests.support.packs import StyleFactory, tiny_model


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_conversion_to_unit_and_back(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    np.testing.assert_array_equal(quantize(to_unit(levels), dtype), levels)


def test_values_out_of_range_are_clipped() -> None:
    np.testing.assert_array_equal(quantize(np.array([-0.5, 1.5], np.float32), np.uint8), [0, 255])


def test_a_sample_becomes_the_nearest_level() -> None:
    np.testing.assert_array_equal(quantize(np.array([100.4, 100.6], np.float32) / 255, np.uint8), [100, 101])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 2), (45, 61)])
def test_any_size_goes_in_and_comes_out(tiny_pack: StylePack, size: tuple[int, int]) -> None:
    with Engine(tiny_pack, device="cpu") as engine:
        assert engine.stylize(np.full((*size, 3), 0.5, np.float32)).shape == (*size, 3)


def test_the_network_is_run(tiny_pack: StylePack, photo: NDArray[np.uint8]) -> None:
    unit = to_unit(photo)
    with Engine(tiny_pack, device="cpu") as engine:
        stylized = engine.stylize(unit)
    inner = unit[1:-1, 1:-1, 0] * 3 - 0.5 * (
        unit[:-2, 1:-1, 0] + unit[2:, 1:-1, 0] + unit[1:-1, :-2, 0] + unit[1:-1, 2:, 0]
    )
    np.testing.assert_allclose(stylized[1:-1, 1:-1, 1], inner.clip(0, 1), atol=1e-5)  # red, sharpened, became green


def test_auto_says_which_device_it_took(tiny_pack: StylePack) -> None:
    with Engine(tiny_pack) as engine:
        assert working_devices()[engine.device] == ""


def test_cuda_without_cuda_is_an_error_not_the_cpu(tiny_pack: StylePack) -> None:
    if not working_devices()["cuda"]:
        pytest.skip("CUDA works here")
    with pytest.raises(DeviceError, match="cuda") as caught:
        Engine(tiny_pack, device="cuda")
    assert "stylecli[cuda]" in caught.value.hint


def test_a_network_that_breaks_the_contract_is_refused(tmp_path: Path, make_style: StyleFactory) -> None:
    model = tiny_model()
    model.graph.input[0].name = "picture"
    model.graph.node[0].input[0] = "picture"
    with pytest.raises(PackError, match="picture"):
        Engine(open_pack(make_style(tmp_path, model=model)), device="cpu")


def test_a_network_that_onnxruntime_cannot_open_is_a_damaged_pack(tmp_path: Path, make_style: StyleFactory) -> None:
    model = tiny_model()
    model.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(PackError, match="onnxruntime cannot open"):
        Engine(open_pack(make_style(tmp_path, model=model)), device="cpu")


def test_a_closed_engine_does_not_run(tiny_pack: StylePack) -> None:
    with Engine(tiny_pack, device="cpu") as engine:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        engine.stylize(np.zeros((4, 4, 3), np.float32))


def test_how_a_picture_is_cut_changes_no_pixel(normalizing_pack: StylePack, large: NDArray[np.uint8]) -> None:
    whole = painted_by(normalizing_pack, large, tile="off")
    for side in (64, 333, 700):
        np.testing.assert_array_equal(painted_by(normalizing_pack, large, tile=side), whole)
    np.testing.assert_array_equal(painted_by(normalizing_pack, large, tile="auto"), whole)


def test_a_small_picture_taken_once_is_that_of_live_statistics(
    normalizing_pack: StylePack, photo: NDArray[np.uint8]
) -> None:
    live = painted_by(normalizing_pack, photo, tile="auto").astype(int)
    assert np.abs(painted_by(normalizing_pack, photo, tile=64) - live).max() <= 1


def test_frames_of_a_scene_share_their_statistics(normalizing_pack: StylePack, photo: NDArray[np.uint8]) -> None:
    darker = photo // 2
    with Engine(normalizing_pack, device="cpu") as engine:
        scene = engine.measure(photo)
        own, shared = engine.stylize(darker), engine.stylize(darker, scene)
        np.testing.assert_array_equal(engine.stylize(darker, scene), shared)
    assert np.abs(own - shared).max() > 0.05  # its own statistics make up for the darkness, those of the scene do not


def test_little_memory_makes_small_tiles(
    normalizing_pack: StylePack, large: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = painted_by(normalizing_pack, large, tile="auto")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**26))
    with Engine(normalizing_pack, device="cpu") as engine:
        assert len([*engine.stylized_tiles(large)]) > 4
        np.testing.assert_array_equal(quantize(engine.stylize(large), np.uint8), plenty)


def test_memory_for_not_even_one_tile_is_an_error(
    normalizing_pack: StylePack, large: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**24))
    with (
        Engine(normalizing_pack, device="cpu") as engine,
        pytest.raises(DeviceError, match="too little memory") as caught,
    ):
        engine.stylize(large)
    assert "`tile`" in caught.value.hint


def test_a_network_of_unknown_reach_is_never_cut(tiny_pack: StylePack, large: NDArray[np.uint8]) -> None:
    with Engine(tiny_pack, device="cpu", tile=64) as engine:
        assert engine.measure(large) == ()
        assert len([*engine.stylized_tiles(large)]) == 1


def painted_by(pack: StylePack, picture: NDArray[np.uint8], *, tile: Tiling) -> NDArray[np.uint8]:
    with Engine(pack, device="cpu", tile=tile) as engine:
        return quantize(engine.stylize(picture), np.uint8)
