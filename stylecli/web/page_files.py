"""The files of the page: those beside this module, a photo, the font of the program's own pictures, a configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylecli.photos import SAMPLE_PHOTO
from stylecli.stylize.look import AUTO_SHORT_SIDE, BRUSH_RANGE

PAGE = Path(__file__).parent / "page"
MAIN_FILE = "index.html"
CONFIG_FILE = "config.js"
SUFFIXES = (".html", ".css", ".js", ".svg", ".jpg")
FONTS = {"regular.ttf": "SourceSansPro", "semibold.ttf": "SourceSansProSemibold"}


def page_files(config: Mapping[str, Any]) -> dict[str, bytes]:
    """Name -> content of every file that the page may load, all in one folder.

    config: what the page must know before its first call; with the stroke sizes it becomes the module `config.js`.
    """
    import font_source_sans_pro as fonts

    paths = [*sorted(PAGE.iterdir()), SAMPLE_PHOTO]
    own = {path.name: path.read_bytes() for path in paths if path.suffix in SUFFIXES}
    font = {name: Path(fonts.font_files_ttf[key]).read_bytes() for name, key in FONTS.items()}
    written = json.dumps({"short_side": AUTO_SHORT_SIDE, "brush_range": BRUSH_RANGE, **config}, indent=2)
    return own | font | {CONFIG_FILE: f"export const config = {written};\n".encode()}
