"""The options that several commands share; each stands here once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stylecli.cli.console import say
from stylecli.cli.parameters import BrushType, PathType, RangeType, TileType, TimeSpan
from stylecli.core.errors import ItemsFailedError
from stylecli.inference.sessions import DEVICES
from stylecli.stylize.look import AUTO_SHORT_SIDE, Look
from stylecli.training.losses.names import LOSS_NETWORKS, VGG_NAMES

if TYPE_CHECKING:
    from stylecli.core.errors import StyleError
    from stylecli.inference.engine import Engine
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.stylize.look import Brush

Command = TypeVar("Command", bound=Callable[..., Any])


def gathered(name: str, make: Callable[..., Any], *choices: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Add several options to a command, which gets their values as one argument `name`: `make(**values)`."""
    bare = functools.reduce(lambda function, choice: choice(function), choices, lambda **_: None)
    names = [str(parameter.name) for parameter in click.command()(bare).params]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_one(*args: Any, **kwargs: Any) -> Any:
            values = {option: kwargs.pop(option) for option in names}
            return command(*args, **{name: make(**values)}, **kwargs)

        for choice in reversed(choices):
            choice(with_one)
        return with_one  # type: ignore[return-value]  # a command with other parameters, as decorators make them

    return decorate


styles_dir = click.option(
    "--styles-dir",
    type=PathType(file_okay=False),
    help="Search this folder for styles first.  [also: $STYLECLI_STYLES]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print progress and results as JSON lines.")
overwrite = click.option("--overwrite", is_flag=True, help="Replace existing files.")
device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=DEVICES[0],
    show_default=True,
    help="Device that runs the network; auto uses CUDA if it works, else the CPU. coreml is untested.",
)
variant = click.option(
    "--variant", help="Variant of the style, such as quality, calm or int8; `stylecli styles list` names them."
)
run_folder = click.option("-o", "--output", required=True, type=PathType(), metavar="RUN", help="Folder of the run.")
csv_file = click.option(
    "--csv", "csv_file", type=PathType(dir_okay=False), help="Also write the table to this CSV file."
)
report = click.option(
    "--report",
    type=PathType(dir_okay=False),
    help="Write an HTML report with plots and pictures, all in one file.",
)
record = click.option("--record", is_flag=True, help="Write the numbers into the styles' cards.")
photos_to_train_with = click.option(
    "--data",
    required=True,
    type=PathType(),
    help="Training photos: a folder with its subfolders, or a zip.",
)
finish_with = click.option("--finish-with", type=click.Choice(VGG_NAMES), help="Loss network of the last phase.")
steps = click.option(
    "--steps", type=click.IntRange(1), help="Number of training steps; the phases keep their proportions."
)
time_budget = click.option("--time-budget", type=TimeSpan(), help="Time to train, such as 15m: as many steps as fit.")
loss_weights = click.option(
    "--loss-weights",
    type=PathType(dir_okay=False),
    help="Weights of VGG in a local safetensors file with torchvision's keys; default: a download of 550 MB.",
)


def loss_network(default: str) -> Callable[[Command], Command]:
    """Add the choice of a loss network; `default` describes what is used if none is chosen."""
    return click.option(
        "--loss-network",
        type=click.Choice(LOSS_NETWORKS),
        help=f"Network whose features the losses compare; default: {default}.",
    )


def _encoder_options(
    codec: str | None, crf: int | None, preset: str | None, pixel_format: str | None
) -> EncoderOptions:
    from stylecli.media.video.writing.codecs import EncoderOptions

    return EncoderOptions(codec, crf, preset, pixel_format)


encoder = gathered(
    "encoder",
    _encoder_options,
    click.option("--codec", help="Video codec; default: H.264, VP9 in .webm, else that of the container."),
    click.option("--crf", type=int, help="Constant quality, on the codec's own scale: lower is better and larger."),
    click.option("--preset", help="Preset of the encoder, such as slow: speed against size."),
    click.option(
        "--pixel-format",
        help="Pixel format, such as yuv420p, which every player shows; default: one that keeps what the source has.",
    ),
)
span = click.option("--range", "span", type=RangeType(), help="Only from second A to second B, or H:MM:SS-H:MM:SS.")
audio = click.option(
    "--audio",
    metavar="copy|none|CODEC",
    help="Sound: copy it or fail, leave it out, or convert it to a codec (aac, opus, flac, pcm, mp3 ...); "
    "default: copied if the container takes it, else converted.",
)


tile = click.option(
    "--tile",
    type=TileType(),
    default="auto",
    show_default=True,
    help="Largest side that is painted at once; auto depends on the free memory. Changes no pixel.",
)


def _look(
    strength: float,
    preserve_color: bool,
    mask: Path | None,
    brush: Brush,
    detail: float | None,
    flow: float | None,
) -> Look:
    from stylecli.stylize.pictures.pages import read_mask

    return Look(strength, preserve_color, read_mask(mask) if mask else None, brush, detail=detail, flow=flow)


look = gathered(
    "look",
    _look,
    click.option(
        "--strength", type=float, default=Look.strength, show_default=True, help="0 keeps the photo, 1 is all style."
    ),
    click.option(
        "--preserve-color", is_flag=True, help="Take the brushwork of the painting, but keep the photo's colours."
    ),
    click.option(
        "--mask",
        type=PathType(dir_okay=False),
        help="Picture that is white where the style is wanted.",
    ),
    click.option(
        "--brush",
        type=BrushType(),
        default=Look.brush,
        show_default=True,
        help="Stroke size: 2 doubles the strokes; native paints at full resolution; auto paints at a short side of "
        f"at most {AUTO_SHORT_SIDE} pixels, so that a preview looks like the full size.",
    ),
    click.option(
        "--detail",
        type=float,
        help="Fine brush strokes where the photo has detail, such as a face: 0 none, up to 1; default: as the style "
        "says, for frames of videos, sequences and animations 0: at 720p they take five times as long with them.",
    ),
    click.option(
        "--flow",
        type=float,
        help="How far brush strokes are drawn out along the shapes: 0 not at all, 1 all the way; default: as the style "
        "says.",
    ),
)
fill = click.option(
    "--fill",
    type=float,
    help="Brush strokes in empty areas, such as a clear sky: 0 none, 1 as usual, up to 2; default: as the style says.",
)


def tell_fallback(engine: Engine) -> None:
    """Say why `--device auto` did not use the graphics card of this machine."""
    if engine.fallback:
        say(f"stylecli: working on the CPU, since {engine.fallback}")


def raise_failures(errors: Sequence[StyleError | None], items: str) -> None:
    """Raise the error of a single item, or for several items one that counts the failed ones.

    errors: one for each item; None if it succeeded.
    """
    failed = [error for error in errors if error]
    if failed and len(errors) == 1:
        raise failed[0]
    if failed:
        hint = "The others are done." if len(failed) < len(errors) else "See the messages above."
        raise ItemsFailedError(f"{len(failed)} of {len(errors)} {items} failed", hint=hint)
