"""The styles of a spool's jobs: found quickly, their networks kept open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from stylecli.inference.engine import Device, Engine
from stylecli.packs.card import CARD_FILE
from stylecli.packs.pack import StylePack
from stylecli.packs.shelves import find_style

ENGINES_KEPT = 4  # networks that stay in memory, the latest ones
FOUND_SECONDS = 2.0  # after which a style is searched for again; a search takes as long as all else of a cached frame


@dataclass(frozen=True)
class _Found:
    """A style as it was found, when, and how its card was."""

    pack: StylePack
    since: float
    card: tuple[int, ...] | None


class EngineCache:
    """The networks that were used last, opened."""

    def __init__(self, device: Device, styles_dir: Path | None) -> None:
        self._device = device
        self._styles_dir = styles_dir
        self._engines: dict[str, Engine] = {}  # by what `engine` returns: a style may be replaced meanwhile
        self._found: dict[tuple[str, str | None], _Found] = {}

    def close(self) -> None:
        """Free all memory."""
        for engine in self._engines.values():
            engine.close()

    def engine(self, style: str, variant: str | None) -> tuple[Engine, str]:
        """A network, and all of its style that decides what it paints. Raises PackError, DeviceError."""
        pack = self._pack(style, variant)
        key = f"{pack.model().sha256} {pack.card.fill:g} {pack.card.detail:g} {pack.card.flow:g}"
        engine = self._engines.pop(key, None) or Engine(pack, device=self._device)
        self._engines[key] = engine  # the latest stands last
        if len(self._engines) > ENGINES_KEPT:
            self._engines.pop(next(iter(self._engines))).close()
        return engine, key

    def _pack(self, style: str, variant: str | None) -> StylePack:
        """Find a style: anew, if it was last found a while ago, or its card has changed or gone since."""
        known, now = self._found.get((style, variant)), time.monotonic()
        if known and now - known.since < FOUND_SECONDS and _card_state(known.pack) == known.card:
            return known.pack
        pack = find_style(style, self._styles_dir, variant=variant)
        self._found[style, variant] = _Found(pack, now, _card_state(pack))
        return pack


def _card_state(pack: StylePack) -> tuple[int, ...] | None:
    """What changes when a style is replaced or removed; None where there is no card."""
    try:
        state = (pack.folder / CARD_FILE).stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
