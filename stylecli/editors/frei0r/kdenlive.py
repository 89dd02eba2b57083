"""The frei0r filter in Kdenlive: a file that describes its parameters, with the installed styles as a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from stylecli.core.files import write_atomically
from stylecli.editors.plugin_folders import Machine

FILE = "stylecli.xml"
EFFECT = "frei0r.stylecli"  # as MLT calls the filter; this description takes the place of the one from MLT
VARIANTS = ("", "fast", "int8", "quality")
STROKE_SIZES = ("auto", "native", "1.5", "2", "3", "4")


def effects_folder(machine: Machine) -> Path:
    """Where a user's Kdenlive looks for descriptions of effects."""
    data = machine.environment.get("XDG_DATA_HOME")
    return (Path(data) if data else machine.home / ".local/share") / "kdenlive/effects"


def write_effect(folder: Path, styles: Sequence[tuple[str, str]]) -> None:
    """Describe the filter for Kdenlive. `styles`: names and titles."""
    write_atomically(folder / FILE, effect(styles))


def remove_effect(folder: Path) -> None:
    """Remove the description; one of somebody else stays."""
    file = folder / FILE
    if file.exists() and EFFECT.encode() in file.read_bytes():
        file.unlink()


def effect(styles: Sequence[tuple[str, str]]) -> bytes:
    """The description as XML. `styles`: names and titles."""
    root = ElementTree.Element("effect", {"tag": EFFECT, "id": EFFECT, "type": "video"})
    ElementTree.SubElement(root, "name").text = "Stylize"
    ElementTree.SubElement(root, "description").text = "Paints in the style of a painting, by stylecli"
    ElementTree.SubElement(root, "author").text = "stylecli"
    names = [name for name, _ in styles]
    _list(root, "Style", 0, names, [title for _, title in styles])
    strength = ElementTree.SubElement(
        root, "parameter", type="animated", name="1", default="1", min="0", max="100", factor="100", suffix="%"
    )
    ElementTree.SubElement(strength, "name").text = "Strength"
    _list(root, "Stroke size", 2, STROKE_SIZES, STROKE_SIZES)
    _bool(root, "Keep the picture's colours", 3, "0")
    _list(root, "Variant", 4, VARIANTS, ("the style's default", *VARIANTS[1:]))
    _bool(root, "Steady over time", 5, "1")
    _bool(root, "Keep painted frames on the disk", 6, "1")
    _list(root, "On error", 7, ("mark", "pass"), ("mark the frame", "pass the frame"))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def _list(root: ElementTree.Element, title: str, number: int, values: Sequence[str], shown: Sequence[str]) -> None:
    one = ElementTree.SubElement(
        root,
        "parameter",
        type="list",
        name=str(number),
        default=values[0] if values else "",
        paramlist=";".join(values),
    )
    display = ",".join(text.replace(",", " ") for text in shown)  # a comma parts them
    ElementTree.SubElement(one, "paramlistdisplay").text = display
    ElementTree.SubElement(one, "name").text = title


def _bool(root: ElementTree.Element, title: str, number: int, default: str) -> None:
    one = ElementTree.SubElement(root, "parameter", type="bool", name=str(number), default=default)
    ElementTree.SubElement(one, "name").text = title
