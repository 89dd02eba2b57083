"""A style pack opened in onnxruntime, on a device that was tried and works."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from math import isqrt
from threading import Lock
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, PackError
from stylecli.inference.flow import FLOW_REACH, flowing_model
from stylecli.inference.flow_nodes import FLOW_INPUT
from stylecli.inference.int8_as_float import float_twin
from stylecli.inference.normalization import Statistics, statistics_model, with_statistics
from stylecli.inference.sessions import (
    DEVICES,
    Device,
    best_device,
    is_out_of_memory,
    open_session,
    physical_cores,
    working_devices,
)
from stylecli.inference.tiles import WHOLE_PIXELS, Pixels, Tile, patches_of, tiles_of
from stylecli.inference.uint8_model import pixel_model
from stylecli.media.pixels import to_unit
from stylecli.packs.pack import StylePack

__all__ = ["DEVICES", "Device", "Engine", "Tiling", "working_devices"]

Tiling = Literal["auto", "off"] | int
TILE_PIXELS = {"cpu": 1_000_000, "cuda": 16_000_000, "coreml": 2_500_000}  # most pixels of a tile with tile="auto"
UNCUT_PIXELS = 2_500_000  # the CPU paints pictures up to this whole: cut into tiles, 1080p takes an eighth longer
TILE_SIDE_MIN = 256  # pixels
BYTES_PER_PIXEL = 400  # memory for painting on the CPU; the largest bundled network took 254 at 1080p
MEMORY_SHARE = 0.5  # of the free memory: what painting may take
AT_ONCE = 4  # most frames of a video that the CPU paints at a time: each takes its own memory


class Engine:
    """A style network, ready to run. Close it, or use it in a `with`.

    name: the style's. fill, detail, flow: its strokes in empty areas, its fine strokes, and how far strokes are drawn
    out, unless a look says otherwise. device: the device that runs it: "cpu", "cuda" or "coreml". fallback: why
    device="auto" did not take the graphics card, if there is one. at_once: how many threads may paint at a time.
    takes_statistics: whether the network needs those of `measure`; otherwise they are part of it.
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

        Args:
            pack: the style.
            variant: which of its networks; None: the one that `pack` means.
            device: where to run it; "auto" takes CUDA if it works, else the CPU.
            threads: CPU threads; None leaves the choice to onnxruntime.
            tile: the largest side, in pixels, of a tile; "auto" goes by the free memory, "off" paints pictures whole.
            side_by_side: whether several threads of the caller will paint at a time. They share the cores evenly.

        Raises:
            PackError: the model file is damaged or breaks the contract.
            DeviceError: the device does not work.
        """
        self.name = pack.name
        self.fallback = ""
        self._model = pack.model_bytes(variant)
        facts = pack.model(variant)
        self.fill, self.detail = pack.card.fill, pack.card.detail if facts.is_own else 0.0
        self.flow = pack.card.flow
        self._reach = facts.reach
        self.takes_statistics = facts.statistics == "patches"
        self._is_int8 = facts.precision == "int8"
        if device == "auto":
            device, self.fallback = best_device()
        self.device: str = device
        cores = physical_cores()
        self.at_once = min(cores, AT_ONCE) if side_by_side and device == "cpu" else 1
        self._threads, self._tile = threads or (cores // self.at_once if self.at_once > 1 else None), tile
        self._sessions: dict[str, Any] = {f"live {_Kind()}": self._open(self._model)}
        # (statistics, session) of the latest scenes, by kind: as many as threads may paint at a time.
        self._given: dict[_Kind, deque[tuple[Statistics, Any]]] = {}
        self._opening = Lock()
        _check_contract(self._sessions[f"live {_Kind()}"], pack.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network's memory."""
        self._sessions.clear()
        self._given.clear()

    def measure(self, pixels: Pixels) -> Statistics:
        """Measure the statistics of a picture (H, W, 3) of any type: over all of it, or over patches if it is large.

        Empty for a network that takes none.
        """
        if not self.takes_statistics:
            return ()
        session = self._session("measuring", self._measuring_model)
        return self._run(session, _planes(patches_of(pixels)))

    def stylize(
        self, pixels: Pixels, statistics: Statistics | None = None, *, flow: float | None = None
    ) -> NDArray[np.float32]:
        """Stylize a picture (H, W, 3), sRGB-encoded RGB of any type; returns (H, W, 3) in 0..1.

        statistics: of this picture or another frame of its scene, from `measure`; None: measured here. flow: how far
        strokes are drawn out along the shapes, 0 to 1; None: as the style says.

        Raises:
            DeviceError: out of memory.
            PackError: the strokes of this network cannot be drawn out.
        """
        stylized = np.empty(pixels.shape, np.float32)
        for tile, painted in self.stylized_tiles(pixels, statistics, flow=flow):
            stylized[tile.shown] = painted
        return stylized

    def stylized_tiles(
        self, pixels: Pixels, statistics: Statistics | None = None, *, flow: float | None = None
    ) -> Iterator[tuple[Tile, NDArray[np.float32]]]:
        """Stylize a picture tile by tile; yields each tile and its stylized pixels, (h, w, 3) in 0..1.

        The tiles change no pixel of the result. Arguments and errors as of `stylize`.
        """
        amount = self.flow if flow is None else flow
        session, tiles = self._prepared(pixels, statistics, _Kind(is_flowing=amount > 0))
        for tile in tiles:
            (stylized,) = self._run(session, _planes(pixels[tile.seen][None]), amount)
            yield tile, stylized[0].transpose(1, 2, 0)[tile.inside]

    def stylized_bytes(
        self, pixels: NDArray[np.uint8], statistics: Statistics | None = None, *, flow: float | None = None
    ) -> Iterator[tuple[Tile, NDArray[np.uint8]]]:
        """Stylize 8-bit pixels to 8-bit pixels, tile by tile: faster than `stylized_tiles`, with the same levels.

        Only where `paints_bytes` is true.
        """
        amount = self.flow if flow is None else flow
        session, tiles = self._prepared(pixels, statistics, _Kind(is_of_bytes=True, is_flowing=amount > 0))
        for tile in tiles:
            (stylized,) = self._run(session, np.ascontiguousarray(pixels[tile.seen])[None], amount)
            yield tile, stylized[0][tile.inside]

    @property
    def paints_bytes(self) -> bool:
        """Whether `stylized_bytes` works on this device: graphics cards lack some operators for bytes."""
        return self.device == "cpu"

    def _prepared(self, pixels: Pixels, statistics: Statistics | None, kind: _Kind) -> tuple[Any, Iterator[Tile]]:
        """Return the session that paints a picture, and the tiles to cut it into."""
        height, width = pixels.shape[:2]
        if self.takes_statistics and (statistics is not None or not self._is_small(height, width)):
            session = self._with(self.measure(pixels) if statistics is None else statistics, kind)
            side = self._tile_side(height, width)
        else:
            session, side = self._session(f"live {kind}", lambda: kind.made_of(self._model)), max(height, width)
        reach = self._reach + FLOW_REACH if self._reach and kind.is_flowing else self._reach
        return session, tiles_of(height, width, side=side, reach=reach)

    def _with(self, statistics: Statistics, kind: _Kind) -> Any:
        """Return a session with these statistics; the latest sessions are cached."""
        with self._opening:
            given = self._given.setdefault(kind, deque())
            for fixed, session in given:
                if _are_equal(fixed, statistics):
                    return session
            if len(given) == self.at_once:
                given.popleft()  # free it before the next one is made
            session = self._open(kind.made_of(with_statistics(self._model, statistics)))
            given.append((statistics, session))
            return session

    def _session(self, name: str, model: Callable[[], bytes]) -> Any:
        """Return the session of a name; opens it on first use."""
        with self._opening:
            if not self._sessions:
                raise RuntimeError("the engine is closed")
            if name not in self._sessions:
                self._sessions[name] = self._open(model())
            return self._sessions[name]

    def _measuring_model(self) -> bytes:
        return statistics_model(float_twin(self._model) if self._is_int8 else self._model)

    def _is_small(self, height: int, width: int) -> bool:
        """Whether to run the model as it is, with live statistics: for a small picture they are those of the whole.

        Not for int8 models, which measure live statistics slowly (see `float_twin`).
        """
        return self._tile == "auto" and height * width <= WHOLE_PIXELS and not self._is_int8

    def _tile_side(self, height: int, width: int) -> int:
        if self._tile == "off":
            return max(height, width)
        if self._tile != "auto":
            return self._tile
        import psutil

        pixels = uncut = TILE_PIXELS[self.device]
        if self.device == "cpu":
            fitting = int(psutil.virtual_memory().available * MEMORY_SHARE / BYTES_PER_PIXEL / self.at_once)
            if fitting < min(height * width, TILE_SIDE_MIN**2):
                raise DeviceError(
                    f"cpu: too little memory is free to paint even {TILE_SIDE_MIN} x {TILE_SIDE_MIN} pixels",
                    hint="Close other programs, or say how large a piece may be with `tile`.",
                )
            pixels, uncut = min(pixels, fitting), min(UNCUT_PIXELS, fitting)
        if height * width <= uncut:
            return max(height, width)
        return max(TILE_SIDE_MIN, isqrt(pixels) - 2 * self._reach)

    def _open(self, model: bytes) -> Any:
        return open_session(model, self.name, self.device, self._threads)

    def _run(self, session: Any, image: NDArray[Any], flow: float = 0.0) -> list[NDArray[Any]]:
        inputs = {"image": image} | ({FLOW_INPUT: np.array(flow, np.float32)} if flow else {})
        try:
            results: list[NDArray[Any]] = session.run(None, inputs)
        except Exception as error:  # onnxruntime's own exceptions derive from Exception alone
            height, width = image.shape[1:3] if image.dtype == np.uint8 else image.shape[2:]
            if not is_out_of_memory(error):
                raise
            raise DeviceError(
                f"{self.device}: not enough memory for {width} x {height} pixels",
                hint="Use a smaller `tile`, or a larger `brush`, which works on a smaller picture.",
            ) from error
        return results


class _Kind(NamedTuple):
    """What is built around a network: pixels as bytes, strokes that are drawn out."""

    is_of_bytes: bool = False
    is_flowing: bool = False

    def made_of(self, model: bytes) -> bytes:
        """Return the model of this kind. Raises PackError where strokes cannot be drawn out."""
        flowing = flowing_model(model) if self.is_flowing else model
        return pixel_model(flowing) if self.is_of_bytes else flowing


def _planes(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Pictures (N, H, W, 3) as the network takes them, (N, 3, H, W) in 0..1; bytes are moved while they are small."""
    return to_unit(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def _check_contract(session: Any, name: str) -> None:
    inputs = [(value.name, value.type) for value in session.get_inputs()]
    outputs = [(value.name, value.type) for value in session.get_outputs()]
    if inputs != [("image", "tensor(float)")] or outputs != [("stylized", "tensor(float)")]:
        raise PackError(
            f"{name}: its network takes {inputs} and gives {outputs}", hint="A style network maps image to stylized."
        )


def _are_equal(one: Statistics, other: Statistics) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
