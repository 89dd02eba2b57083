"""What a finished video lacks of its source's tags, titles, languages, flags and chapters, found by reading it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stylecli.media.video.clip import Clip
from stylecli.media.video.streams import dispositions, opened, tags_of
from stylecli.media.video.writing.companions import Companion, is_attached
from stylecli.media.video.writing.containers import Container

if TYPE_CHECKING:
    from av.stream import Stream

# Of the file that was, not of the film.
_TECHNICAL = frozenset(
    {
        "compatible_brands",
        "duration",
        "encoder",
        "handler_name",
        "major_brand",
        "minor_version",
        "vendor_id",
        "mimetype",
        "software",  # that wrote an AVI
    }
)
_FLAGS = frozenset(
    {"captions", "clean_effects", "comment", "descriptions", "dub", "forced", "hearing_impaired", "karaoke", "lyrics"}
    | {"original", "visual_impaired"}
)
_KINDS = {"video": "video", "audio": "sound", "subtitle": "subtitles"}  # libav's words, and those of messages
_UNKNOWN_LANGUAGES = ("", "und")


def losses(draft: Path, *, clip: Clip, container: Container, streams: Sequence[Companion]) -> Iterator[str]:
    """Messages about what `draft`, made of `clip`, has no place for.

    Animations are not read: that they have neither tags nor chapters is known.

    Raises:
        MediaError: it cannot be read.
    """
    if container.animates:
        return
    with opened(clip.path) as source, opened(draft) as written:
        old_tags = dict(source.metadata)
        if any(name.lower() == "timecode" for stream in written.streams for name in tags_of(stream)):
            old_tags.pop("timecode", None)  # that of a range is another one
        if missing := _missing_tags(old_tags, written.metadata):
            yield f"tags that {container.muxer} has no place for: {', '.join(missing)}"
        mapped = [one.stream.index for one in streams if not is_attached(one, container)]
        for number, index in enumerate((clip.stream, *mapped)):
            if number < len(written.streams) and source.streams[index].type in _KINDS:
                old, new = source.streams[index], written.streams[number]
                if missing := list(_missing_words(old, new)):
                    name = f"{_KINDS[old.type]} stream {index}"
                    yield f"{name}: {container.muxer} has no place for its {', '.join(missing)}"
        chapters = len(written.chapters())
        if chapters < clip.chapters and container.muxer != "mpegts":  # of which it is known
            yield f"chapters that {container.muxer} has no place for: {clip.chapters - chapters} of {clip.chapters}"


def _missing_tags(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The names of tags whose values are nowhere any more; names differ between containers."""
    kept = {part.strip() for value in new.values() for part in (value, *value.split(";"))}  # MP4 joins alike ones
    return sorted(
        name for name, value in old.items() if name.lower() not in _TECHNICAL and value.strip() not in {*kept, ""}
    )


def _missing_words(old: Stream, new: Stream) -> Iterator[str]:
    before, after = ({name.lower(): value for name, value in tags_of(stream).items()} for stream in (old, new))
    if "timecode" in before and "timecode" not in after:  # that of a range is another one
        yield "timecode"
    yield from (name for name in ("title", "name") if before.get(name) and before[name] not in after.values())
    language = before.get("language", "")
    if language not in _UNKNOWN_LANGUAGES and after.get("language") != language:
        yield f"language {language}"
    yield from (f"flag {flag}" for flag in sorted(_FLAGS & {*dispositions(old)} - {*dispositions(new)}))
