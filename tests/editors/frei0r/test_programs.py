"""The filter in programs that load frei0r filters: ffmpeg, melt, GStreamer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.editors.frei0r.build import find_compiler
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from tests.editors.frei0r.conftest import Installation
from tests.editors.frei0r.test_filter import expected, is_marked
from tests.support.documents import blocks

pytestmark = [
    pytest.mark.frei0r,
    pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg: run tests/editors/frei0r/setup.sh"),
]
PATIENCE = 180
FRAMES, WIDTH, HEIGHT = 6, 96, 64
# PNG in Matroska: lossless RGB that every one of the programs reads.
LOSSLESS = ["-c:v", "png", "-pix_fmt", "rgb24"]


@pytest.fixture
def home(shared: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Give the installation; programs find the filter by nothing but its place in the user's home."""
    for name in ("FREI0R_PATH", "MLT_FREI0R_PLUGIN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return shared


@pytest.fixture
def clip(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """Give a clip of RGB frames, each a part of the photo, a pixel further to the right."""
    path = tmp_path / "clip.mkv"
    frames = b"".join(photo[:HEIGHT, at : at + WIDTH].tobytes() for at in range(FRAMES))
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]
    run("ffmpeg", "-v", "error", *raw, *LOSSLESS, path, data=frames)
    return path


def run(*command: object, data: bytes = b"", code: int = 0) -> str:
    """Run a program; what it says on stderr."""
    done = subprocess.run(list(map(str, command)), input=data, capture_output=True, check=False, timeout=PATIENCE)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == code, said
    return said


def by_ffmpeg(clip: Path, parameters: str, *, code: int = 0, more: tuple[object, ...] = ()) -> str:
    effect = f"frei0r=filter_name=stylecli:filter_params='{parameters}'"
    return run("ffmpeg", "-v", "error", "-y", "-i", clip, "-vf", effect, *more, *LOSSLESS, "painted.mkv", code=code)


def frames_of(path: Path | str) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def assert_painted(home: Installation, clip: Path, painted: Path | str, **look: Any) -> None:
    sources, results = frames_of(clip), frames_of(painted)
    assert len(results) == FRAMES
    for source, result in zip(sources, results, strict=True):
        np.testing.assert_array_equal(result, expected(home, with_alpha(source), **look)[..., :3])


def with_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize(
    ("parameters", "look"),
    [
        ("tiny", {}),
        ("zebra|0.5", {"style": "zebra", "strength": 0.5}),
        ("tiny|1|2|y", {"brush": 2, "preserve_color": True}),
    ],
)
def test_ffmpeg_gets_the_pixels_of_stylecli(
    home: Installation, clip: Path, parameters: str, look: dict[str, Any]
) -> None:
    by_ffmpeg(clip, parameters)
    assert_painted(home, clip, "painted.mkv", **look)
    assert home.left() == set()


def test_ffmpeg_takes_any_text_for_a_style(home: Installation, clip: Path) -> None:
    assert "stylecli: a: no style of this name" in by_ffmpeg(clip, r"a\:0.6+b\:0.4")
    assert is_marked(with_alpha(frames_of("painted.mkv")[0]))


def test_ffmpeg_ends_at_a_fault_if_it_is_told_to(home: Installation, clip: Path) -> None:
    assert "stylecli: gone: " in by_ffmpeg(clip, "gone|1|auto|n||y|n|stop", code=4)


def test_ffmpeg_paints_a_clip_by_one_worker_in_spite_of_kills(installed: Installation, clip: Path) -> None:
    parameters = "frei0r=filter_name=stylecli:filter_params='tiny|1|auto|n||y|n|stop'"
    loop = ["-stream_loop", "20", "-i", clip, "-vf", parameters, *LOSSLESS, "painted.mkv"]
    command = [*map(str, ["ffmpeg", "-v", "error", "-y", *loop])]
    with subprocess.Popen(command, cwd=clip.parent, stderr=subprocess.PIPE) as process:
        killed = set()
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and len(killed) < 2:
            assert time.monotonic() < deadline
            try:
                if (pid := installed.worker_pid) not in killed and list(installed.spool.glob("*.run")):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
            except (OSError, ValueError):
                pass
            time.sleep(0.001)
        assert process.wait(PATIENCE) == 0, process.stderr and process.stderr.read()
    assert len(killed) == 2
    results = frames_of(clip.parent / "painted.mkv")
    assert len(results) == 21 * FRAMES
    for number, result in enumerate(results):
        wanted = expected(installed, with_alpha(frames_of(clip)[number % FRAMES]))
        np.testing.assert_array_equal(result, wanted[..., :3])
    assert installed.left() == set()


def test_frames_of_a_clip_share_their_statistics(
    installed: Installation, normalizing_pack: StylePack, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    shutil.copytree(normalizing_pack.folder, installed.shelf / "normalizing")
    clip = tmp_path / "still.mkv"
    first, second = photo.copy(), photo.copy()
    second[100:160, 100:160] = 255  # a small change: the scene goes on
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{photo.shape[1]}x{photo.shape[0]}", "-i", "-"]
    run("ffmpeg", "-v", "error", *raw, *LOSSLESS, clip, data=first.tobytes() + second.tobytes())
    run("ffmpeg", "-v", "error", "-i", clip, "-vf", "frei0r=stylecli:normalizing", *LOSSLESS, tmp_path / "painted.mkv")
    one, two = frames_of(tmp_path / "painted.mkv")
    np.testing.assert_array_equal(one[200:, 300:], two[200:, 300:])


@pytest.mark.skipif(not shutil.which("melt"), reason="no melt: run tests/editors/frei0r/setup.sh")
@pytest.mark.parametrize("threads", ["-1", "-3"])  # frames one by one, and by three threads
def test_melt_gets_the_pixels_of_stylecli(home: Installation, clip: Path, threads: str) -> None:
    consumer = ["avformat:painted.mkv", "vcodec=png", "pix_fmt=rgb24", "mlt_image_format=rgb", "an=1"]
    effect = ["-filter", "frei0r.stylecli", "0=tiny", "1=0.5"]
    for _ in range(3):  # melt 7.12 gave no whole file in 3 of 105 runs with its own filter `greyscale`
        said = run("melt", clip, *effect, "-consumer", *consumer, f"real_time={threads}")
        if Path("painted.mkv").stat().st_size > 1000:  # of bytes
            break
    assert Path("painted.mkv").stat().st_size > 1000, said
    assert_painted(home, clip, "painted.mkv", strength=0.5)
    assert home.left() == set()


@pytest.mark.skipif(not shutil.which("melt"), reason="no melt: run tests/editors/frei0r/setup.sh")
def test_melt_describes_every_parameter(home: Installation) -> None:
    done = subprocess.run(["melt", "-query", "filter=frei0r.stylecli"], capture_output=True, text=True, check=True)
    assert [line.strip() for line in done.stdout.splitlines() if "title:" in line] == [
        "title: Stylize",
        *(
            f"title: {name}"
            for name in (
                "style",
                "strength",
                "stroke size",
                "keep colours",
                "variant",
                "steady",
                "cache",
                "on error",
                "timeout",
            )
        ),
    ]


@pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="no GStreamer: run tests/editors/frei0r/setup.sh")
def test_gstreamer_gets_the_pixels_of_stylecli(home: Installation, clip: Path) -> None:
    source = frames_of(clip)[0]
    Path("in.rgba").write_bytes(with_alpha(source).tobytes())
    caps = f"video/x-raw,format=RGBA,width={WIDTH},height={HEIGHT},framerate=25/1"
    parse = ["rawvideoparse", "format=rgba", f"width={WIDTH}", f"height={HEIGHT}", "framerate=25/1"]
    effect = ["frei0r-filter-stylize", "style=tiny", "strength=0.5"]
    line = ["filesrc", "location=in.rgba", "!", *parse, "!", *effect, "!", caps, "!", "filesink", "location=out.rgba"]
    run("gst-launch-1.0", "-q", *line)
    painted = np.fromfile("out.rgba", np.uint8).reshape(HEIGHT, WIDTH, 4)
    np.testing.assert_array_equal(painted, expected(home, with_alpha(source), strength=Look(0.5).strength))


@pytest.mark.skipif(not shutil.which("melt"), reason="no melt: run tests/editors/frei0r/setup.sh")
def test_the_commands_work_as_they_are_written(home: Installation, clip: Path) -> None:
    run("ffmpeg", "-v", "error", "-i", clip, "clip.mp4")
    first, second = blocks("docs/editors.md", "ffmpeg, Kdenlive and everything else with frei0r", "sh")
    commands = [*first.splitlines()[-1:], *second.splitlines()[:2]]
    assert [command.split()[0] for command in commands] == ["ffmpeg", "ffmpeg", "melt"]
    for command in commands:
        run("sh", "-c", command)
        assert len(frames_of("painted.mp4")) == FRAMES
        Path("painted.mp4").unlink()
    assert home.left() == set()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Path]:
    """Give a program that loads the filter by the declarations of frei0r.h."""
    header = Path("/usr/include/frei0r.h")
    if not header.exists():
        pytest.skip("no frei0r.h: run tests/editors/frei0r/setup.sh")
    text = tmp_path / "program.c"
    text.write_text(
        """
        #include <frei0r.h>
        #include <stdio.h>
        int main(void) {
            f0r_plugin_info_t info;
            f0r_param_info_t parameter;
            f0r_init();
            f0r_get_plugin_info(&info);
            printf("%s %d %d %d\\n", info.name, info.plugin_type == F0R_PLUGIN_TYPE_FILTER,
                   info.color_model == F0R_COLOR_MODEL_RGBA8888, info.frei0r_version == FREI0R_MAJOR_VERSION);
            for (int index = 0; index < info.num_params; index++) {
                f0r_get_param_info(&parameter, index);
                printf("%s %c\\n", parameter.name, parameter.type == F0R_PARAM_STRING ? 's' :
                       parameter.type == F0R_PARAM_DOUBLE ? 'd' : parameter.type == F0R_PARAM_BOOL ? 'b' : '?');
            }
            f0r_deinit();
        }
        """
    )
    return text


def test_its_declarations_are_those_of_frei0r(home: Installation, program: Path, tmp_path: Path) -> None:
    compiled = tmp_path / "program"
    run(find_compiler(os.environ), "-o", compiled, program, home.library)
    lines = subprocess.run([compiled], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0] == "Stylize 1 1 1"
    assert [line[-1] for line in lines[1:]] == list("sdsbsbbss")
