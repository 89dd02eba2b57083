"""Checked access to the fields of a card, which may come from a stranger: types, ranges, plain file names."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from stylecli.core.errors import PackError

# A pack is flat: files have names, no paths.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")


class CardFields:
    """Typed access to one JSON object: each method returns a field, or raises a PackError that names it."""

    def __init__(self, document: object, where: str, inside: str = "") -> None:
        self.where = where
        self.inside = inside  # path of the object inside the card, such as "models[0]."
        if not isinstance(document, dict):
            raise damaged(where, f"{inside.rstrip('.') or 'the card'} is not an object")
        self.values: dict[str, Any] = document

    def text(self, field: str) -> str:
        """One line of printable text, not empty."""
        value = self._taken(field)
        # Texts are printed on terminals and in menus, so no escape sequences and no line breaks.
        if not isinstance(value, str) or not value or not value.isprintable():
            raise self._wrong(field, "one line of text")
        return value

    def matching(self, field: str, pattern: re.Pattern[str], what: str) -> str:
        """A text that matches `pattern` as a whole; an error calls it `what`."""
        value = self.text(field)
        if not pattern.fullmatch(value):
            raise self._wrong(field, what)
        return value

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        """One of these texts."""
        value = self.text(field)
        if value not in choices:
            raise self._wrong(field, f"one of {', '.join(choices)}")
        return value

    def file(self, field: str) -> str:
        """The name of a file of the pack."""
        return self.matching(field, FILE_NAME, "a plain file name")

    def sha256(self, field: str) -> str:
        """A sha256 in small hexadecimal digits."""
        return self.matching(field, SHA256, "a sha256 of 64 small hexadecimal digits")

    def whole(self, field: str) -> int:
        """A whole number from 0 up."""
        value = self._taken(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(field, "a whole number")
        return value

    def number(self, field: str) -> float:
        """A finite number from 0 up."""
        value = self._taken(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise self._wrong(field, "a number from 0 up")
        return float(value)

    def mapping(self, field: str) -> dict[str, Any]:
        """An object with printable keys and any values."""
        values = self.child(field).values
        if not all(key.isprintable() for key in values):
            raise self._wrong(field, "an object with plain keys")
        return values

    def child(self, field: str) -> CardFields:
        """The fields of an object."""
        return CardFields(self._taken(field), self.where, f"{self.inside}{field}.")

    def objects(self, field: str) -> list[CardFields]:
        """The fields of each object of a list."""
        value = self._taken(field)
        if not isinstance(value, list):
            raise self._wrong(field, "a list")
        return [CardFields(entry, self.where, f"{self.inside}{field}[{index}].") for index, entry in enumerate(value)]

    def _taken(self, field: str) -> object:
        try:
            return self.values[field]
        except KeyError:
            raise damaged(self.where, f"{self.inside}{field} is missing") from None

    def _wrong(self, field: str, wanted: str) -> PackError:
        found = json.dumps(self.values[field])
        short = found if len(found) <= 60 else f"{found[:57]}..."
        return damaged(self.where, f"{self.inside}{field} is {short}, not {wanted}")


def damaged(where: str, fault: str) -> PackError:
    """Make the error of a damaged card."""
    return PackError(f"{where}: {fault}", hint="Get the style again from where it came.")
