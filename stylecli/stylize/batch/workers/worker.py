"""A worker process of a batch: one JSON line in for each item, one out. It keeps styles loaded between items.

A process of its own, so that a picture that crashes a decoder or hangs it costs that picture alone. It ends as soon as
its parent does: whoever reads the parent's end of the pipe learns of a kill -9 too.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.files import discard_drafts
from stylecli.stylize.batch.manifests.columns import ENCODER_COLUMNS, PICTURE_COLUMNS
from stylecli.stylize.batch.workers.requests import look_of, rate_of, span_of

if TYPE_CHECKING:
    from stylecli.core.progress import Notice
    from stylecli.inference.engine import Engine
    from stylecli.inference.sessions import Device
    from stylecli.media.video.clip import Hdr
    from stylecli.stylize.pictures.jobs import PictureJob
    from stylecli.stylize.pictures.run import Outcome

ENGINES_KEPT = 4  # styles that stay loaded: about 50 MB each


@dataclass
class Worker:
    """The state of a worker: its styles.

    device: as of `load_style`; threads: of the CPU, None for all.
    """

    device: Device
    threads: int | None
    styles_dir: Path | None
    engines: dict[tuple[str, str | None, str, bool], Engine] = field(default_factory=dict)

    def do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do one request, and give its answer. Faults become answers, too."""
        started = time.monotonic()
        warnings: list[str] = []
        act: Callable[..., dict[str, Any]] = {
            "picture": self._picture,
            "sequence": self._sequence,
            "video": self._video,
            "probe": self._probe,
            "measure": self._measure,
        }[request["kind"]]
        try:
            try:
                facts = act(request, warnings.append)
            except OSError as error:
                raise MediaError(f"{request['output']}: {error.strerror or error}") from error
            except MemoryError as error:
                raise MediaError(f"{request['input']}: the memory is too small for it") from error
            answer = {"status": "done", **facts}
        except StyleError as error:
            answer = {"status": "failed", "error": error.message, "hint": error.hint, "kind": type(error).__name__}
        except Exception as error:  # a defect: it costs one item, not the batch
            answer = {"status": "failed", "error": f"{type(error).__name__}: {error}", "hint": "", "kind": "Defect"}
        return {**answer, "seconds": round(time.monotonic() - started, 3), "warnings": warnings}

    def _engine(self, request: Mapping[str, Any]) -> Engine:
        from stylecli.inference.engine import Engine
        from stylecli.packs.shelves import find_style

        has_frames = request["kind"] in ("video", "sequence")
        key = (request["style"], request["variant"], request["style_sha256"], has_frames)
        if (engine := self.engines.pop(key, None)) is None:
            while len(self.engines) >= ENGINES_KEPT:
                self.engines.pop(next(iter(self.engines))).close()
            pack = find_style(request["style"], self.styles_dir, variant=request["variant"])
            alone = has_frames and self.threads is None  # on all cores, which paint several frames at a time
            engine = Engine(pack, device=self.device, threads=self.threads, side_by_side=alone)
        self.engines[key] = engine  # last: the one used longest ago is closed first
        return engine

    def _picture(self, request: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
        from stylecli.stylize.pictures.jobs import PictureJob

        engine, output = self._engine(request), Path(request["output"])
        _make_parent(output, Path(request["folder"]))
        job = PictureJob(Path(request["input"]), engine.name, output)
        (outcome,) = _run_jobs([job], engine, request, notice, overwrite=request["overwrite"])
        if outcome.error:
            raise outcome.error
        return _facts(outcome.width, outcome.height, outcome.pictures, engine)

    def _sequence(self, request: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
        """Paint the frames that are not there yet, as `stylecli image` does: those of a scene share its statistics."""
        from stylecli.media.images.files import read_picture
        from stylecli.stylize.batch.manifests.files import frame_files
        from stylecli.stylize.pictures.jobs import PictureJob

        files = frame_files(Path(request["input"]), Path(request["output"]))
        _make_parent(files[0][1], Path(request["folder"]))
        engine = self._engine(request)
        jobs = [PictureJob(source, engine.name, target, scene=request["input"]) for source, target in files]
        outcomes = _run_jobs(jobs, engine, request, notice, overwrite=len(jobs) == 1)
        if failed := [outcome.error for outcome in outcomes if outcome.error]:
            count = f"{len(failed)} of {len(jobs)} frames failed" if len(jobs) > 1 else "failed"
            raise MediaError(f"{request['input']}: {count}: {failed[0].message}", hint=failed[0].hint)
        height, width = read_picture(files[0][1]).pixels.shape[:2]
        return _facts(width, height, len(jobs), engine)

    def _video(self, request: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
        from stylecli.media.video.plan import VideoOptions
        from stylecli.media.video.writing.codecs import EncoderOptions
        from stylecli.packs.shelves import find_style
        from stylecli.stylize.frame_painter import FramePainter
        from stylecli.stylize.painting import fingerprint
        from stylecli.stylize.videos.video import stylize_video

        output, look = Path(request["output"]), look_of(request)
        engine = self._engine(request)
        model = find_style(request["style"], self.styles_dir, variant=request["variant"]).model()
        _make_parent(output, Path(request["folder"]))
        encoder = EncoderOptions(**{name: request[name] for name in ENCODER_COLUMNS})
        options = VideoOptions(
            encoder,
            span_of(request["range"]),
            hdr=cast("Hdr", request["hdr"]),
            allow_truncated=request["allow_truncated"],
            strict=request["strict"],
            audio=request["audio"],
            rate=rate_of(request["fps"]),
        )
        result = stylize_video(
            Path(request["input"]),
            output,
            paint=FramePainter(engine, look),
            options=options,
            fingerprint=fingerprint(engine, model, look),
            overwrite=request["overwrite"],
            notice=notice,
        )
        return _facts(result.width, result.height, result.frames, engine)

    def _probe(self, request: Mapping[str, Any], _: Notice) -> dict[str, Any]:
        from stylecli.stylize.batch.workers.probing import size_of

        return size_of(request)

    def _measure(self, request: Mapping[str, Any], _: Notice) -> dict[str, Any]:
        from stylecli.stylize.batch.workers.probing import speed_of

        return speed_of(self._engine(request), request)


def main() -> None:
    """Serve requests from stdin until it ends; answers go to stdout, which nothing else may write to."""
    facts = json.loads(sys.argv[1])
    styles_dir = Path(facts["styles_dir"]) if facts["styles_dir"] else None
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native libraries that print must not mix with the answers
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    worker = Worker(facts["device"], facts["threads"], styles_dir)
    while True:
        answer = worker.do(json.loads(requests.get()))
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _read(pipe: BinaryIO, requests: queue.SimpleQueue[bytes]) -> None:
    """Queue the requests; when the parent closes the pipe or is gone, end at once, with all children and no draft."""
    for line in pipe:
        requests.put(line)
    discard_drafts()
    if sys.platform != "win32" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _run_jobs(
    jobs: Sequence[PictureJob], engine: Engine, request: Mapping[str, Any], notice: Notice, *, overwrite: bool
) -> list[Outcome]:
    """Do the jobs of an item with its look and its options, and tell what could not be kept."""
    from stylecli.stylize.options import PictureOptions
    from stylecli.stylize.pictures.run import run_jobs

    chosen = {name: request[name] for name in PICTURE_COLUMNS}
    options = PictureOptions(exr_color=request["color"], overwrite=overwrite, makes_folders=False, **chosen)
    outcomes = run_jobs(jobs, {engine.name: engine}, look_of(request), options=options)
    for lost in dict.fromkeys(lost for outcome in outcomes for lost in outcome.lost):
        notice(f"not kept: {lost}")
    return outcomes


def _facts(width: int, height: int, frames: int, engine: Engine) -> dict[str, Any]:
    """What the answer tells of a result."""
    size = {"width": width, "height": height, "frames": frames}
    return {**size, "pixels": width * height * frames, "device": engine.device}


def _make_parent(output: Path, folder: Path) -> None:
    """Make the folder of an output, but not that of the manifest: a disk that was disconnected must not seem empty."""
    if not folder.is_dir():
        raise MediaError(f"{folder}: is gone", hint="Connect it again.")
    if not output.is_relative_to(folder):
        output.parent.mkdir(parents=True, exist_ok=True)
        return
    place = folder
    for name in output.parent.relative_to(folder).parts:  # one by one: `parents` would make `folder` if it goes now
        place /= name
        place.mkdir(exist_ok=True)


if __name__ == "__main__":
    main()
