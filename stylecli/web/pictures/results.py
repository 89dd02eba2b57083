"""Results at full size, as the command line makes them, with the same bytes and names."""

from __future__ import annotations

import secrets
from pathlib import Path

from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.pictures.jobs import PictureJob, plan_jobs
from stylecli.stylize.pictures.run import run_jobs
from stylecli.web.pictures.previews import Previews
from stylecli.web.pictures.uploads import Upload
from stylecli.web.pictures.wishes import Wish


def make_picture(upload: Upload, wish: Wish, previews: Previews, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Stylize a picture at full size into `folder`, as `stylecli image` does: its file, and what could not be kept.

    Raises:
        MediaError, PackError, DeviceError: the file, the style or the device does not work.
    """
    with previews.lock:
        look: Look = previews.look(wish)
        engine = previews.networks.engine(wish.style, wish.variant)
        (planned,) = plan_jobs([upload.path], [engine.name], None)
        job = PictureJob(upload.path, engine.name, folder / f"{secrets.token_hex(8)}{planned.output.suffix}")
        (outcome,) = run_jobs([job], {engine.name: engine}, look, options=PictureOptions())
    if outcome.error:
        message = outcome.error.message.replace(str(upload.path), upload.name)
        raise type(outcome.error)(message, hint=outcome.error.hint)
    return outcome.job.output, outcome.lost


def result_name(upload: Upload, style: str, output: Path) -> str:
    """The name of a result, as the command line gives it: `{stem}-{style}{suffix}`."""
    return f"{upload.stem}-{style}{output.suffix}"
