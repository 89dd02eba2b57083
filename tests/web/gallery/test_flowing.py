"""The site's network that draws out strokes makes of a painted picture what the program makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import checker, load_model_from_string

from stylecli.inference.engine import Engine
from stylecli.inference.sessions import open_cpu_session
from stylecli.packs.shelves import find_style
from stylecli.web.gallery.flowing import flow_network

ALIKE = 0.999  # of the samples differ by at most one level: it gets the painted picture rounded to bytes


@pytest.mark.parametrize("style", ["great-wave", "starry-night", "great-wave:0.6+starry-night:0.4"])
@pytest.mark.parametrize("flow", [0.25, 1.0])
def test_strokes_are_drawn_out_as_by_the_program(photo: NDArray[np.uint8], style: str, flow: float) -> None:
    with Engine(find_style(style), device="cpu") as engine:
        ((_, plain),) = engine.stylized_bytes(photo, flow=0)
        ((_, wanted),) = engine.stylized_bytes(photo, flow=flow)
    inputs = {"image": plain[None], "flow": np.array(flow, np.float32)}
    (drawn_out,) = open_cpu_session(flow_network()).run(None, inputs)
    assert (np.abs(drawn_out[0].astype(int) - wanted) <= 1).mean() >= ALIKE
    assert np.abs(plain.astype(int) - wanted).mean() > 1


def test_the_network_is_a_valid_model() -> None:
    checker.check_model(load_model_from_string(flow_network()), full_check=True)
