from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.folder import ENDS_MAX, ENDS_SECONDS, KEPT_SECONDS, held_folder
from stylecli.editors.spool.worker import serve
from tests.support.spools import Serve, left_in


def test_jobs_are_done_in_the_order_of_their_arrival(spool: Path, tiny_style: Path) -> None:
    order = ["c", "a", "b"]
    for seconds, name in enumerate(order):
        submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2}, identifier=name)
        os.utime(spool / f"{name}.job", (seconds, seconds))
    done: list[str] = []
    serve(spool, device="cpu", styles_dir=tiny_style.parent, idle=0.001, answered=lambda name, _: done.append(name))
    assert done == order


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


def test_a_claim_of_a_dead_worker_is_done_again(spool: Path, served: Serve) -> None:
    identifier = begun(spool, served)
    assert served() == ["done"]
    assert len(fetch(spool, identifier, timeout=0)[0]) == 16


def test_a_job_at_which_workers_end_again_and_again_is_given_up(spool: Path, served: Serve) -> None:
    identifier = begun(spool, served, ends=ENDS_MAX - 1, seconds_ago=ENDS_SECONDS + 1)
    assert served() == []
    with pytest.raises(StyleError, match="3 times"):
        fetch(spool, identifier, timeout=0)
    assert left_in(spool) == set()


def test_ends_that_come_one_upon_the_other_count_once(spool: Path, served: Serve) -> None:
    identifier = begun(spool, served, ends=ENDS_MAX - 1, seconds_ago=0)
    assert served() == ["done"]
    fetch(spool, identifier, timeout=0)
    assert left_in(spool) == set()


def test_a_job_at_which_a_worker_ended_goes_behind_the_others(spool: Path, tiny_style: Path, served: Serve) -> None:
    first = begun(spool, served)
    second = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    done: list[str] = []
    serve(spool, device="cpu", styles_dir=tiny_style.parent, idle=0.001, answered=lambda name, _: done.append(name))
    assert done == [second, first]


def begun(spool: Path, served: Serve, *, ends: int = 0, seconds_ago: float = 0) -> str:
    """A job that a worker had claimed when it was killed, after so many ends of others."""
    served()  # the worker that will be dead
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    (spool / f"{identifier}.job").rename(spool / f"{identifier}.run")
    if ends:
        (spool / f"{identifier}.tries").write_text(str(ends))
        os.utime(spool / f"{identifier}.tries", (time.time() - seconds_ago,) * 2)
    return identifier


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
    done = subprocess.run(list(map(str, line)), cwd=root, capture_output=True, check=True, timeout=700)
    report = json.loads(done.stdout)
    assert report["kills"] == 200
    assert report["sent"] > 100
    assert report["lost"] == []
    assert report["twice"] == []
    assert report["wrong"] == []
    assert report["open"] == []
    assert report["refused"] == []
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
    serve(tmp_path / "spool", device="cpu", styles_dir=tiny_style.parent, idle=0.001)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def test_a_worker_makes_no_folder_of_a_plugin_that_was_removed(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No such file or directory"):
        serve(tmp_path / "resolve/spool", device="cpu", idle=0.001)
    assert list(tmp_path.iterdir()) == []


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


def test_a_worker_of_a_deleted_folder_leaves_the_files_of_the_next_one_alone(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with held_folder(spool):
        shutil.rmtree(spool)
        spool.mkdir(mode=0o700)
        for name in ("worker.lock", "worker.json"):
            (spool / name).touch()
    assert {file.name for file in spool.iterdir()} == {"worker.lock", "worker.json"}


def test_a_folder_has_one_worker(spool: Path, served: Serve) -> None:
    with held_folder(spool), pytest.raises(UsageError, match="has a worker"):
        served()
    assert served() == []


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
