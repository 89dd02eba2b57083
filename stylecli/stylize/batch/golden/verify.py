"""Check the outputs of a batch against accepted ones: a style stays as it was approved when versions change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import StyleError, UsageError
from stylecli.core.files import blamed_on
from stylecli.core.progress import Progress, Step, ignore
from stylecli.media.images.files import picture_from_pixels, read_pages, write_picture
from stylecli.stylize.batch.golden.distance import NOTICEABLE, Difference, difference
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.results import FAILED
from stylecli.stylize.sheet import labelled_grid

PICTURES = "DIFFERENCES"  # the folder for pictures of what differs, beside the manifest
FRAMES_BETWEEN = 12  # of a video: each twelfth frame is compared
TILE_WIDTH = 480  # pixels of each picture in the picture of a difference


@dataclass(frozen=True)
class GoldenOptions:
    """What the outputs are compared with.

    golden: a folder with accepted outputs, under the names that the outputs have.
    tolerance: the largest difference that passes, in units of CIEDE2000.
    pictures: the folder for pictures of what differs.
    """

    golden: Path
    pictures: Path
    tolerance: float = NOTICEABLE


def check_golden(golden: Path) -> None:
    """Refuse a folder of accepted outputs that does not exist, before any work is done. Raises UsageError."""
    if not golden.is_dir():
        raise UsageError(f"{golden}: is no folder", hint="Give the folder with the accepted outputs.")


def verify(
    ended: Sequence[ItemOutcome],
    folder: Path,
    options: GoldenOptions,
    *,
    progress: Progress = ignore,
    report: Callable[[ItemOutcome], None] = lambda _: None,
) -> list[ItemOutcome]:
    """Compare the outputs of items that did not fail; those that differ come back as failed.

    Their facts hold `distance`, and `difference`: a picture of the accepted output, the new one and where they differ.
    `report` is called with each of them.

    Raises:
        MediaError: a picture of a difference cannot be written.
    """
    verified = []
    for number, one in enumerate(ended):
        progress(Step(number, len(ended), "outputs compared", one.item.id))
        verified.append(one if one.status == FAILED else _verified(one, folder, options))
        if verified[-1].status == FAILED != one.status:
            report(verified[-1])
    progress(Step(len(ended), len(ended), "outputs compared"))
    return verified


def _verified(ended: ItemOutcome, folder: Path, options: GoldenOptions) -> ItemOutcome:
    """An item whose files were compared; of the frames of a sequence the one that differs most counts."""
    accepted_folder = (options.golden / _name(ended.item)).parent
    worst: tuple[Path, Path, Difference, Pair] | None = None
    try:
        for _, output in files_of(ended.item, folder):
            accepted = accepted_folder / output.name
            if not accepted.is_file():
                fault = f"{output}: there is no accepted output {accepted}"
                return _failed(ended, fault, "Copy the output there once it is approved.", "NoGolden")
            found, pair = _difference(accepted, output, is_video=ended.item.kind == "video")
            if found is None:
                fault = f"{output}: has another size or another number of frames than {accepted}"
                return _failed(ended, fault, "Look at both.", "Differs")
            if worst is None or found.distance > worst[2].distance:
                worst = accepted, output, found, pair
    except StyleError as error:
        return _failed(ended, error.message, error.hint, type(error).__name__)
    assert worst, "an item has files"
    accepted, output, found, pair = worst
    distance = round(found.distance, 3)
    if found.distance <= options.tolerance:
        return replace(ended, facts={**ended.facts, "distance": distance})
    picture = (options.pictures / _name(ended.item)).with_name(f"{output.stem}.png")
    _draw(picture, pair, found)
    fault = f"{output}: differs from {accepted} by {found.distance:.1f}, {options.tolerance:g} is allowed"
    return _failed(ended, fault, f"Look at {picture}.", "Differs", distance=distance, difference=str(picture))


def _name(item: Item) -> Path:
    """The output's path in the folder of accepted ones; only its name if it lies outside of the manifest's folder."""
    path = Path(item.output)
    return Path(path.name) if path.is_absolute() or ".." in path.parts else path


Pair = tuple[NDArray[Any], NDArray[Any]]  # an accepted picture and the new one


def _difference(accepted: Path, output: Path, *, is_video: bool) -> tuple[Difference | None, Pair]:
    """The largest difference, and where it is; None for another size or number of frames."""
    nothing: Pair = (np.zeros((0, 0, 3), np.uint8),) * 2
    worst: tuple[Difference | None, Pair] = (None, nothing)
    with ExitStack() as stack:
        for pair in _pairs(accepted, output, stack, is_video=is_video):
            if pair is None or pair[0].shape != pair[1].shape:
                return None, nothing
            found = difference(*pair)
            if worst[0] is None or found.distance > worst[0].distance:
                worst = found, pair
    return worst


def _pairs(accepted: Path, output: Path, stack: ExitStack, *, is_video: bool) -> Iterator[Pair | None]:
    """The pictures to compare; None where one has more frames or pages than the other."""
    if not is_video:
        for one, other in zip_longest(read_pages(accepted).pictures, read_pages(output).pictures):
            yield None if one is None or other is None else (one.pixels, other.pixels)
        return
    from stylecli.media.video.clip import probe  # heavy: libav
    from stylecli.media.video.reading.reader import read_frames

    readers = [stack.enter_context(closing(read_frames(probe(path)))) for path in (accepted, output)]
    for number, (first, second) in enumerate(zip_longest(*readers)):
        if first is None or second is None:
            yield None
        elif number % FRAMES_BETWEEN == 0:
            yield first.pixels, second.pixels


def _draw(path: Path, pair: Pair, found: Difference) -> None:
    tiles = [
        (pair[0], "Accepted", ""),
        (pair[1], "Now", ""),
        (found.map, f"Difference {found.distance:.1f}", f"red: {found.brightest:.0f}, noticeable: {NOTICEABLE:g}"),
    ]
    sheet = labelled_grid(tiles, tile_width=min(TILE_WIDTH, pair[0].shape[1]), columns=3)
    with blamed_on(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(picture_from_pixels(sheet), path, overwrite=True)


def _failed(ended: ItemOutcome, fault: str, hint: str, kind: str, **facts: Any) -> ItemOutcome:
    merged = {**ended.facts, "status": FAILED, "error": fault, "hint": hint, "kind": kind, **facts}
    return ItemOutcome(ended.item, FAILED, merged)
