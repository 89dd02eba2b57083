from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.stylize.batch.manifests.columns import COLUMNS, schema
from stylecli.stylize.batch.manifests.files import files_of, style_of
from stylecli.stylize.batch.manifests.manifest import ManifestError, read_manifest
from stylecli.stylize.batch.manifests.rows import VIDEO_SUFFIXES, Item, items_of
from tests.support.packs import write_style

GOOD = {"input": "a.png", "output": "out/a.png", "style": "tiny"}
Read = Callable[..., list[Item]]


@pytest.fixture
def folder(tmp_path: Path, photo_file: Path) -> Path:
    for name in ("a.png", "b.png"):
        shutil.copy(photo_file, tmp_path / name)
    return tmp_path


@pytest.fixture
def read(folder: Path, tiny_style: Path) -> Read:
    def write_and_read(text: str | bytes, name: str = "m.jsonl") -> list[Item]:
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name).write_bytes(data)
        return read_manifest(folder / name, styles_dir=tiny_style.parent)

    return write_and_read


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def faults(read: Read, text: str, name: str = "m.jsonl") -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read(text, name)
    return caught.value.faults


def test_a_row_is_an_item(read: Read) -> None:
    (item,) = read(lines({**GOOD, "strength": 0.5, "brush": 2}))
    assert (item.id, item.kind, item.strength, item.brush) == ("out/a.png", "picture", 0.5, 2)
    assert item.row() == {"id": "out/a.png", **GOOD, "strength": 0.5, "brush": 2}


def test_several_styles_are_several_items(read: Read, folder: Path, tiny_style: Path) -> None:
    other = write_style(folder / "shelf", "other")
    row = {**GOOD, "style": ["tiny", str(other)], "output": "{stem}-{style}-{id}{suffix}", "id": "x"}
    items = read(lines(row))
    assert [item.output for item in items] == ["a-tiny-x.png", "a-other-x.png"]
    assert len({item.id for item in items}) == 2


def test_a_blend_has_a_name_that_is_fit_for_files() -> None:
    row = {"input": "a.png", "output": "{stem}-{style}.png", "style": "great-wave:0.6+shelf/starry-night:0.4"}
    assert [item.output for item in items_of(row)] == ["a-great-wave-60-starry-night-40.png"]
    with pytest.raises(UsageError, match="weight"):
        list(items_of({**row, "style": "great-wave:x+starry-night"}))


def test_names_are_filled_in(read: Read) -> None:
    (item,) = read(lines({**GOOD, "output": "out/{stem}-{style}{suffix}"}))
    assert item.output == "out/a-tiny.png"


def test_csv_with_a_byte_order_mark_quotes_and_crlf(read: Read) -> None:
    text = "id,input,output,style,strength,preserve_color\r\n"
    text += '"a, ""one""",a.png,out/a.png,tiny,0.5,yes\r\n,b.png,b.jpg,tiny,,\r\n'
    first, second = read(b"\xef\xbb\xbf" + text.encode(), "m.csv")
    assert (first.id, first.strength, first.preserve_color) == ('a, "one"', 0.5, True)
    assert (second.id, second.strength, second.preserve_color) == ("b.jpg", 1.0, False)


def test_toml_has_defaults_rows_and_globs(read: Read) -> None:
    text = """
    [defaults]
    style = "tiny"
    strength = 0.5
    [[rows]]
    input = "a.png"
    output = "first.jpg"
    strength = 1.0
    [[globs]]
    pattern = "*.png"
    exclude = "a*"
    output = "out/{stem}.jpg"
    """
    items = read(text, "m.toml")
    assert [(item.input, item.output, item.strength) for item in items] == [
        ("a.png", "first.jpg", 1.0),
        ("b.png", "out/b.jpg", 0.5),
    ]


def test_a_sequence_is_one_item(read: Read, folder: Path) -> None:
    for number in (1, 2, 7):
        shutil.copy(folder / "a.png", folder / f"shot.{number:04}.png")
    row = {**GOOD, "output": "out/{stem}.png"}
    (item,) = read(lines({**row, "input": "shot.%04d.png"}))
    assert (item.kind, item.output) == ("sequence", "out/shot.%04d.png")
    assert files_of(item, folder) == [
        (folder / f"shot.{number:04}.png", folder / f"out/shot.{number:04}.png") for number in (1, 2, 7)
    ]
    (item,) = read(lines({**row, "input": "shot.[0001-0002].png", "output": "out/####.png"}))
    assert [output.name for _, output in files_of(item, folder)] == ["0001.png", "0002.png"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"input": "other.%04d.png"}, "no such frame"),
        ({"input": "shot.[0001-0003].png"}, "frame 3 does not exist"),
        ({"output": "out/a.png"}, "needs a place for the numbers"),
        ({"output": "a.mp4"}, "not a video"),
        ({"output": "shot.%04d.png"}, "is an input too"),
        ({"crf": 20}, "crf makes no sense"),
    ],
)
def test_a_fault_of_a_sequence_is_named(read: Read, folder: Path, row: dict[str, Any], fault: str) -> None:
    for number in (1, 2):
        shutil.copy(folder / "a.png", folder / f"shot.{number:04}.png")
    sequence = {**GOOD, "input": "shot.%04d.png", "output": "out/shot.%04d.png"}
    assert any(fault in one for one in faults(read, lines({**sequence, **row})))


def test_a_frame_that_another_row_makes_is_refused(read: Read, folder: Path) -> None:
    for number in (1, 2):
        shutil.copy(folder / "a.png", folder / f"shot.{number:04}.png")
    sequence = {**GOOD, "input": "shot.%04d.png", "output": "out/shot.%04d.png"}
    found = faults(read, lines(sequence, {**GOOD, "output": "out/shot.0002.png"}))
    assert found == ["line 2: out/shot.0002.png is also the output of line 1"]


def test_two_parts_of_a_sequence_have_outputs_of_their_own(read: Read, folder: Path) -> None:
    for number in (1, 2):
        shutil.copy(folder / "a.png", folder / f"shot.{number:04}.png")
    parts = [{**GOOD, "input": f"shot.[000{number}-000{number}].png"} for number in (1, 2)]
    found = faults(read, lines(*({**part, "output": "out/%04d.png"} for part in parts)))
    assert found == ["line 2: out/%04d.png is also the output of line 1"]
    assert len(read(lines(*({**part, "output": "out/{stem}.png"} for part in parts)))) == 2


def test_all_faults_are_told_at_once(read: Read) -> None:
    text = (
        lines(GOOD, {**GOOD, "input": "none.png", "output": "x.png"}) + "{broken\n" + lines({**GOOD, "style": "wave"})
    )
    text += lines({**GOOD, "stile": 1, "output": "y.png"}, {**GOOD, "strength": 2, "output": "z.png"})
    found = faults(read, text)
    for fault in (
        "line 2: none.png does not exist",
        "line 3: not JSON",
        "line 4: out/a.png is also the output of line 1",
        "wave: no style",
        "line 5: unknown key 'stile', did you mean style?",
        "line 6: strength 2 is not valid",
    ):
        assert any(fault in one for one in found), fault


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"output": "a.png"}, "is an input too"),
        ({"output": "../a.jpg"}, "outside of the manifest's folder"),
        ({"output": "out/../../a.jpg"}, "outside of the manifest's folder"),
        ({"output": "a.xyz"}, "not a format"),
        ({"output": "{nothing}.png"}, "only {stem}"),
        ({"output": "{stem.__class__}.png"}, "only {stem}"),
        ({"crf": 20}, "crf makes no sense for a picture"),
        ({"output": "a.mp4", "quality": 80}, "quality makes no sense for a video"),
        ({"mask": "none.png"}, "mask none.png does not exist"),
        ({"style": ["tiny", "tiny"]}, "need {style}"),
        ({"style": []}, "not valid"),
        ({"variant": "large"}, "no variant large"),
        ({"input": ""}, "not valid"),
        ({"input": "a\0.png"}, "not valid"),
        ({"strength": "1"}, "not valid"),
        ({"strength": True}, "not valid"),
        ({"brush": 99}, "not valid"),
        ({"quality": 0.5}, "not valid"),
        ({"output": "a.mp4", "range": "x"}, "not valid"),
        ({"output": "a.jpg", "bits": 12}, "JPEG holds 8"),
        ({"output": "a.jpg", "lossless": True}, "JPEG is never lossless"),
        ({"page": 0}, "not valid"),
        ({"max_size": "small"}, "not valid"),
        ({"audio": "none"}, "audio makes no sense for a picture"),
        ({"output": "a.mp4", "strip": True}, "strip makes no sense for a video"),
        ({"output": "a.mp4", "codec": "vhs"}, "codec vhs: not written into mp4"),
        ({"output": "a.mp4", "crf": 99}, "crf 99: outside the range of h264"),
        ({"output": "a.mp4", "preset": "sluggish"}, "not a preset"),
        ({"output": "a.mp4", "fps": "fast"}, "not valid"),
        ({"output": "a.mp4", "fps": 0}, "not valid"),
    ],
)
def test_a_fault_of_a_row_is_named(read: Read, row: dict[str, Any], fault: str) -> None:
    assert any(fault in one for one in faults(read, lines({**GOOD, **row})))


@pytest.mark.parametrize("column", ["input", "output", "style"])
def test_a_missing_column_is_named(read: Read, column: str) -> None:
    found = faults(read, lines({name: value for name, value in GOOD.items() if name != column}))
    assert f"line 1: {column} is missing" in found


def test_two_rows_of_one_id_are_refused(read: Read) -> None:
    found = faults(read, lines({**GOOD, "id": "x"}, {**GOOD, "id": "x", "output": "b.jpg"}))
    assert found == ["line 2: id 'x' is also that of line 1"]


@pytest.mark.parametrize(
    ("text", "name"), [("", "m.jsonl"), ("\n \n", "m.jsonl"), ("input,output,style\n", "m.csv"), ("", "m.toml")]
)
def test_an_empty_manifest_is_a_fault(read: Read, text: str, name: str) -> None:
    assert "no row" in faults(read, text, name)[0]


@pytest.mark.parametrize(
    ("text", "name", "fault"),
    [
        ("[1]\n", "m.jsonl", "not a JSON object"),
        ('input,output,style\na.png,b.jpg,tiny,"x', "m.csv", "not CSV"),
        ("input,output,style\na.png,b.jpg,tiny,more\n", "m.csv", "more cells"),
        ("input = ", "m.toml", "not TOML"),
        ('[[globs]]\npattern = "*.none"\noutput = "x.png"\nstyle = "tiny"\n', "m.toml", "matches no file"),
        ("[[row]]\n", "m.toml", "unknown key 'row'"),
    ],
)
def test_broken_text_is_a_fault(read: Read, text: str, name: str, fault: str) -> None:
    assert any(fault in one for one in faults(read, text, name))


def test_other_files_are_no_manifests(read: Read) -> None:
    with pytest.raises(UsageError, match="no manifest"):
        read("x", "m.txt")
    with pytest.raises(MediaError, match="UTF-8"):
        read(b"\xff\xfe{", "m.jsonl")


def test_results_are_a_manifest_in_which_the_last_record_counts(read: Read) -> None:
    rows = [{**GOOD, "result": {"status": status}} for status in ("started", "failed", "started", "failed")]
    assert [item.output for item in read(lines(*rows))] == ["out/a.png"]


def test_the_schema_names_every_column() -> None:
    assert set(schema()["properties"]) == {*COLUMNS, "result"}
    assert schema()["$id"] == "stylecli-batch-1"


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[4] / "docs" / "batch-manifest.schema.json"
    if not published.parent.is_dir():
        pytest.skip("needs a checkout")
    assert json.loads(published.read_text(encoding="utf-8")) == schema()


def test_the_videos_are_those_of_the_containers() -> None:
    assert {*VIDEO_SUFFIXES, ".webp"} == set(CONTAINERS)  # a WebP is a picture here


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_a_hundred_thousand_rows_take_little_memory(read: Read, folder: Path, tiny_style: Path) -> None:
    with (folder / "big.jsonl").open("w") as file:
        for number in range(100_000):
            file.write(json.dumps({**GOOD, "output": f"out/{number}.jpg"}) + "\n")
    program = (
        "import sys, pathlib, re\n"
        "from stylecli.stylize.batch.manifests.manifest import read_manifest\n"
        "print(len(read_manifest(pathlib.Path(sys.argv[1]), styles_dir=pathlib.Path(sys.argv[2]))))\n"
        # Not ru_maxrss, which begins with the size of the process that started this one.
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    line = [sys.executable, "-c", program, str(folder / "big.jsonl"), str(tiny_style.parent)]
    answer = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert int(answer[0]) == 100_000
    assert int(answer[1]) / 1024 < 200  # MB


def test_the_folder_of_a_style_is_relative_to_the_manifest(read: Read, folder: Path) -> None:
    write_style(folder / "shelf", "other")
    (item,) = read(lines({**GOOD, "style": "shelf/other"}))
    assert style_of(item, folder) == str(folder / "shelf" / "other")
