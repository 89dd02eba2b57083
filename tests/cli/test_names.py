"""Names that file systems allow, for every command that takes or makes a file: done, or told, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stylecli.media.images.files import picture_from_pixels, write_picture
from tests.support.clips import make_video, ramp, with_sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")

# Each name, and the encoding of stdout.
NAMES = {
    "signs": (b"100% [x] a:b #1 'q\" $F $(x) \\;&", "utf-8"),
    "new line": (b"new\nline", "utf-8"),
    "no text": (b"caf\xe9", "utf-8"),
    "another alphabet, printed as ASCII": ("\u65e5\u672c".encode(), "ascii"),
    "as long as can be": (b"x" * 251, "utf-8"),
    "as long as can be, of another alphabet": ("\u65e5".encode() * 83, "ascii"),
}
# Each command, the file that it makes, and its exit codes. {n} is the name; every command has a result of its own.
COMMANDS = [
    ("video {n}.mp4 -s STYLE -o video/{n}.mkv", "video/{n}.mkv", (0,)),
    ("video {n}.mp4 -s STYLE -o videos", "videos/{n}-tiny.mp4", (0, 4)),  # 4: its name is too long
    ("video {n}.mp4 -s STYLE -o kept/v.mp4 --keep-frames kept/{n}", "kept/{n}/timing.json", (0,)),
    ("video folder -s STYLE -o out-of-folder --json", "out-of-folder/{n}-tiny.mp4", (0, 4)),
    ("split {n}.mp4 split/{n}", "split/{n}/timing.json", (0,)),
    ("image split/{n} -s STYLE -o styled/{n}", "styled/{n}/000010.png", (0,)),
    ("assemble styled/{n} assembled/{n}.mov --like {n}.mp4", "assembled/{n}.mov", (0,)),
    ("image {n}.png -s STYLE -o image/{n}.jpg", "image/{n}.jpg", (0,)),
    ("image {n}.png -s STYLE", "{n}-tiny.png", (0, 4)),
    ("image {n}.png -s STYLE -o - ", "", (0,)),
    ("image {n}.png -s STYLE -o masked.png --mask {n}.png", "masked.png", (0,)),
    ("styles sheet {n}.png -o sheet/{n}.png --styles-dir SHELF", "sheet/{n}.png", (0,)),
]
# One process for all commands of a name, since each takes a second to start.
PROGRAM = """
import json, os, sys
from stylecli.cli.app import suite
from stylecli.cli.console import print_any_text

print_any_text()
for number, line in enumerate(json.loads(sys.argv[1])):
    try:
        suite.main(line, standalone_mode=True)
    except SystemExit as end:
        os.write(int(sys.argv[2]), f"{number} {end.code}\\n".encode())
    sys.stdout.flush()
"""


@pytest.mark.parametrize("case", NAMES)
def test_every_command_takes_and_makes_any_name(tiny_style: Path, tmp_path: Path, case: str) -> None:
    name, encoding = os.fsdecode(NAMES[case][0]), NAMES[case][1]
    video = with_sound(make_video(tmp_path / "made.mp4"), tmp_path / "sound.mp4")
    here = tmp_path / "here"
    for folder in ("folder", "video", "kept", "split", "styled", "assembled", "image", "sheet"):
        (here / folder).mkdir(parents=True)
    try:
        for path in (here / f"{name}.mp4", here / "folder" / f"{name}.mp4"):
            path.write_bytes(video.read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    write_picture(picture_from_pixels(np.ascontiguousarray(ramp(0))), tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(here / f"{name}.png")
    words = {"STYLE": str(tiny_style), "SHELF": str(tiny_style.parent)}
    lines = [[words.get(word, word.format(n=name)) for word in command.split()] for command, _, _ in COMMANDS]
    reader, writer = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(lines), str(writer)],
        cwd=here,
        capture_output=True,
        check=False,
        pass_fds=(writer,),
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        codes = [int(line.split()[1]) for line in pipe]
    said = done.stderr.decode(errors="replace")
    assert "Traceback" not in said
    assert len(codes) == len(COMMANDS), said
    for (command, made, allowed), code in zip(COMMANDS, codes, strict=True):
        assert code in allowed, (command, said)
        if code == 0 and made:
            assert (here / made.format(n=name)).is_file(), command
