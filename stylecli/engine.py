"""A style pack opened in onnxruntime, on a device that was proven to work; the one conversion and the one rounding."""

from __future__ import annotations

import ctypes.util
import io
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from math import isqrt
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stylecli.errors import DeviceError, PackError
from stylecli.normalization import Statistics, statistics_model, with_statistics
from stylecli.pack import StylePack
from stylecli.tiles import WHOLE_PIXELS, Tile, patches_of, tiles_of

Device = Literal["auto", "cpu", "cuda", "coreml"]
Tiling = Literal["auto", "off"] | int
DEVICES: tuple[Device, ...] = ("auto", "cpu", "cuda", "coreml")
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
INSTALL_HINT = {
    "cuda": 'Install a CUDA 13 driver and `pip install "stylecli[cuda]"`, see `stylecli doctor`, or use --device cpu.',
    "coreml": "CoreML needs a Mac with Apple silicon. Use --device cpu.",
}
TILE_PIXELS = {"cpu": 1_000_000, "cuda": 16_000_000, "coreml": 2_500_000}  # that `auto` paints at once, at most
UNCUT_PIXELS = 2_500_000  # of a picture that the CPU paints whole: in such tiles 1080p takes an eighth longer
TILE_SIDE_MIN = 256  # pixels
BYTES_PER_PIXEL = 400  # that painting takes on the CPU; the largest bundled network took 254 at 1080p
MEMORY_SHARE = 0.5  # of the free memory that painting may take
AT_ONCE = 4  # pictures of a video that the CPU paints at a time, at most: each takes its own memory
SILENT = 4  # onnxruntime's severity "fatal": it reports a missing CUDA in red on the native stderr, we raise instead


class Engine:
    """A style network, ready to run. Close it, or use it in a `with`.

    `device` is the device that really runs it ("cpu", "cuda" or "coreml"), never the one merely asked for.
    """

    def __init__(
        self,
        pack: StylePack,
        *,
        variant: str | None = None,
        device: Device = "auto",
        threads: int | None = None,
        tile: Tiling = "auto",
        side_by_side: bool = False,
    ) -> None:
        """Open a pack.

        `threads` limits the CPU threads; None leaves the choice to onnxruntime. `tile` is the largest side in pixels of
        what the network paints at once; "auto" goes by the free memory, "off" paints every picture whole. With
        `side_by_side`, `at_once` threads of the caller may paint at a time, between which the cores are divided.

        Raises:
            PackError: the model file is damaged or breaks the contract.
            DeviceError: the device is not there; "auto" falls back to the CPU instead.
        """
        self.name = pack.name
        self.fallback = ""  # why "auto" did not take the graphics card that this machine has
        self._model = pack.model_bytes(variant)
        facts = pack.model(variant)
        self._reach = facts.reach
        self._takes_statistics = facts.statistics == "patches"
        if device == "auto":
            device, self.fallback = _best_device()
        self.device: str = device
        cores = _cores()
        self.at_once = min(cores, AT_ONCE) if side_by_side and device == "cpu" else 1
        self._threads, self._tile = threads or (cores // self.at_once if self.at_once > 1 else None), tile
        self._session: Any = self._open(self._model)
        _check_contract(self._session, pack.name)
        self._measuring: Any = None  # the session that measures, once one is needed
        # The latest statistics, and the sessions that hold them: as many as pictures are in work.
        self._fixed: deque[tuple[Statistics, Any]] = deque(maxlen=self.at_once)
        self._fixing = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network's memory."""
        self._session = self._measuring = None
        self._fixed.clear()

    def measure(self, pixels: NDArray[Any]) -> Statistics:
        """The statistics of a picture (H, W, 3) of any type: those of the whole, or of patches of a large one.

        Empty for a network that takes none.
        """
        if not self._takes_statistics:
            return ()
        if self._measuring is None:
            self._measuring = self._open(statistics_model(self._model))
        patches = to_unit(patches_of(pixels)).transpose(0, 3, 1, 2)
        return self._run(self._measuring, np.ascontiguousarray(patches))

    def stylize(self, pixels: NDArray[Any], statistics: Statistics | None = None) -> NDArray[np.float32]:
        """The stylized picture, (H, W, 3) in 0..1, of one of any type (H, W, 3), sRGB-encoded RGB.

        Raises:
            DeviceError: out of memory.
        """
        stylized = np.empty(pixels.shape, np.float32)
        for tile, _, painted in self.stylized_tiles(pixels, statistics):
            stylized[tile.shown] = painted
        return stylized

    def stylized_tiles(
        self, pixels: NDArray[Any], statistics: Statistics | None = None
    ) -> Iterator[tuple[Tile, NDArray[np.float32], NDArray[np.float32]]]:
        """The picture piece by piece: each tile with its photo and its stylized pixels (h, w, 3), both in 0..1.

        How it is cut changes no pixel. `statistics` are those that `measure` gave, of this picture or another frame of
        the same scene; None takes the picture's own.
        """
        height, width = pixels.shape[:2]
        session, side = self._session, max(height, width)
        if self._takes_statistics and (statistics is not None or not self._is_small(height, width)):
            session = self._with(self.measure(pixels) if statistics is None else statistics)
            side = self._tile_side(height, width)
        for tile in tiles_of(height, width, side=side, reach=self._reach):
            seen = to_unit(pixels[tile.seen])
            image = np.ascontiguousarray(seen.transpose(2, 0, 1)[None])  # (1, 3, h, w)
            (stylized,) = self._run(session, image)
            yield tile, seen[tile.inside], stylized[0].transpose(1, 2, 0)[tile.inside]

    def _is_small(self, height: int, width: int) -> bool:
        """Whether live statistics are those of the whole picture anyway: the model runs as it is, once."""
        return self._tile == "auto" and height * width <= WHOLE_PIXELS

    def _with(self, statistics: Statistics) -> Any:
        """A session with these statistics; those of the latest ones are kept."""
        with self._fixing:
            for fixed, session in self._fixed:
                if _are_equal(fixed, statistics):
                    return session
            if len(self._fixed) == self.at_once:
                self._fixed.popleft()  # free it before the next one is made
            session = self._open(with_statistics(self._model, statistics))
            self._fixed.append((statistics, session))
            return session

    def _tile_side(self, height: int, width: int) -> int:
        if self._tile == "off":
            return max(height, width)
        if self._tile != "auto":
            return self._tile
        import psutil

        pixels = uncut = TILE_PIXELS[self.device]
        if self.device == "cpu":
            fitting = int(psutil.virtual_memory().available * MEMORY_SHARE / BYTES_PER_PIXEL / self.at_once)
            pixels, uncut = min(pixels, fitting), min(UNCUT_PIXELS, fitting)
        if height * width <= uncut:
            return max(height, width)
        return max(TILE_SIDE_MIN, isqrt(pixels) - 2 * self._reach)

    def _open(self, model: bytes) -> Any:
        return _open_session(model, self.name, self.device, self._threads)

    def _run(self, session: Any, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        if self._session is None:
            raise RuntimeError("the engine is closed")
        try:
            results: list[NDArray[np.float32]] = session.run(None, {"image": image})
        except Exception as err:  # onnxruntime's own exceptions derive from Exception alone
            height, width = image.shape[-2:]
            if not _is_out_of_memory(err):
                raise
            raise DeviceError(
                f"{self.device}: not enough memory for {width} x {height} pixels",
                hint="Use a smaller --tile, or a larger --brush, which works on a smaller picture.",
            ) from err
        return results


def to_unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Any picture's samples (uint8, uint16, float32) as float32 in 0..1."""
    if pixels.dtype == np.float32:
        return pixels
    return pixels * np.float32(1 / np.iinfo(pixels.dtype).max)


def quantize(unit: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Samples in 0..1 as `dtype`, clipped and rounded to nearest; undoes `to_unit` exactly."""
    if np.dtype(dtype) == np.float32:
        return unit
    scaled = unit * np.float32(np.iinfo(dtype).max)
    scaled += np.float32(0.5)
    return np.clip(scaled, 0, np.float32(np.iinfo(dtype).max), out=scaled).astype(dtype)


def working_devices() -> dict[str, str]:
    """Which devices can really run a network: name to "" when it can, else to the reason.

    onnxruntime lists CUDA on any machine, so a session with a tiny network is opened on each.
    """
    found = {}
    for name in PROVIDERS:
        try:
            _session_on(name, _tiny_model(), threads=None)
            found[name] = ""
        except DeviceError as err:
            found[name] = err.message
    return found


def _best_device() -> tuple[Device, str]:
    """The fastest device that works, and why it is not CUDA on a machine that has an NVIDIA driver."""
    driver = ctypes.util.find_library("nvcuda" if sys.platform == "win32" else "cuda")
    if driver is None:
        return "cpu", ""
    try:
        _session_on("cuda", _tiny_model(), threads=None)
    except DeviceError as err:
        return "cpu", str(err)
    return "cuda", ""


def _open_session(model: bytes, name: str, device: str, threads: int | None) -> Any:
    try:
        return _session_on(device, model, threads)
    except DeviceError:
        raise
    except Exception as err:  # onnxruntime's own exceptions derive from Exception alone
        raise PackError(
            f"{name}: onnxruntime cannot open its network ({err})", hint="Add the style again, or upgrade stylecli."
        ) from err


def _session_on(device: str, model: bytes, threads: int | None) -> Any:
    import onnxruntime  # heavy, and not needed by --help

    onnxruntime.set_default_logger_severity(SILENT)
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceError(f"{device}: this onnxruntime is built without it", hint=INSTALL_HINT.get(device, ""))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    if threads is not None:
        options.intra_op_num_threads = threads
    if device == "cpu":
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.enable_mem_pattern = False  # a pattern asks for all memory anew, shared or not
    if device == "cuda":
        with redirect_stdout(io.StringIO()):  # it prints what it misses; whether CUDA works is seen below
            onnxruntime.preload_dlls()  # CUDA and cuDNN from the wheels of the extra `cuda`
    session = onnxruntime.InferenceSession(model, options, providers=[provider])
    if session.get_providers()[0] != provider:  # it fell back to the CPU, and says so only on the native stderr
        raise DeviceError(f"{device}: no such device works here", hint=INSTALL_HINT.get(device, ""))
    return session


@cache
def _share_memory() -> None:
    """Let all sessions on the CPU take their memory from one store.

    Each new scene of a video opens a session. With a store of its own, its first pictures took half as long again, for
    memory fresh from the system, and the process held twice as much.
    """
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, None)


def _cores() -> int:
    """The physical cores that this process may use."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(allowed, psutil.cpu_count(logical=False) or allowed)


def _check_contract(session: Any, name: str) -> None:
    inputs = [(value.name, value.type) for value in session.get_inputs()]
    outputs = [(value.name, value.type) for value in session.get_outputs()]
    if inputs != [("image", "tensor(float)")] or outputs != [("stylized", "tensor(float)")]:
        raise PackError(
            f"{name}: its network takes {inputs} and gives {outputs}", hint="A style network maps image to stylized."
        )


def _are_equal(one: Statistics, other: Statistics) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _is_out_of_memory(err: Exception) -> bool:
    text = str(err).lower()
    return any(sign in text for sign in ("failed to allocate", "out of memory", "bad_alloc", "bad allocation"))


def _tiny_model() -> bytes:
    """An ONNX model of one node, output = image: the smallest thing that tells whether a device works."""
    import onnx
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])
    output = helper.make_tensor_value_info("stylized", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["stylized"])], "probe", [image], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = onnx.ModelProto.SerializeToString(model)
    return serialized
