"""What is wrong with the items of a manifest that its rows alone do not show: files, names, formats, styles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from stylecli.core.errors import PackError, StyleError
from stylecli.stylize.batch.manifests.columns import ENCODER_COLUMNS
from stylecli.stylize.batch.manifests.files import files_of, style_of
from stylecli.stylize.batch.manifests.rows import Item

ENCODING_COLUMNS = ("quality", "lossless", "bits", *ENCODER_COLUMNS)  # what not every format has

Located = tuple[str, Item]  # where it stands in the manifest ("line 7"), the item


def faults_of_items(located: Sequence[Located], folder: Path, styles_dir: Path | None) -> Iterator[str]:
    """Faults of items whose paths are relative to `folder`, one text each."""
    yield from _between_rows(located, folder)
    yield from _of_styles(located, folder, styles_dir)
    yield from _of_encoding(located)


def _between_rows(located: Sequence[Located], folder: Path) -> Iterator[str]:
    """Missing inputs and masks, outputs of two rows, outputs that are inputs, ids of two rows."""
    base = os.path.abspath(folder)  # noqa: PTH100  # 100,000 paths: pathlib takes ten times as long
    there: dict[str, bool] = {}
    made: dict[str, str] = {}
    ids: dict[str, str] = {}
    below = os.path.join(base, "")  # noqa: PTH118

    def full(path: str) -> str:
        if path[0] not in "/\\." and "//" not in path and "/." not in path and "\\" not in path and ":" not in path:
            return below + path  # as the next line, sooner
        return os.path.normpath(os.path.join(base, path))  # noqa: PTH118

    def is_there(path: str) -> bool:
        if path not in there:
            there[path] = os.path.isfile(path)  # noqa: PTH113
        return there[path]

    def paths(item: Item) -> list[tuple[str, str]]:
        """Inputs and outputs, of a sequence those of its frames."""
        if item.kind != "sequence":
            return [(full(item.input), full(item.output))]
        return [(full(str(source)), full(str(target))) for source, target in files_of(item, Path(base))]

    of_items = [paths(item) for _, item in located]
    inputs = {source for pairs in of_items for source, _ in pairs}
    for (where, item), pairs in zip(located, of_items, strict=True):
        if not is_there(pairs[0][0]):
            yield f"{where}: {item.input} does not exist"
        if item.mask and not is_there(full(item.mask)):
            yield f"{where}: mask {item.mask} does not exist"
        if not pairs[0][1].startswith(below) and not os.path.isabs(item.output):  # noqa: PTH117
            yield f"{where}: {item.output} lies outside of the manifest's folder; write it as an absolute path"
        outputs = [output for _, output in pairs]
        if item.kind == "sequence":
            outputs.append(full(item.output))  # by which its records are found
        if not inputs.isdisjoint(outputs):
            yield f"{where}: {item.output} is an input too"
        if not made.keys().isdisjoint(outputs):
            other = next(made[output] for output in outputs if output in made)
            yield f"{where}: {item.output} is also the output of {other}"
        elif item.id in ids:
            yield f"{where}: id {item.id!r} is also that of {ids[item.id]}"
        made |= dict.fromkeys(outputs, where)
        ids[item.id] = where


def _of_encoding(located: Sequence[Located]) -> Iterator[str]:
    """Options that the format of an output does not have."""
    checked: dict[tuple[object, ...], str] = {}
    for where, item in located:
        if any(getattr(item, name) not in (None, False) for name in ENCODING_COLUMNS):
            suffix = item.output[item.output.rfind(".") :].lower()
            wanted = (suffix, *(getattr(item, name) for name in ENCODING_COLUMNS))
            if wanted not in checked:
                checked[wanted] = _encoding_fault(item)
            if fault := checked[wanted]:
                yield f"{where}: {fault}"


def _encoding_fault(item: Item) -> str:
    from stylecli.media.images.codec import check_encoding, writable_format
    from stylecli.media.images.settings import Encoding
    from stylecli.media.video.writing.codecs import EncoderOptions
    from stylecli.media.video.writing.containers import container_for, encoder_for

    output = Path(item.output)
    try:
        if item.kind != "video":
            check_encoding(
                Encoding(item.quality, item.lossless, item.bits), writable_format(output.suffix, item.output)
            )
        else:
            options = EncoderOptions(item.codec, item.crf, item.preset, item.pixel_format)
            encoder_for(container_for(output), options)
    except StyleError as error:
        return str(error)
    return ""


def _of_styles(located: Sequence[Located], folder: Path, styles_dir: Path | None) -> Iterator[str]:
    from stylecli.packs.shelves import find_style

    wanted: dict[tuple[str, str | None], Located] = {}
    for where, item in located:
        wanted.setdefault((item.style, item.variant), (where, item))
    for where, item in wanted.values():
        try:
            find_style(style_of(item, folder), styles_dir, variant=item.variant)
        except PackError as error:
            yield f"{where}: {error}"
