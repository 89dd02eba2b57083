from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.errors import StyleError
from stylecli.editors.spool.client import fetch, submit
from stylecli.editors.spool.folder import is_held
from stylecli.editors.spool.worker import serve, stop
from tests.support.packs import StyleFactory
from tests.support.spools import TIMEOUT, Serve, left_in, wait_for


def test_a_cancelled_job_is_answered_as_such(spool: Path, served: Serve) -> None:
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    (spool / f"{identifier}.cancel").touch()
    assert served() == ["cancelled"]
    assert json.loads((spool / f"{identifier}.err").read_bytes())["status"] == "cancelled"
    assert left_in(spool) == {f"{identifier}.err"}


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


def test_a_worker_that_takes_over_at_that_moment_ends_too(
    spool: Path, make_style: StyleFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Thread

    monkeypatch.setattr("stylecli.editors.spool.worker.LOOK_ASLEEP", 0.2)  # so the next one has it when `stop` looks
    make_style(tmp_path / "shelf", "first")
    began = []

    def one_after_another() -> None:
        for number in range(2):
            began.append(number)
            serve(spool, device="cpu", styles_dir=tmp_path / "shelf", idle=0)

    thread = Thread(target=one_after_another, daemon=True)
    thread.start()
    wait_for((spool / "worker.json").exists)
    assert stop(spool)
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    assert began == [0, 1]
    assert left_in(spool) == set()


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
