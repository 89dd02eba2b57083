"""An encoder that waits for ever: the command ends with an error, and the process with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.clips import Made, make_video

# SVT-AV1 waits for ever on a picture of 8 x 200 pixels, which is refused before; here it is not, and patience is short.
COMMAND = """
import sys
from dataclasses import replace
from stylecli.cli.app import main
from stylecli.media.video import stalls
from stylecli.media.video.writing import codecs

stalls.STALL_SECONDS = 2.0
codecs.CODECS["av1"] = replace(codecs.CODECS["av1"], smallest=(1, 1))
main(sys.argv[1:])
"""


def test_a_process_whose_encoder_is_stuck_ends_with_an_error(tiny_style: Path, tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", range(0, 3 * 512, 512), Made(size=(8, 200)))
    line = ["video", source, "-s", tiny_style, "-o", tmp_path / "out.mp4", "--codec", "av1", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, line)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ),
    )
    assert "out.mp4: the encoder of av1 has not moved for 2 s" in done.stderr
    assert done.returncode == 4
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
