"""The names of a classifier's classes, and the class that a photo's file name stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError

WORDNET_ID = re.compile(r"n\d{8}")  # as in `n01440764_tench.jpg`


@dataclass(frozen=True)
class Labels:
    """names: one for each class, for people. classes: the classes by each name and WordNet id, in plain spelling."""

    names: tuple[str, ...]
    classes: Mapping[str, frozenset[int]]

    def classes_in(self, file_name: str) -> frozenset[int]:
        """Return the classes named by a file such as `golden-retriever_2.jpg` or `n01440764_tench.jpg`; may be empty.

        Several if classes share a name, as the two cranes of ImageNet do. The first name of a class takes precedence
        over a synonym of another.
        """
        stem = Path(file_name).stem
        for name in _candidates(stem):
            if found := self.classes.get(name):
                return found
        return frozenset()


def read_labels(path: Path) -> Labels:
    """Read a text file with one class a line: an optional WordNet id, then names separated by commas.

    Raises:
        MediaError: it cannot be read.
        UsageError: it is not such a file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint="Give a text file as `labels`.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file", hint="Give the labels one a line, in UTF-8.") from error
    names, first, others = [], dict[str, set[int]](), dict[str, set[int]]()
    for number, line in enumerate(lines):
        found = WORDNET_ID.match(line)
        text = line[found.end() :] if found else line
        synonyms = [name.strip() for name in text.split(",") if name.strip()]
        names.append("".join(filter(str.isprintable, synonyms[0] if synonyms else line.strip())))
        for name in (*synonyms[:1], *([found[0]] if found else [])):
            first.setdefault(_plain(name), set()).add(number)
        for name in synonyms[1:]:
            others.setdefault(_plain(name), set()).add(number)
    return Labels(tuple(names), {name: frozenset(numbers) for name, numbers in (others | first).items()})


def _candidates(stem: str) -> Iterator[str]:
    """Yield possible class names, the surest first: the WordNet id, the text after it, the text without numbers."""
    name = stem
    if found := WORDNET_ID.search(stem):
        yield found[0]
        name = stem[found.end() :]
    words = _plain(name).split()
    yield " ".join(words)
    while words and words[-1].isdigit():
        words.pop()
    while words and words[0].isdigit():
        words.pop(0)
    yield " ".join(words)


def _plain(name: str) -> str:
    """Return lower-case words with single spaces: `Jack-o'-lantern` and `jack_o_lantern` become equal."""
    ascii_like = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(re.split(r"[\W_]+", ascii_like.casefold().replace("'", "").replace("\u2019", ""))).strip()
