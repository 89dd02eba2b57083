from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import pyvips
from click.testing import CliRunner
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.folder import KEPT_SECONDS, held_folder, is_held
from stylecli.editors.spool.worker import serve, stop
from stylecli.inference.engine import Engine
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.packs.pack import StylePack
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from tests.support.packs import StyleFactory

TIMEOUT = 30.0  # seconds
Serve = Callable[[], list[str]]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def served(spool: Path, tiny_style: Path) -> Serve:
    """Give a function that answers all jobs in the folder, then returns what became of them."""

    def work() -> list[str]:
        statuses: list[str] = []
        serve(
            spool,
            device="cpu",
            styles_dir=tiny_style.parent,
            idle=0.001,
            answered=lambda _, status: statuses.append(status),
        )
        return statuses

    return work


@pytest.fixture
def worker(spool: Path, tiny_style: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a real worker of `spool`; it is ended at the end of the test."""
    line = [sys.executable, "-m", "stylecli", "spool", spool, "--styles-dir", tiny_style.parent, "--device", "cpu"]
    with subprocess.Popen(list(map(str, line)), stderr=subprocess.DEVNULL) as process:
        wait_for((spool / "worker.json").exists)
        yield process
        process.terminate()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def job_for(pixels: NDArray[Any], **more: object) -> dict[str, object]:
    return {"style": "tiny", "width": pixels.shape[1], "height": pixels.shape[0], **more}


def with_alpha(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])


def left_in(spool: Path) -> set[str]:
    return {file.name for file in spool.iterdir()} - {"worker.lock", "styles.json", "cache"}


def test_a_job_gives_the_pixels_of_the_style(
    spool: Path, served: Serve, photo: NDArray[np.uint8], tiny_pack: StylePack
) -> None:
    pixels = with_alpha(photo)
    identifier = submit(spool, pixels.tobytes(), job_for(pixels, strength=0.5, preserve_color=True, brush=2))
    assert served() == ["done"]
    painted, facts = fetch(spool, identifier, timeout=0)
    with Engine(tiny_pack, device="cpu") as engine:
        expected = paint(engine, photo, Look(0.5, preserve_color=True, brush=2))
    np.testing.assert_array_equal(np.frombuffer(painted, np.uint8).reshape(pixels.shape)[..., :3], expected)
    assert (facts["width"], facts["height"], facts["device"], facts["style"]) == (451, 300, "cpu", "tiny")
    assert facts["ms"] > 0


def test_nothing_is_left_when_the_client_has_its_answer(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    pixels = with_alpha(photo)
    identifier = submit(spool, pixels.tobytes(), job_for(pixels))
    served()
    fetch(spool, identifier, timeout=0)
    assert left_in(spool) == set()


def carried(pixels: NDArray[Any], kind: str) -> bytes:
    """Samples (H, W, 4) in a file as a host writes it."""
    if kind == "png":
        data: bytes = pyvips.Image.new_from_array(pixels).write_to_buffer(".png")
        return data
    channels = {key: np.ascontiguousarray(pixels[..., place]) for place, key in enumerate("RGBA")}
    target = io.BytesIO()
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(target)
    return target.getvalue()


def samples_in(data: bytes, kind: str) -> NDArray[Any]:
    if kind == "png":
        return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy())
    channels = OpenEXR.File(io.BytesIO(data), separate_channels=True).channels()
    return np.stack([channels[key].pixels for key in "RGBA"], axis=-1)


@pytest.mark.parametrize(("kind", "pixel"), [("png", "rgba8"), ("exr", "rgba16f"), ("exr", "rgba32f")])
@pytest.mark.parametrize("alpha", ["straight", "premultiplied", "ignore"])
@pytest.mark.parametrize("color", ["srgb", "linear"])
def test_a_file_carries_the_samples_of_raw_pixels(
    spool: Path, served: Serve, photo: NDArray[np.uint8], kind: str, pixel: str, alpha: str, color: str
) -> None:
    pixels = with_alpha(photo[:40, :51])
    pixels[5:9, 5:30, 3] = 128
    samples = pixels if kind == "png" else (pixels / 200).astype({"rgba16f": "f2", "rgba32f": "f4"}[pixel])
    unit = (samples / 255 if kind == "png" else samples).astype(float)
    probe = [[x, y, *unit[y, x].tolist()] for x, y in ((0, 0), (50, 39), (7, 6))]
    job = job_for(samples, protocol=2, color=color, alpha=alpha, probe=probe)
    submit(spool, samples.tobytes(), {**job, "pixel": pixel}, identifier="raw")
    submit(spool, carried(samples, kind), {**job, "pixel": kind}, identifier="file")
    assert served() == ["done", "done"]
    raw, facts = fetch(spool, "raw", timeout=0)
    expected = np.frombuffer(raw, samples.dtype).reshape(samples.shape)
    data, same = fetch(spool, "file", timeout=0)
    np.testing.assert_array_equal(samples_in(data, kind), expected)
    assert facts["probe"] == same["probe"]
    scale = 255 if kind == "png" else 1
    np.testing.assert_allclose(facts["probe"][2][2:], expected[6, 7].astype(float) / scale, rtol=1e-6)


def test_a_file_that_is_not_what_the_host_sees_is_refused(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    pixels = with_alpha(photo)
    for identifier, change in {
        "flipped": pixels[::-1],
        "smaller": pixels[:-1],
    }.items():
        probe = [[0, 0, *(pixels[0, 0] / 255).tolist()], [450, 299, *(pixels[299, 450] / 255).tolist()]]
        job = job_for(pixels, protocol=2, pixel="png", probe=probe)
        submit(spool, carried(np.ascontiguousarray(change), "png"), job, identifier=identifier)
    submit(spool, b"no png", job_for(pixels, protocol=2, pixel="png"), identifier="broken")
    assert served() == ["error"] * 3
    for identifier, fault in {"flipped": "the host has", "smaller": "was expected", "broken": "cannot be read"}.items():
        with pytest.raises(StyleError, match=fault):
            fetch(spool, identifier, timeout=0)


def test_frames_of_a_scene_share_their_statistics(
    spool: Path, make_style: StyleFactory, tmp_path: Path, photo: NDArray[np.uint8], normalizing_pack: StylePack
) -> None:
    first = with_alpha(photo)
    second = first.copy()
    second[100:160, 100:160, :3] = 255  # a small change: the scene goes on
    for identifier, pixels, more in (
        ("one", first, {"scene": "clip"}),
        ("two", second, {"scene": "clip"}),
        ("alone", second, {}),
    ):
        job = {**job_for(pixels, protocol=2, **more), "style": "normalizing"}
        submit(spool, pixels.tobytes(), job, identifier=identifier)
        serve(spool, device="cpu", styles_dir=normalizing_pack.folder.parent, idle=0.001)  # each by a new worker
    painted = {
        name: np.frombuffer(fetch(spool, name, timeout=0)[0], np.uint8).reshape(first.shape)
        for name in ("one", "two", "alone")
    }
    untouched = np.s_[200:, 300:, :3]
    np.testing.assert_array_equal(painted["one"][untouched], painted["two"][untouched])
    assert not np.array_equal(painted["two"][untouched], painted["alone"][untouched])


def test_a_frame_that_was_painted_before_comes_from_the_cache(
    spool: Path, served: Serve, photo: NDArray[np.uint8]
) -> None:
    pixels = with_alpha(photo)
    jobs: dict[str, dict[str, object]] = {
        "miss": {"cache": "only"},
        "first": {"cache": "use"},
        "again": {"cache": "only"},
        "other": {"cache": "use", "strength": 0.5},
        "plain": {},
    }
    answers = {}
    for identifier, more in jobs.items():
        submit(spool, pixels.tobytes(), job_for(pixels, protocol=2, **more), identifier=identifier)
        if served() == ["done"]:
            answers[identifier] = fetch(spool, identifier, timeout=0)
    with pytest.raises(StyleError, match="not in the cache"):
        fetch(spool, "miss", timeout=0)
    assert {name: facts.get("cached") for name, (_, facts) in answers.items()} == {
        "first": False,
        "again": True,
        "other": False,
        "plain": None,
    }
    assert answers["again"][0] == answers["first"][0] == answers["plain"][0] != answers["other"][0]


def test_a_picture_may_be_a_file(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    data = encode_picture(picture_from_pixels(photo), ".png")
    job = {"style": "tiny", "pixel": "file", "input": "one.png", "output": "one.painted.png"}
    submit(spool, data, job, identifier="one")
    assert served() == ["done"]
    painted, facts = fetch(spool, "one", timeout=0)
    assert read_picture(painted).pixels.shape == photo.shape
    assert (facts["width"], facts["height"]) == (451, 300)
    assert left_in(spool) == set()


def test_jobs_are_done_in_the_order_of_their_arrival(spool: Path, tiny_style: Path) -> None:
    order = ["c", "a", "b"]
    for seconds, name in enumerate(order):
        submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2}, identifier=name)
        os.utime(spool / f"{name}.job", (seconds, seconds))
    done: list[str] = []
    serve(spool, device="cpu", styles_dir=tiny_style.parent, idle=0.001, answered=lambda name, _: done.append(name))
    assert done == order


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"protocol": 3}, "protocol 3"),
        ({"scene": "shot"}, "scene: no such key"),
        ({"protocol": 2, "scene": "a shot"}, "no name for a scene"),
        ({"protocol": 2, "cache": "maybe"}, "no such choice"),
        ({"protocol": 2, "probe": [[0, 0, 1]]}, "no list of pixels"),
        ({"protocol": 2, "probe": [[9, 0, 0, 0, 0, 0]]}, "outside the picture"),
        ({"protocol": None}, "protocol"),
        ({"width": 0, "height": 0}, "0 x 0"),
        ({"width": 30_000, "height": 30_000}, "30000 x 30000"),
        ({"width": 3}, "12 bytes"),
        ({"width": 1}, "more than 8"),
        ({"width": "2"}, "width"),
        ({"width": True}, "width"),
        ({"strength": 2}, "strength"),
        ({"brush": "wide"}, "brush"),
        ({"pixel": "bgra"}, "bgra"),
        ({"style": "tinny"}, "tinny"),
        ({"strenght": 1}, "strenght"),
        ({"input": "../secret"}, "secret"),
        ({"input": "/etc/passwd"}, "passwd"),
        ({"input": "two.in"}, "two.in"),
        ({"output": "one.job"}, "one.job"),
        ({"output": "../one.out"}, "one.out"),
        ({"variant": "huge"}, "huge"),
    ],
)
def test_a_bad_job_is_answered_with_what_is_wrong(
    spool: Path, served: Serve, job: dict[str, object], said: str
) -> None:
    (spool / "one.in").write_bytes(bytes(12))
    whole = {"protocol": 1, "style": "tiny", "width": 1, "height": 3, **job}
    if said.endswith("bytes"):
        whole["height"] = 2
    if said.startswith("more"):
        whole["height"] = 2
    (spool / "one.job").write_text(json.dumps(whole))
    assert served() == ["error"]
    with pytest.raises(StyleError, match=said) as caught:
        fetch(spool, "one", timeout=0)
    assert caught.value.hint
    assert left_in(spool) == set()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"7"])
def test_what_is_no_job_is_answered(spool: Path, served: Serve, text: bytes) -> None:
    (spool / "one.job").write_bytes(text)
    assert served() == ["error"]
    with pytest.raises(StyleError, match="JSON"):
        fetch(spool, "one", timeout=0)


def test_a_missing_picture_is_answered(spool: Path, served: Serve) -> None:
    (spool / "one.job").write_text(json.dumps({"protocol": 1, "style": "tiny", "width": 2, "height": 2}))
    assert served() == ["error"]
    with pytest.raises(StyleError, match=r"one\.in"):
        fetch(spool, "one", timeout=0)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_to_the_outside_is_not_followed(spool: Path, served: Serve, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(16))
    (spool / "one.in").symlink_to(tmp_path / "secret")
    (spool / "one.job").write_text(json.dumps({"protocol": 1, "style": "tiny", "width": 2, "height": 2}))
    assert served() == ["error"]
    assert (tmp_path / "secret").read_bytes() == bytes(16)


def test_a_cancelled_job_is_answered_as_such(spool: Path, served: Serve) -> None:
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    (spool / f"{identifier}.cancel").touch()
    assert served() == ["cancelled"]
    assert json.loads((spool / f"{identifier}.err").read_bytes())["status"] == "cancelled"
    assert left_in(spool) == {f"{identifier}.err"}


def test_a_client_that_waits_in_vain_cancels_its_job(spool: Path, served: Serve) -> None:
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    with pytest.raises(MediaError, match="no answer"):
        fetch(spool, identifier, timeout=0)
    assert served() == ["cancelled"]


def test_a_claim_of_a_dead_worker_is_done_again(spool: Path, served: Serve) -> None:
    served()  # the worker that will be dead
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    (spool / f"{identifier}.job").rename(spool / f"{identifier}.run")
    assert served() == ["done"]
    assert len(fetch(spool, identifier, timeout=0)[0]) == 16


def test_a_job_that_ends_its_worker_each_time_is_given_up(spool: Path, served: Serve) -> None:
    served()  # the worker that will be dead
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    (spool / f"{identifier}.job").rename(spool / f"{identifier}.run")
    (spool / f"{identifier}.tries").write_text("2")
    assert served() == []
    with pytest.raises(StyleError, match="3 times"):
        fetch(spool, identifier, timeout=0)


def test_an_answer_of_a_dead_worker_is_published_and_not_made_again(spool: Path, served: Serve) -> None:
    served()  # the worker that will be dead
    (spool / "one.run").write_text("{}")
    (spool / "one.out").write_bytes(b"painted")
    (spool / "one.answer").write_text(json.dumps({"protocol": 1, "status": "done", "output": "one.out"}))
    assert served() == []
    assert fetch(spool, "one", timeout=0)[0] == b"painted"
    assert left_in(spool) == set()


@pytest.mark.skipif(os.name != "posix", reason="forks and SIGKILL")
def test_two_hundred_kills_lose_no_job_and_answer_none_twice(tmp_path: Path, tiny_style: Path) -> None:
    line = [sys.executable, "-m", "tests.support.spool_chaos", tmp_path / "spool", tiny_style.parent, 200]
    root = Path(__file__).parents[3]
    done = subprocess.run(list(map(str, line)), cwd=root, capture_output=True, check=True, timeout=120)
    report = json.loads(done.stdout)
    assert report["kills"] == 200
    assert report["sent"] > 100
    assert report["lost"] == []
    assert report["twice"] == []
    assert report["wrong"] == []
    assert report["open"] == []
    assert all("3 times" in message for message in report["refused"])
    assert 3 * len(report["refused"]) <= report["kills"] / 2  # half of the killed were workers; a refusal takes three
    assert report["painted"] > 0


def test_leftovers_of_dead_clients_are_removed_and_fresh_files_stay(spool: Path, served: Serve) -> None:
    served()
    for name in ("old.in", "old.tmp", "gone.done", "gone.out", "new.in", "notes.txt.bak", "strange name"):
        (spool / name).write_bytes(b"")
        if not name.startswith("new"):
            long_ago = time.time() - KEPT_SECONDS - 1
            os.utime(spool / name, (long_ago, long_ago))
    served()
    assert left_in(spool) == {"new.in", "strange name"}


def test_the_folder_is_made_private(tmp_path: Path, tiny_style: Path) -> None:
    serve(tmp_path / "deep" / "spool", device="cpu", styles_dir=tiny_style.parent, idle=0.001)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "deep" / "spool").stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_folder_that_others_may_enter_is_refused(spool: Path, served: Serve) -> None:
    spool.chmod(0o755)
    with pytest.raises(UsageError, match="others"):
        served()


def test_a_folder_with_other_things_is_refused_and_left_alone(spool: Path, served: Serve) -> None:
    (spool / "thesis.tmp").write_text("mine")
    with pytest.raises(UsageError, match="other things"):
        served()
    assert (spool / "thesis.tmp").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_a_media_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError):
        serve(tmp_path / "file" / "spool", idle=0.001)


def test_a_folder_has_one_worker(spool: Path, served: Serve) -> None:
    with held_folder(spool), pytest.raises(UsageError, match="has a worker"):
        served()
    assert served() == []


def test_clients_see_who_works_and_which_styles_there_are(spool: Path, worker: subprocess.Popen[bytes]) -> None:
    facts = json.loads((spool / "worker.json").read_bytes())
    assert facts["protocol"] == 1
    assert facts["version"]
    assert facts["pid"] == worker.pid
    styles = json.loads((spool / "styles.json").read_bytes())
    assert {"style": "tiny", "title": "Tiny"} in styles
    first = (spool / "worker.beat").read_bytes()
    wait_for(lambda: (spool / "worker.beat").read_bytes() > first)


def test_a_style_added_meanwhile_appears_and_works(
    spool: Path, make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Thread

    monkeypatch.setattr("stylecli.editors.spool.worker.BEAT_SECONDS", 0.01)
    make_style(tmp_path / "shelf", "first")
    thread = Thread(target=lambda: serve(spool, device="cpu", styles_dir=tmp_path / "shelf", idle=0))
    thread.start()
    try:
        wait_for((spool / "styles.json").exists)
        make_style(tmp_path / "shelf", "later")
        wait_for(lambda: b'"later"' in (spool / "styles.json").read_bytes())
        identifier = submit(spool, bytes(16), {"style": "later", "width": 2, "height": 2})
        assert fetch(spool, identifier, timeout=TIMEOUT)[1]["style"] == "later"
    finally:
        stop(spool)
        thread.join()


def test_it_ends_when_it_is_told_to_and_leaves_nothing(spool: Path, worker: subprocess.Popen[bytes]) -> None:
    assert is_held(spool)
    assert CliRunner().invoke(suite, ["spool", str(spool), "--stop"]).exit_code == 0
    assert worker.wait(TIMEOUT) == 0
    assert left_in(spool) == set()
    assert CliRunner().invoke(suite, ["spool", str(spool), "--stop"]).exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_terminated_worker_says_so_and_leaves_nothing(spool: Path, worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(TIMEOUT) == 143
    assert left_in(spool) == set()


def test_a_worker_whose_folder_is_deleted_ends(spool: Path, worker: subprocess.Popen[bytes]) -> None:
    spool.rename(spool.with_name("elsewhere"))
    assert worker.wait(TIMEOUT) == 4


def test_a_defect_is_answered_before_it_ends_the_worker(
    spool: Path, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("stylecli.editors.spool.painting.repainted", broken)
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    with pytest.raises(RuntimeError, match="on purpose"):
        served()
    with pytest.raises(StyleError, match="on purpose"):
        fetch(spool, identifier, timeout=0)


def can_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and Path("/usr/bin/unshare").exists()


@pytest.mark.skipif(not can_mount(), reason="needs root on Linux, to mount a small disk")
def test_a_full_disk_is_an_answer_and_not_the_end(tmp_path: Path, tiny_style: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # The first answer fills the disk, so that the second job finds no room for its picture of 1.6 MB.
    program = f"""
from pathlib import Path
from stylecli.core.errors import StyleError
from stylecli.editors.spool.worker import serve
from stylecli.editors.spool.client import fetch, submit

spool = Path("spool")

def fill(identifier, _):
    try:
        while identifier == "first":
            with open("filler", "ab") as file:
                file.write(bytes(4096))
    except OSError:
        pass

submit(spool, bytes(16), dict(style="tiny", width=2, height=2), identifier="first")
submit(spool, bytes(640 * 640 * 4), dict(style="tiny", width=640, height=640), identifier="second")
serve(spool, device="cpu", styles_dir=Path({str(tiny_style.parent)!r}), idle=0.01, answered=fill)
print(len(fetch(spool, "first", timeout=0)[0]))
try:
    fetch(spool, "second", timeout=0)
except StyleError as error:
    print(error)
"""
    (tmp_path / "program.py").write_text(program)
    script = f"""
        mount -t tmpfs -o size=3m,mode=0700 none {disk} && cd {disk} && mkdir -m 0700 spool &&
        PYTHONPATH={Path(__file__).parents[3]} {sys.executable} {tmp_path}/program.py
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "16"
    assert "No space left" in second
