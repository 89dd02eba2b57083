"""A spool's jobs, painted: networks, statistics of scenes and painted frames are kept for the next job."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError, MediaError
from stylecli.editors.layout import CHANNELS, SAMPLES, Layout
from stylecli.editors.raw_pixels import repainted
from stylecli.editors.spool.cache import FrameCache, key_of
from stylecli.editors.spool.carriers import Encode, pixels_of, read_samples
from stylecli.editors.spool.engines import EngineCache
from stylecli.editors.spool.job import Probe, SpoolJob
from stylecli.inference.engine import Device, Engine
from stylecli.inference.normalization import Statistics
from stylecli.media.images.files import encode_picture, read_picture
from stylecli.stylize.frame_painter import SceneStatistics
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.pictures.pages import stylize_picture

SCENES_KEPT = 64
PROBE_TOLERANCE = 2e-3  # relative to 1 or the larger number: half floats have 11 significant bits


@dataclass(frozen=True)
class Answer:
    """What the client gets, as bytes or as a file of the cache, and what is said about it."""

    data: bytes | memoryview | Path
    facts: dict[str, Any]


class NotCachedError(MediaError):
    """The client wants no frame that has to be painted."""


class JobPainter:
    """Paints one job after the other. Close it, or use it in a `with`."""

    def __init__(self, device: Device, styles_dir: Path | None, cache: Path) -> None:
        self._engines = EngineCache(device, styles_dir)
        self._frames = FrameCache(cache)
        self._scenes: dict[str, dict[str, NDArray[Any]]] = {}
        self._unkept: tuple[str, bytes | memoryview, dict[str, Any]] | None = None  # key, file, facts

    def __enter__(self) -> JobPainter:
        return self

    def __exit__(self, *_: object) -> None:
        self._engines.close()

    def paint(self, job: SpoolJob, data: bytes, begun: Callable[[str], None]) -> Answer:
        """Paint the bytes of a job's input. `begun` hears the style's name before the network runs.

        Raises:
            StyleError: of any kind; its message is for the client.
        """
        engine, network = self._engines.engine(job.style, job.variant)
        if job.layout is None:
            begun(engine.name)
            picture = stylize_picture(read_picture(data), engine, job.look)
            height, width = picture.pixels.shape[:2]
            return Answer(encode_picture(picture, Path(job.output).suffix), _facts(engine, (width, height)))
        size = (job.layout.width, job.layout.height)
        key = "" if job.cache == "off" else _key(job, network, data)
        if key and (probe := self._frames.get(f"{key}.json")) and (file := self._frames.file(key)):
            return Answer(file, {**_facts(engine, size), "cached": True, **json.loads(probe)})
        samples, encode = _samples(job, job.layout, data)
        _check_probe(samples, job.probe, job.input)
        if job.cache == "only":
            raise NotCachedError("the frame is not in the cache", hint="Render it once.")
        begun(engine.name)
        painted = self._repainted(samples, job.layout, engine, job.look, f"{network}-{job.scene}" * bool(job.scene))
        facts = _facts(engine, size) | ({"cached": False} if key else {}) | _probe_of(painted, job.probe)
        encoded = encode(painted)
        if key:
            self._unkept = key, encoded, facts
        return Answer(encoded, facts)

    def keep(self) -> None:
        """Put the frame that was painted last into the cache: the client has it by now and does not wait for this."""
        if self._unkept:
            key, encoded, facts = self._unkept
            self._unkept = None
            probe = {name: facts[name] for name in ("probe",) if name in facts}
            self._frames.put(f"{key}.json", json.dumps(probe).encode())
            self._frames.put(key, encoded)

    def _repainted(self, samples: NDArray[Any], layout: Layout, engine: Engine, look: Look, scene: str) -> NDArray[Any]:
        def painted(pixels: NDArray[Any]) -> NDArray[Any]:
            if not scene:
                return paint(engine, pixels, look)
            statistics = self._statistics(f"{scene}-{look.brush}", engine, look, pixels)
            return paint(engine, pixels, look.of_frames(), statistics=statistics)

        try:
            return repainted(samples, layout.color, layout.alpha, painted)
        except MemoryError as error:
            raise DeviceError(
                f"{layout.width} x {layout.height}: not enough memory", hint="Make it smaller."
            ) from error

    def _statistics(self, name: str, engine: Engine, look: Look, pixels: NDArray[Any]) -> Statistics | None:
        """Those of a frame's scene; kept on the disk too, so that a new worker paints on as before."""
        if not engine.takes_statistics or look.strength == 0:
            return None
        key = key_of("scene", name)
        state = self._scenes.pop(key, None)
        if state is None and (kept := self._frames.get(key)):
            with np.load(io.BytesIO(kept)) as file:
                state = dict(file)
        scene = SceneStatistics(engine, look.brush)
        scene.restore(state or {})
        statistics = scene(pixels)
        self._scenes[key] = scene.state()  # the latest stands last
        if len(self._scenes) > SCENES_KEPT:
            self._scenes.pop(next(iter(self._scenes)))
        if state is None or not np.array_equal(state["seen"], self._scenes[key]["seen"]):
            file = io.BytesIO()
            np.savez(file, **cast("Any", self._scenes[key]))
            self._frames.put(key, file.getvalue())
        return statistics


def _key(job: SpoolJob, network: str, data: bytes) -> str:
    """Everything that decides what becomes of a frame. A host may write the time into each file: it does not count."""
    decisive = repr((job.carrier, job.layout, astuple(job.look), job.scene, job.probe))
    return key_of(network, decisive, *(pixels_of(data, job.carrier) if job.carrier else (data,)))


def _samples(job: SpoolJob, layout: Layout, data: bytes) -> tuple[NDArray[Any], Encode]:
    """The samples (H, W, 4) of a job, and what makes bytes for the client of others."""
    if job.carrier:
        samples, encode = read_samples(data, job.carrier, job.input)
        if samples.shape[:2] != (layout.height, layout.width):
            height, width = samples.shape[:2]
            raise MediaError(
                f"{job.input}: it is {width} x {height}, {layout.width} x {layout.height} was expected",
                hint="The host wrote another part of the picture; raw samples work in every host.",
            )
        return samples, encode
    if len(data) != layout.size:
        more = "more than " if len(data) > layout.size else ""
        raise MediaError(
            f"{job.input}: it has {more}{min(len(data), layout.size)} bytes, {layout.size} were expected",
            hint="Check width, height and pixel.",
        )
    samples = np.frombuffer(data, SAMPLES[layout.pixel]).reshape(layout.height, layout.width, CHANNELS)
    return samples, np.ndarray.tobytes


def _check_probe(samples: NDArray[Any], probe: Probe, name: str) -> None:
    """Whether the picture that was read is the one that the host sees."""
    height, width = samples.shape[:2]
    levels = 1.0 if samples.dtype.kind == "f" else 1 / np.iinfo(samples.dtype).max
    for x, y, *expected in probe:
        if x >= width or y >= height:
            raise MediaError(f"{name}: {x}, {y} is outside the picture", hint="Check the probe.")
        wanted, found = np.nan_to_num(np.array(expected)), np.nan_to_num(_unit(samples[y, x]))
        if (np.abs(wanted - found) > PROBE_TOLERANCE * np.maximum(1, np.abs(wanted)) + levels * (levels < 1)).any():
            raise MediaError(
                f"{name}: its pixel {x}, {y} is {found.tolist()}, the host has {wanted.tolist()}",
                hint="The host writes such files wrong; raw samples work in every host.",
            )


def _unit(samples: NDArray[Any]) -> NDArray[np.float64]:
    return samples.astype(np.float64) / (1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max)


def _probe_of(painted: NDArray[Any], probe: Probe) -> dict[str, Any]:
    """The painted pixels at the places of a probe; nothing without one."""
    pixels = [[x, y, *map(float, _unit(painted[y, x]))] for x, y, *_ in probe]
    return {"probe": pixels} if pixels else {}


def _facts(engine: Engine, size: tuple[int, int]) -> dict[str, Any]:
    return {"width": size[0], "height": size[1], "style": engine.name, "device": engine.device}
