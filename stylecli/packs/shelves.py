"""Shelves, the folders that hold styles: list styles, find one, check, add and remove them.

Shelves in the order of the search: `styles_dir`, `$STYLECLI_STYLES`, the user's data folder, the bundled styles.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import platformdirs

from stylecli.core.errors import PackError, UsageError
from stylecli.core.files import blamed_on, bundled_folder, swap_folders
from stylecli.packs.archive import bring_in
from stylecli.packs.blend import blend, is_blend, parse_blend
from stylecli.packs.card import CARD_FILE, read_card
from stylecli.packs.pack import StylePack, open_pack
from stylecli.packs.safety import verify

SHELF_VARIABLE = "STYLECLI_STYLES"
HIDDEN = ".stylecli-"  # begins the names of hidden folders on a shelf
HIDDEN_SECONDS = 3600.0  # a hidden folder older than this is left over from a killed process


def shelves(styles_dir: Path | None = None) -> tuple[Path, ...]:
    """Return the folders to search for styles, in order; some may not exist."""
    variable = os.environ.get(SHELF_VARIABLE)
    nearest = (styles_dir, Path(variable) if variable else None)
    user = platformdirs.user_data_path("stylecli", appauthor=False) / "styles"
    return (*(shelf for shelf in nearest if shelf), user, bundled_shelf())


def bundled_shelf() -> Path:
    """Return the folder of the bundled styles: inside the package, or in the repository in an editable install."""
    return bundled_folder("styles")


def style_folders(styles_dir: Path | None = None) -> dict[str, Path]:
    """Return the folder of every style by name, damaged ones too. The first shelf with a name wins.

    Raises:
        UsageError: `styles_dir` or $STYLECLI_STYLES names a folder that does not exist.
    """
    _refuse_missing(styles_dir)
    folders: dict[str, Path] = {}
    for shelf in shelves(styles_dir):
        for folder in _folders_on(shelf):
            folders.setdefault(folder.name, folder)
    return folders


def list_styles(styles_dir: Path | None = None) -> list[StylePack]:
    """Return all styles, sorted by name. Damaged ones are left out; `stylecli styles check` reports them.

    styles_dir: a folder to search first.

    Raises:
        UsageError: `styles_dir` or $STYLECLI_STYLES names a folder that does not exist.
    """
    packs = []
    for _, folder in sorted(style_folders(styles_dir).items()):
        try:
            packs.append(_open_shelved(folder))
        except PackError:
            continue
    return packs


def find_style(name_or_folder: str | Path, styles_dir: Path | None = None, *, variant: str | None = None) -> StylePack:
    """Find a style.

    Args:
        name_or_folder: a name; the path of a folder, which is checked as in `add_style` unless it lies on a shelf; or
            a blend such as `great-wave:0.6+starry-night:0.4`.
        styles_dir: a folder to search first.
        variant: the variant to use; None: the style's default.

    Raises:
        PackError: there is no such style (the hint has close names) or variant, or the folder is damaged or unsafe.
        UsageError: the text of a blend is malformed, or as `style_folders`.
    """
    if isinstance(name_or_folder, str) and is_blend(name_or_folder) and not Path(name_or_folder).is_dir():
        parts = parse_blend(name_or_folder)
        packs = [find_style(part.style, styles_dir, variant=variant) for part in parts]
        return blend(packs, [part.share for part in parts])
    pack = dataclasses.replace(_find(name_or_folder, styles_dir), variant=variant)
    pack.model()
    is_shelved = pack.folder.resolve().parent in {shelf.resolve() for shelf in shelves(styles_dir)}
    if not is_shelved and (problems := verify(pack.folder)):
        raise PackError("; ".join(problems), hint="Get the style again from where it came.")
    return pack


def check_style(name_or_folder: str | Path, styles_dir: Path | None = None) -> list[str]:
    """Check a style completely; returns its problems. An unknown or damaged style is a problem too, not an error."""
    try:
        return verify(_find(name_or_folder, styles_dir).folder)
    except PackError as error:
        return [str(error)]


def style_name(text: str) -> str:
    """Return a name in the spelling of styles: `Great Wave` and `great_wave` become `great-wave`."""
    return re.sub(r"[\s_-]+", "-", text.strip().lower())


def add_style(source: Path, shelf: Path, *, replace: bool = False) -> StylePack:
    """Check a stranger's pack, a folder or a .zip, and put it on a shelf under the name in its card.

    Atomic: the pack is unpacked and checked in a hidden folder of the shelf, then renamed.

    Raises:
        PackError: the pack is damaged or unsafe.
        UsageError: the shelf has a style of this name, and `replace` is not set.
        MediaError: `source` cannot be read, or the shelf cannot be written.
    """
    with _hidden_folder(shelf) as hidden:
        incoming = bring_in(source, hidden)
        card = read_card(incoming)
        if problems := verify(incoming):
            raise PackError("; ".join(problems), hint="Nothing was added.")
        home = shelf / card.name
        if home.exists() and not replace:
            raise UsageError(f"{card.name}: already on the shelf {shelf}", hint="Use `replace=True` to replace it.")
        with blamed_on(home):
            swap_folders(incoming, home)
    return StylePack(home, card)


def remove_style(name: str, shelf: Path) -> None:
    """Remove a style from a shelf.

    Raises:
        PackError: it is not there, or is a bundled one.
        MediaError: the shelf cannot be written.
    """
    name = style_name(name)
    on_shelf = {folder.name: folder for folder in _folders_on(shelf)}
    bundled = {folder.name for folder in _folders_on(bundled_shelf())}
    if name in bundled and (name not in on_shelf or shelf.resolve() == bundled_shelf().resolve()):
        raise PackError(f"{name}: comes with stylecli and stays", hint=f"Only styles in {shelf} can be removed.")
    if name not in on_shelf:
        raise _unknown(name, list(on_shelf))
    if on_shelf[name].is_symlink():
        with blamed_on(on_shelf[name]):
            on_shelf[name].unlink()
        return
    with _hidden_folder(shelf) as hidden, blamed_on(on_shelf[name]):
        on_shelf[name].rename(hidden / name)  # gone at once, however long the deletion takes


def _refuse_missing(styles_dir: Path | None) -> None:
    """Refuse a shelf that the user named and that is no folder: other styles of the same names would be taken."""
    variable = os.environ.get(SHELF_VARIABLE)
    if styles_dir and not styles_dir.is_dir():
        raise UsageError(f"{styles_dir}: no such folder of styles", hint="Give an existing folder as `styles_dir`.")
    if variable and not Path(variable).is_dir():
        raise UsageError(f"{variable}: no such folder of styles", hint=f"Correct ${SHELF_VARIABLE}, or unset it.")


def _folders_on(shelf: Path) -> list[Path]:
    try:
        entries = sorted(shelf.iterdir())
        return [entry for entry in entries if not entry.name.startswith(".") and (entry / CARD_FILE).exists()]
    except OSError:  # a shelf that does not exist or cannot be read
        return []


def _find(name_or_folder: str | Path, styles_dir: Path | None) -> StylePack:
    text = str(name_or_folder)
    is_path = isinstance(name_or_folder, Path) or Path(text).name != text
    folders = {} if is_path else style_folders(styles_dir)
    if folder := folders.get(text) or folders.get(style_name(text)):
        return _open_shelved(folder)
    if is_path or (Path(text) / CARD_FILE).is_file():
        return open_pack(Path(text))
    raise _unknown(text, list(folders))


def _open_shelved(folder: Path) -> StylePack:
    pack = open_pack(folder)
    if pack.name != folder.name:  # editors list folders without reading cards, so the names must agree
        fault = f"name is {pack.name}, but its folder is {folder.name}"
        raise PackError(f"{folder.name}/{CARD_FILE}: {fault}", hint="Rename one of the two.")
    return pack


def _unknown(name: str, known: list[str]) -> PackError:
    style, colon, variant = name.partition(":")
    close = difflib.get_close_matches(style_name(name), known)
    if colon and style_name(style) in known:
        hint = f'Choose a variant with `variant="{variant}"`.'
    else:
        hint = f"Did you mean {' or '.join(close)}?" if close else "`stylecli styles list` shows the styles there are."
    return PackError(f"{name}: no style of this name", hint=hint)


@contextmanager
def _hidden_folder(shelf: Path) -> Iterator[Path]:
    """Make a hidden folder on the shelf for the `with`; raises MediaError if that is impossible."""
    with ExitStack() as stack:
        with blamed_on(shelf, hint="Name another shelf with `styles_dir`."):
            shelf.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(shelf)
            hidden = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=HIDDEN, dir=shelf)))
        yield hidden


def _remove_leftovers(shelf: Path) -> None:
    for folder in shelf.glob(f"{HIDDEN}*"):
        with suppress(OSError):  # another process has just removed it
            if time.time() - folder.stat().st_mtime > HIDDEN_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
