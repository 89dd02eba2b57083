"""The networks whose speed is compared: styles, Johnson's network, other ONNX networks, all with one picture."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.speed.options import BenchOptions, White
from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.inference.sessions import open_cpu_session
from stylecli.media.pixels import to_unit
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint

YARDSTICK = "johnson, torch eager"  # the baseline of the speedups: how published implementations run
JOHNSON_ONNX = "johnson, onnxruntime"


@dataclass(frozen=True)
class NoisePicture:
    """A picture of noise, (H, W, 3), as uint8 and as float32 in 0..1."""

    levels: NDArray[np.uint8]
    unit: NDArray[np.float32]


@dataclass(frozen=True)
class Contestant:
    """A network to time. `model`: its float32 ONNX model, by which its operations are counted; empty if unknown."""

    run: Callable[[NoisePicture], Any]
    model: bytes = b""
    white: float = 1.0  # the value of white at the model's input
    device: str = "cpu"


def noise_picture(width: int, height: int) -> NoisePicture:
    """Make a picture of noise, the same each time; size in pixels."""
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return NoisePicture(levels, to_unit(levels))


def open_contestants(
    packs: Sequence[StylePack], options: BenchOptions, *, threads: int, stack: ExitStack
) -> dict[str, Contestant]:
    """Open all networks that `options` asks for, by name; those of styles stay open until `stack` closes them.

    Raises:
        MediaError: one of `options.against` is no network that takes a picture.
    """
    contestants: dict[str, Contestant] = {}
    for pack in packs:
        for model in pack.card.models if options.all_variants else (pack.model(),):
            engine = Engine(pack, variant=model.variant, device=options.device, threads=threads)
            name = pack.name if model.variant == pack.model().variant else f"{pack.name} {model.variant}"
            contestants |= _of_style(name, stack.enter_context(engine), pack.model_bytes(model.variant))
    if importlib.util.find_spec("torch"):
        contestants |= _johnson(threads)
    contestants |= {str(path): _rival(path, options.against_white, threads) for path in options.against}
    return contestants


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


def _rival(path: Path, white: White, threads: int) -> Contestant:
    run = open_rival(path, white=white, threads=threads)
    return Contestant(lambda frame: run(frame.unit), path.read_bytes(), float(white))


def _of_style(name: str, engine: Engine, model: bytes) -> dict[str, Contestant]:
    """Return a style as a contestant and, if it takes statistics, once more as a painter of frames of a scene."""
    native, scenes = Look(brush="native").of_frames(), dict[tuple[int, ...], Statistics]()

    def scene_of(frame: NoisePicture) -> Statistics:
        if frame.levels.shape not in scenes:  # in the round that is not counted
            scenes[frame.levels.shape] = engine.measure(frame.levels)
        return scenes[frame.levels.shape]

    own = Contestant(lambda frame: paint(engine, frame.levels, native), model, device=engine.device)
    given = Contestant(
        lambda frame: paint(engine, frame.levels, native, statistics=scene_of(frame)), model, device=engine.device
    )
    contestants = {f"{name}, onnxruntime": own}
    return contestants | ({f"{name}, frame of a scene": given} if engine.takes_statistics else {})


def _johnson(threads: int) -> dict[str, Contestant]:
    import torch

    from stylecli.training.export.onnx_export import export_onnx
    from stylecli.training.networks.johnson import JohnsonNetwork

    torch.set_num_threads(threads)
    network = JohnsonNetwork().eval()
    model = export_onnx(network)
    session = open_cpu_session(model, threads=threads)

    @torch.inference_mode()
    def eager(frame: NoisePicture) -> None:
        network(torch.from_numpy(frame.unit).permute(2, 0, 1)[None].contiguous())

    def exported(frame: NoisePicture) -> None:
        session.run(["stylized"], {"image": np.ascontiguousarray(frame.unit.transpose(2, 0, 1)[None])})

    return {JOHNSON_ONNX: Contestant(exported, model), YARDSTICK: Contestant(eager, model)}
