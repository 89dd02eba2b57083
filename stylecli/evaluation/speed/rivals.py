"""Run other picture-to-picture ONNX networks, which have their own tensor names and ranges of values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.speed.options import BenchOptions, White
from stylecli.inference.sessions import open_cpu_session


def open_rival(
    path: Path, *, white: White = BenchOptions.against_white, threads: int
) -> Callable[[NDArray[np.float32]], Any]:
    """Open an ONNX network on the CPU.

    Args:
        path: the file.
        white: the value of white at its input.
        threads: CPU threads.

    Returns:
        A function from a picture (H, W, 3), float32 in 0..1, to the network's outputs.

    Raises:
        MediaError: the file cannot be opened, or its network does not take one picture (1, 3, h, w) of float32.
    """
    try:
        session = open_cpu_session(path, threads=threads)
    except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
        raise MediaError(f"{path}: onnxruntime cannot open it ({error})", hint="Give an ONNX file.") from error
    inputs = session.get_inputs()
    takes_picture = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 4
    if not takes_picture or inputs[0].shape[1] != 3:
        takes = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise MediaError(
            f"{path}: its network takes {takes}", hint="Give one that takes a single float picture (1, 3, h, w)."
        )
    name, scale = inputs[0].name, np.float32(white)

    def run(frame: NDArray[np.float32]) -> Any:
        try:
            return session.run(None, {name: np.ascontiguousarray(frame.transpose(2, 0, 1)[None]) * scale})
        except Exception as error:  # as above
            height, width = frame.shape[:2]
            raise MediaError(
                f"{path}: fails on {width} x {height} pixels ({error})", hint="Choose a size that it takes."
            ) from error

    return run
