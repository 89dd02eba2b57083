from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stylecli.inference.sessions import _tiny_model, open_cpu_session

USE = (
    "from stylecli.inference.sessions import _tiny_model, open_cpu_session; import os\n"
    "session = open_cpu_session(_tiny_model()); print(os.environ['ORT_DISABLE_TELEMETRY'])\n"
)


def run_at_home(home: Path, **variables: str) -> str:
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home)} | variables
    done = subprocess.run([sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_session_leaves_no_file_at_home(tmp_path: Path) -> None:
    assert run_at_home(tmp_path / "home") == "1"
    assert list((tmp_path / "home").rglob("*")) == []


def test_what_the_user_says_of_telemetry_stays(tmp_path: Path) -> None:
    assert run_at_home(tmp_path / "home", ORT_DISABLE_TELEMETRY="0") == "0"


def test_a_cpu_session_opens_bytes_and_files(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(_tiny_model())
    value = {"image": np.float32([-1])}
    for model in (_tiny_model(), tmp_path / "tiny.onnx"):
        assert open_cpu_session(model, threads=1).run(None, value)[0] == [0]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(Exception, match=r"(?i)protobuf|model"):
        open_cpu_session(b"nothing")
