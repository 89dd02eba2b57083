"""The documents, as tests read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(document: str, section: str, language: str) -> list[str]:
    """The blocks of code under a heading of the second level, such as `sh` ones."""
    text = (ROOT / document).read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
