"""The Python API: a style as a function from picture to picture, a picture file, a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.core.files import blamed_on
from stylecli.core.progress import Notice, Progress, ignore
from stylecli.inference.engine import Device, Engine
from stylecli.packs.shelves import find_style
from stylecli.stylize.look import Brush, Look
from stylecli.stylize.painting import fingerprint, paint

if TYPE_CHECKING:
    from stylecli.media.video.plan import VideoOptions, VideoResult


class Style:
    """A style opened on a device: `style(picture, strength=0.7)`. Close it, or use it in a `with`.

    >>> import numpy as np
    >>> from stylecli import load_style
    >>> with load_style("starry-night", device="cpu") as style:
    ...     style(np.zeros((40, 60, 3), np.uint8)).shape, style.name, style.device
    ((40, 60, 3), 'starry-night', 'cpu')
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def name(self) -> str:
        """The style's name, as in `stylecli styles list`."""
        return self.engine.name

    @property
    def device(self) -> str:
        """The device that runs it: cpu, cuda or coreml."""
        return self.engine.device

    def __call__(
        self,
        picture: NDArray[Any],
        *,
        strength: float = Look.strength,
        preserve_color: bool = Look.preserve_color,
        mask: NDArray[np.float32] | None = Look.mask,
        brush: Brush = Look.brush,
        over: NDArray[np.float32] | None = Look.over,
        fill: float | None = Look.fill,
        detail: float | None = Look.detail,
        flow: float | None = Look.flow,
    ) -> NDArray[Any]:
        """Stylize a picture: (H, W, 3), sRGB-encoded RGB, uint8, uint16 or float32 in 0..1; same shape and type.

        The options are those of `Look`.

        Raises:
            UsageError: an option is out of its range.
            DeviceError: out of memory.
        """
        return paint(self.engine, picture, Look(strength, preserve_color, mask, brush, over, fill, detail, flow))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network's memory."""
        self.engine.close()


def load_style(
    name: str | Path, *, variant: str | None = None, device: Device = "auto", styles_dir: Path | None = None
) -> Style:
    """Open a style by its name, or by the path of its folder.

    variant: which network of the style, such as "quality"; None: the style's default.
    device: "auto" takes CUDA where it works, else the CPU.
    styles_dir: a folder in which styles are looked for first.

    Raises:
        PackError: the style is unknown (the message names close ones) or damaged.
        DeviceError: the device asked for does not work.
        UsageError: the text of a blend is malformed, or `styles_dir` does not exist.
    """
    return Style(Engine(find_style(name, styles_dir, variant=variant), device=device))


def stylize_image(
    source: Path | str,
    output: Path | str,
    style: Style | str | Path,
    *,
    look: Look | None = None,
    quality: int | None = None,
    overwrite: bool = False,
) -> None:
    """Stylize a picture file. Transparency, colour profile and metadata are kept.

    output: its suffix names the format; missing folders are made.
    style: an open style, or the name or folder of one, which is then opened for this picture alone.
    look: how the style is applied; None: `Look()`.
    quality: 1 to 100, of JPEG, WebP and AVIF; None: the format's default.

    Raises:
        MediaError: the picture cannot be read, or the output not be written.
        UsageError: the output exists, and `overwrite` is not set.
        PackError, DeviceError: as `load_style`.

    >>> import stylecli
    >>> from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
    >>> write_picture(picture_from_pixels(np.zeros((30, 40, 3), np.uint8)), folder / "photo.png")
    >>> stylecli.stylize_image(folder / "photo.png", folder / "painted.png", "great-wave")
    >>> read_picture(folder / "painted.png").pixels.shape
    (30, 40, 3)
    """
    from stylecli.media.images.files import Encoding, read_pages, write_pages
    from stylecli.stylize.options import PictureOptions
    from stylecli.stylize.pictures.pages import stylize_pages

    if not isinstance(style, Style):
        with load_style(style) as opened:
            stylize_image(source, output, opened, look=look, quality=quality, overwrite=overwrite)
        return
    output = Path(output)
    pages = stylize_pages(read_pages(Path(source), reading=PictureOptions().reading), style.engine, look or Look())
    with blamed_on(output.parent, error=MediaError, hint="Choose another folder."):
        output.parent.mkdir(parents=True, exist_ok=True)
    write_pages(pages, output, encoding=Encoding(quality), overwrite=overwrite)


def stylize_video(
    source: Path | str,
    output: Path | str,
    style: str | Path,
    *,
    variant: str | None = None,
    look: Look | None = None,
    options: VideoOptions | None = None,
    device: Device = "auto",
    styles_dir: Path | None = None,
    restart: bool = False,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> VideoResult:
    """Stylize a video. Every frame keeps its timestamp, the file its sound, subtitles, chapters and tags.

    A run that was stopped leaves its finished frames in a hidden folder beside `output`; the same call resumes there.

    style, variant, device, styles_dir: as `load_style`.
    look: how the style is applied; None: `Look()`.
    options: range, codec, quality; None: the whole video, with the defaults of its container.
    restart: discard what a stopped run has left.
    progress: called with a `Step` after each frame.
    notice: called with every message, such as a stream that had to be left out. The result holds them too.

    Raises:
        MediaError: the video cannot be read, or the output not be written.
        UsageError: the output exists, and `overwrite` is not set; or an option makes no sense for this video.
        PackError, DeviceError: as `load_style`.

    >>> import stylecli
    >>> result = stylecli.stylize_video(clip, folder / "painted.mp4", "great-wave", device="cpu")
    >>> result.frames, result.width, result.height
    (5, 64, 48)
    """
    from stylecli.media.video.plan import VideoOptions  # loads PyAV, which pictures do not need
    from stylecli.stylize.frame_painter import FramePainter
    from stylecli.stylize.videos import video

    pack, look = find_style(style, styles_dir, variant=variant), look or Look()
    with Engine(pack, device=device, side_by_side=True) as engine:
        return video.stylize_video(
            Path(source),
            Path(output),
            paint=FramePainter(engine, look),
            options=options or VideoOptions(),
            fingerprint=fingerprint(engine, pack.model(), look),
            restart=restart,
            overwrite=overwrite,
            progress=progress,
            notice=notice,
        )
