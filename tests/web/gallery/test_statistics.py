"""Networks for browsers measure what the program measures, and paint with statistics of another picture as it does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import checker, load_model_from_string

from stylecli.inference.engine import Engine
from stylecli.inference.sessions import open_cpu_session
from stylecli.inference.uint8_model import pixel_model
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style
from stylecli.web.gallery.statistics import measuring_model


def test_statistics_are_measured_and_applied_as_by_the_program(photo: NDArray[np.uint8]) -> None:
    pack = find_style("the-scream")
    model = measuring_model(pixel_model(pack.model_bytes()))
    checker.check_model(load_model_from_string(model), full_check=True)
    session = open_cpu_session(model)
    other = np.ascontiguousarray(255 - photo[::-1, : photo.shape[1] // 2])
    live = {"statistics": np.zeros((1, 1), np.float32), "is_given": np.array(False)}
    own, measured = session.run(None, {"image": photo[None], **live})
    given = {"statistics": measured, "is_given": np.array(True)}
    painted, applied = session.run(None, {"image": other[None], **given})
    with Engine(pack, device="cpu") as engine:
        statistics = engine.measure(photo)
        ((_, own_levels),) = engine.stylized_bytes(photo, flow=0)
        ((_, levels),) = engine.stylized_bytes(other, statistics, flow=0)
        ((_, without),) = engine.stylized_bytes(other, flow=0)
    assert np.concatenate([one.ravel() for one in statistics]) == pytest.approx(measured[0], rel=1e-4, abs=1e-4)
    assert np.array_equal(own[0], own_levels)
    assert np.array_equal(applied, measured)
    differences = np.abs(painted[0].astype(int) - levels)
    assert differences.max() <= 1  # sums of floats in another order
    assert (differences > 0).mean() < 0.001
    assert np.abs(painted[0].astype(int) - without).mean() > 1


def test_a_network_without_normalisation_stays_as_it_is(tiny_pack: StylePack) -> None:
    content = tiny_pack.model_bytes()
    assert measuring_model(content) == content
