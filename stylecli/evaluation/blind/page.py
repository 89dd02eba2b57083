"""The page of a blind comparison: one HTML file with the pictures, a key press for each choice, saved answers."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from stylecli.core.progress import Progress, ignore
from stylecli.evaluation.blind.options import BlindOptions
from stylecli.evaluation.blind.pairs import BlindTest, make_blind_test, sealed
from stylecli.evaluation.quality.candidates import Candidate
from stylecli.evaluation.report.files import write_text
from stylecli.evaluation.report.page import photo_image, rendered
from stylecli.inference.sessions import Device
from stylecli.media.images.files import pictures_in

TEMPLATE = Path(__file__).with_name("page.html.jinja")
QUALITY = 92  # of the JPEG pictures: compression artefacts must not decide
REFERENCE_WIDTH = 420  # pixels: the photo and the painting are shown small beside the pairs
HANG, PAINTING = "hang", "painting"
QUESTIONS = {HANG: "Which would you rather hang on a wall?", PAINTING: "Which is more like the painting?"}


def make_blind_page(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    page: Path,
    options: BlindOptions,
    *,
    device: Device = "auto",
    progress: Progress = ignore,
) -> int:
    """Paint every photo in every style and write the page that compares them.

    Args:
        candidates: the styles, two or more.
        photos: pictures, or folders of them.
        page: the HTML file to write.
        options: what people see.
        device: where the networks run.
        progress: hears of every photo.

    Returns:
        The number of pairs on the page.

    Raises:
        UsageError: there are fewer than two styles.
        MediaError: a photo or the painting cannot be read, or the page cannot be written.
    """
    with ExitStack() as stack:
        stylizers = {candidate.name: stack.enter_context(candidate.open(device)) for candidate in candidates}
        test = make_blind_test(stylizers, pictures_in(photos), options, progress=progress)
    write_blind_page(test, page)
    return len(test.pairs)


def write_blind_page(test: BlindTest, path: Path) -> None:
    """Write the page; raises MediaError."""
    write_text(rendered(TEMPLATE, data=_page_data(test)), path)


def _page_data(test: BlindTest) -> dict[str, Any]:
    """Return what the page's script reads. The pictures are in random order and have no names."""
    order = [*test.painted]
    random.SystemRandom().shuffle(order)
    place = {picture: number for number, picture in enumerate(order)}
    asked = [HANG] if test.painting is None else [HANG, PAINTING]
    return {
        "id": secrets.token_hex(8),
        "key": sealed(test.pairs),
        "questions": [{"name": name, "text": QUESTIONS[name]} for name in asked],
        "pairs": [
            {"photo": pair.photo, "left": place[pair.left, pair.photo], "right": place[pair.right, pair.photo]}
            for pair in test.pairs
        ],
        "pictures": [photo_image(test.painted[picture], "", quality=QUALITY).source for picture in order],
        "photos": [photo_image(photo, "", width=REFERENCE_WIDTH).source for photo in test.photos],
        "painting": "" if test.painting is None else photo_image(test.painting, "", width=REFERENCE_WIDTH).source,
    }
