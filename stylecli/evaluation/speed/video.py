"""How well decoding, network and encoding overlap: each stage alone, the whole, and the best possible rate."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ffmpeg

from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.temporary import temporary_folder
from stylecli.core.threads import side_by_side
from stylecli.inference.engine import Engine
from stylecli.media.video.clip import probe
from stylecli.media.video.ffmpeg import run_ffmpeg
from stylecli.media.video.reading.reader import read_frames
from stylecli.media.video.writing.codecs import EncoderOptions
from stylecli.media.video.writing.containers import container_for, encoder_for
from stylecli.media.video.writing.writer import encoding
from stylecli.packs.pack import StylePack
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.videos.video import stylize_video

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES = 240  # of the clip: enough that start-up and shut-down matter little
SAMPLE = 48  # frames that each stage alone is timed on; they are held in memory
# A fractal zoom has detail at all scales, so decoder and encoder work as hard as on a real clip.
TEST_CLIP = "mandelbrot=size={width}x{height}:rate=24"


@dataclass(frozen=True)
class Stage:
    """One stage alone: seconds a frame by the clock, and CPU seconds a frame over all cores."""

    seconds: float
    cpu_seconds: float


def ceiling_of(stages: Mapping[str, Stage]) -> float:
    """Return the most items a second that stages allow: min(slowest alone, cores / sum of CPU seconds an item)."""
    cores = os.cpu_count() or 1
    slowest = max(stage.seconds for stage in stages.values())
    return min(1 / slowest, cores / sum(stage.cpu_seconds for stage in stages.values()))


def limit_of(stages: Mapping[str, Stage]) -> str:
    """Return what sets the ceiling: the slowest stage, or the cores."""
    name, slowest = max(stages.items(), key=lambda stage: stage[1].seconds)
    return f"{name} alone" if ceiling_of(stages) == 1 / slowest.seconds else "CPU time"


def timed(run: Callable[[], object], items: int) -> Stage:
    """Run something that does so many items in this process, and return what one of them took."""
    started, cpu_started = time.perf_counter(), time.process_time()
    run()
    return Stage((time.perf_counter() - started) / items, (time.process_time() - cpu_started) / items)


@dataclass(frozen=True)
class VideoSpeed:
    """The speed of the pipeline. fps: frames a second of the whole; ceiling: as `ceiling_of`."""

    width: int
    height: int
    stages: dict[str, Stage]
    fps: float
    ceiling: float

    @property
    def share(self) -> float:
        """The share of the ceiling that was reached."""
        return self.fps / self.ceiling


def measure_video(
    pack: StylePack, width: int, height: int, *, frames: int = FRAMES, progress: Progress = ignore
) -> VideoSpeed:
    """Time every stage alone and the whole pipeline, on a clip made for it.

    Args:
        pack: the style; it runs on the CPU.
        width: of the clip, in pixels.
        height: of the clip, in pixels.
        frames: frames of the clip.
        progress: hears of every stage.
    """
    with temporary_folder() as folder, Engine(pack, device="cpu", side_by_side=True) as engine:
        source, target = folder / "source.mp4", folder / "target.mp4"
        _write_clip(source, width, height, frames)
        clip = probe(source)
        source_frames = list(islice(read_frames(clip), SAMPLE))

        def painting() -> Iterator[NDArray[Any]]:
            painter = FramePainter(engine, Look())
            jobs = (painter.begin(frame.pixels) for frame in source_frames)
            return side_by_side(jobs, painter.at_once)

        def decode() -> None:
            for _ in islice(read_frames(clip), SAMPLE):
                pass

        def stylize() -> None:
            for _ in painting():
                pass

        def encode() -> None:
            encoder = encoder_for(container_for(target), EncoderOptions())
            with encoding(target, clip, encoder=encoder, origin=0, output=target) as writer:
                for frame in painted:
                    writer.write(frame)

        def whole() -> None:
            stylize_video(source, target, paint=FramePainter(engine, Look()), overwrite=True)

        stages = {}
        # Encode painted pictures: they cost the encoder more than plain ones.
        painted = [frame.with_pixels(pixels) for frame, pixels in zip(source_frames, painting(), strict=True)]
        for number, (name, run) in enumerate({"decode": decode, "network": stylize, "encode": encode}.items()):
            progress(Step(number, 4, "stages", f"{name} alone"))
            stages[name] = timed(run, len(source_frames))
        progress(Step(3, 4, "stages", "all together"))
        fps = 1 / timed(whole, frames).seconds
        progress(Step(4, 4, "stages"))
    return VideoSpeed(width, height, stages, fps, ceiling_of(stages))


def _write_clip(path: Path, width: int, height: int, frames: int) -> None:
    source = ffmpeg.input(TEST_CLIP.format(width=width, height=height), f="lavfi")
    encoder = {"vcodec": "libx264", "pix_fmt": "yuv420p", "preset": "veryfast"}
    run_ffmpeg(source.output(str(path), vframes=frames, **encoder), f"{path}: cannot be written", target=path)
