"""`stylecli styles learn`: learn a style from one painting, in minutes."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType, TimeSpan


@click.command("learn")
@click.argument("painting", type=PathType(dir_okay=False))
@click.option("--name", help="Name of the new style; default: from the file's name.")
@click.option("--title", default="", help="Title of the painting, for the style's card.")
@click.option("--artist", default="", help="Artist of the painting.")
@click.option("--year", type=int, default=0, help="Year of the painting.")
@click.option("--time-budget", "seconds", type=TimeSpan(), default="5m", show_default=True, help="Time to train.")
@click.option("--base", metavar="STYLE", help="Style to start from; default: the nearest of six bundled ones.")
@click.option("--data", "photos", type=PathType(), help="Training photos; default: 11 that ship with stylecli.")
@click.option(
    "--work",
    type=PathType(),
    help="Folder of the training while it runs; default: in your user folder.",
)
@options.styles_dir
@options.overwrite
@options.as_json
@needs_extra("train")
def command(
    painting: Path,
    name: str | None,
    title: str,
    artist: str,
    year: int,
    seconds: float,
    base: str | None,
    photos: Path | None,
    work: Path | None,
    styles_dir: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Learn a style from a painting and add it to your own styles, or to --styles-dir.

    NAME-preview.png in the current folder shows photos in the style while it is learned. After ^C the same command
    resumes.
    """
    from stylecli.evaluation.quality.learned import judge_learned
    from stylecli.packs.shelves import shelves
    from stylecli.training.learn import LearningJob, learn_style

    job = LearningJob(painting, name, title, artist, year, base, photos, seconds)
    preview = Path(f"{job.style}-preview.png")
    with progress_shown(as_json=as_json) as progress:
        pack = learn_style(
            job,
            shelves(styles_dir)[0],
            styles_dir=styles_dir,
            preview=preview,
            work=work,
            overwrite=overwrite,
            progress=progress,
            notice=say,
        )
        scores = judge_learned(pack, painting)
    if as_json:
        emit_json({"event": "result", "style": pack.name, "folder": pack.folder, "preview": preview, "scores": scores})
    else:
        say(f"content {scores['content']:.2f}, style {scores['style']:.2f}; photos in the style: {preview}")
        emit(f"{pack.name}: added to {pack.folder.parent}")
