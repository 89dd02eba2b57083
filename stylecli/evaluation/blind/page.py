"""The page of a blind comparison: one HTML file with its pictures, a key for every choice, and an export of answers."""

from __future__ import annotations

import random
import secrets
from pathlib import Path
from typing import Any

from stylecli.core.version import __version__
from stylecli.evaluation.blind.pairs import BlindTest, sealed
from stylecli.evaluation.report.files import write_text
from stylecli.evaluation.report.page import photo_image

TEMPLATE = Path(__file__).with_name("page.html.jinja")
QUALITY = 92  # of the JPEG pictures: artefacts must not decide
REFERENCE_WIDTH = 420  # pixels of the photo and the painting, which stand small beside the pairs
HANG, PAINTING = "hang", "painting"
QUESTIONS = {HANG: "Which would you rather hang on a wall?", PAINTING: "Which is more like the painting?"}


def write_blind_page(test: BlindTest, path: Path) -> None:
    """Write the page; raises MediaError."""
    import jinja2  # part of the extra `train`

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    write_text(template.render(data=_page_data(test), version=__version__), path)


def _page_data(test: BlindTest) -> dict[str, Any]:
    """What the page's script works on. Pictures stand in random order and have no names."""
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
