"""The peak memory of `stylecli image`, from its start to the finished file, with a new process for each picture."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.temporary import HINT, temporary_folder
from stylecli.media.images.codecs.vips_reading import reason_of
from stylecli.packs.pack import StylePack

PICTURES: Mapping[str, tuple[int, int]] = {  # (width, height) in pixels
    "512": (512, 512),
    "4K": (3840, 2160),
    "8K": (7680, 4320),
    "100 megapixels": (12_000, 8_400),
}
HOW = ("--brush", "native", "--device", "cpu", "--overwrite")
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes: the unit of ru_maxrss
# A process inherits the peak of its parent, so a small process starts the one that is measured.
WITNESS = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True)
class Peak:
    """One picture: seconds from the start of the program to the finished file, and its peak memory in 10^6 bytes."""

    picture: str
    seconds: float
    megabytes: float


def measure_memory(
    pack: StylePack, *, pictures: Mapping[str, tuple[int, int]] = PICTURES, progress: Progress = ignore
) -> list[Peak]:
    """Paint PNG files of several sizes at native brush.

    Args:
        pack: the style.
        pictures: (width, height) in pixels, by name.
        progress: hears of every picture.

    Returns:
        A peak for each picture; none on Windows, which does not report the peak of a process that has ended.

    Raises:
        StyleError: the program failed.
    """
    if sys.platform == "win32":
        return []
    peaks = []
    with temporary_folder() as folder:
        for number, (name, (width, height)) in enumerate(pictures.items()):
            progress(Step(number, len(pictures), "pictures", name))
            source, target = folder / "source.png", folder / "target.png"
            _draw(source, width, height)
            command = [
                sys.executable,
                "-m",
                "stylecli",
                "image",
                str(source),
                "-s",
                str(pack.folder),
                "--device",
                "cpu",
            ]
            started = time.perf_counter()
            witness = subprocess.run(
                [sys.executable, "-c", WITNESS, *command, *HOW, "-o", str(target)],
                capture_output=True,
                text=True,
                check=False,
            )
            if witness.returncode:
                raise StyleError(f"painting {name} failed: {witness.stderr.strip()}", hint="Measure without `memory`.")
            seconds = time.perf_counter() - started
            peaks.append(Peak(name, round(seconds, 2), round(int(witness.stdout) * RSS_UNIT / 1e6)))
    return peaks


def _draw(path: Path, width: int, height: int) -> None:
    """Write smooth noise: it has detail at all scales and compresses about as well as a photo."""
    import pyvips

    bands = [pyvips.Image.perlin(width, height, cell_size=64, seed=seed) for seed in range(3)]
    picture = ((bands[0].bandjoin(bands[1:]) + 1) * 127.5).cast("uchar").copy(interpretation="srgb")
    try:
        picture.write_to_file(str(path), compression=1)
    except pyvips.Error as error:
        raise MediaError(f"{path}: cannot be written ({reason_of(error)})", hint=HINT) from error
