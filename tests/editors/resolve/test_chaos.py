from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.editors.resolve.conftest import Installation
from tests.support.installed_plugins import ROOT

FRAMES = 400


@pytest.mark.skipif(os.name != "posix", reason="forks and SIGKILL")
def test_frames_are_painted_once_each_whoever_is_killed(installed: Installation) -> None:
    fuse = installed.place.folder / "Fuses/stylecli/Stylize.fuse"
    line = [sys.executable, "-m", "tests.support.fuse_chaos", installed.home, fuse, installed.shelf, FRAMES]
    done = subprocess.run(list(map(str, line)), cwd=ROOT, capture_output=True, check=False, timeout=700)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report = json.loads(done.stdout)
    assert (report["painted"], report["others"], report["lost"]) == (FRAMES, {}, [])
    assert min(report["kills"].get(kind, 0) for kind in ("host", "worker")) >= 10
    assert set(report["left"]) == {"cache", "styles.json", "worker.lock"}
    assert report["left_in_cache"] == []
