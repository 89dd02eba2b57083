"""The styles that visitors may name, and their networks: opened once, the latest kept open."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import RLock

from stylecli.core.errors import PackError
from stylecli.inference.engine import Device, Engine
from stylecli.packs.blend import blend, is_blend, parse_blend
from stylecli.packs.pack import StylePack, open_pack
from stylecli.packs.shelves import list_styles, style_folders

NETWORKS = 32  # kept open, and blends kept


class Networks:
    """The networks of one server, run on `device`. Thread-safe."""

    def __init__(self, *, device: Device, styles_dir: Path | None) -> None:
        self.device, self._styles_dir = device, styles_dir
        self._engines: OrderedDict[tuple[str, str], Engine] = OrderedDict()
        self._blends: OrderedDict[tuple[str, str | None], StylePack] = OrderedDict()
        self._lock = RLock()

    def close(self) -> None:
        """Free all memory."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].close()

    def packs(self) -> dict[str, StylePack]:
        """The styles that visitors may name: those on the shelves, never a path."""
        return {pack.name: pack for pack in list_styles(self._styles_dir)}

    def pack(self, name: str, variant: str | None = None) -> StylePack:
        """The style of a name, or a blend of such: `great-wave:0.6+starry-night:0.4`.

        Raises:
            PackError: there is none, or it has no such variant.
            UsageError: a blend that is not written as one.
        """
        if not is_blend(name):
            return self._named(name, variant)
        with self._lock:
            key = (name, variant)
            if key not in self._blends:
                parts = parse_blend(name)
                packs = [self._named(part.style, variant) for part in parts]
                self._blends[key] = blend(packs, [part.share for part in parts])
                if len(self._blends) > NETWORKS:
                    self._blends.popitem(last=False)
            return self._blends[key]

    def _named(self, name: str, variant: str | None) -> StylePack:
        if (folder := style_folders(self._styles_dir).get(name)) is None:
            raise PackError(f"{name[:80]}: no style of this name", hint="Reload the page.")
        pack = replace(open_pack(folder), variant=variant)
        pack.model()
        return pack

    def engine(self, name: str, variant: str | None = None) -> Engine:
        """The open network of a style. It paints one picture at a time.

        Raises:
            PackError, DeviceError: as `Engine`.
        """
        pack = self.pack(name, variant)
        key = (name, pack.model().sha256)
        with self._lock:
            if key not in self._engines:
                self._engines[key] = Engine(pack, device=self.device)
                if len(self._engines) > NETWORKS:
                    self._engines.popitem(last=False)[1].close()
            self._engines.move_to_end(key)
            return self._engines[key]
