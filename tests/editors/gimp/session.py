"""A GIMP that runs for the tests: its profile with the plug-in installed, and code that is run inside."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUITE = os.environ.get("GIMP_SUITE", "trixie")
GIMP_HOME = Path(os.environ.get("GIMP_HOME", f"/var/cache/stylecli/gimp-{SUITE}"))
PATIENCE = 300.0  # seconds that a start or an answer may take on a busy machine

# stylecli runs outside, where the tests run: it has another Python than the folder that GIMP is in.
OUTSIDE = ("nsenter", f"--target={os.getpid()}", "--mount", "--root", "--")


def why_not() -> str:
    """Why GIMP cannot be run here; empty if it can."""
    if not (GIMP_HOME / ".ready").exists():
        return f"no GIMP in {GIMP_HOME}: run tests/editors/gimp/setup.sh"
    return "" if os.geteuid() == 0 else "it takes root to run a GIMP in a folder"


@dataclass(frozen=True)
class Profile:
    """A folder with all that one GIMP has of its own: settings, plug-ins, styles, home."""

    folder: Path

    @property
    def plugins(self) -> Path:
        return self.folder / "plug-ins"

    @property
    def shelf(self) -> Path:
        return self.folder / "styles"

    @property
    def config(self) -> Path:
        return self.plugins / "stylecli" / "stylecli.json"

    @classmethod
    def made(cls, folder: Path, *, own_plugins: tuple[str, ...] = ()) -> Profile:
        """Make one, with our plug-in from the installer and those of GIMP's that are named; all of them for none."""
        profile = cls(folder)
        for name in ("profile", "home/.config/gtk-3.0", "styles", "plug-ins"):
            (folder / name).mkdir(parents=True)
        toolkit = folder / "home/.config/gtk-3.0/settings.ini"
        toolkit.write_text("[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n")  # a window comes to rest
        install = [sys.executable, "-m", "stylecli", "plugins", "install", "gimp", "--target", str(profile.plugins)]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        profile.connect(*OUTSIDE, *json.loads(profile.config.read_text())["command"])
        (_, theirs), *_ = sorted((one.parts, one) for one in GIMP_HOME.glob("usr/lib/*/gimp/3*/plug-ins"))
        inside = Path("/") / theirs.relative_to(GIMP_HOME)
        for name in own_plugins:  # a first start asks every plug-in what it does: a few are asked faster
            (profile.plugins / name).symlink_to(inside / name)
        path = f"{profile.plugins}" if own_plugins else f"{profile.plugins}:{inside}"
        settings = f'(plug-in-path "{path}")\n(check-updates no)\n(save-session-info no)\n'
        settings += f'(show-welcome-dialog no)\n(config-version "{_version()}")\n'  # an update would be welcomed too
        (folder / "profile" / "gimprc").write_text(settings)
        return profile

    def connect(self, *command: str) -> None:
        """Let the plug-in start this as stylecli."""
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps({**config, "command": list(command)}))

    @contextmanager
    def connected(self, *command: str) -> Iterator[None]:
        """Let the plug-in start another command for a while."""
        before = self.config.read_text()
        self.connect(*command)
        try:
            yield
        finally:
            self.config.write_text(before)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "GIMP3_DIRECTORY": str(self.folder / "profile"),
            "STYLECLI_STYLES": str(self.shelf),
            "XDG_DATA_HOME": str(self.folder / "home"),
            **more,
        }


class Gimp:
    """A gimp-console that does what it is told."""

    def __init__(self, profile: Profile, process: subprocess.Popen[bytes], socket_file: Path) -> None:
        self.profile = profile
        self._process = process
        self._socket = socket_file

    def run(self, code: str, **values: Any) -> Any:
        """Run Python inside, with these variables; what it left in `result`. `server.py` tells what it has at hand."""
        answer = self._ask({"code": code, "values": {name: _plain(value) for name, value in values.items()}})
        assert "traceback" not in answer, answer["traceback"]
        return answer["result"]

    def end(self) -> None:
        if self._process.poll() is None:
            self._send(None)
            self._process.wait(PATIENCE)

    def _ask(self, request: object) -> Any:
        return json.loads(self._send(request))

    def _send(self, request: object) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(self._socket))
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                return stream.readline()


@contextmanager
def running(profile: Profile) -> Iterator[Gimp]:
    """Give a gimp-console with this profile; nothing of it is left afterwards."""
    socket_file = profile.folder / "socket"
    script = profile.folder / "server.py"
    shutil.copy(HERE / "server.py", script)
    batch = f"exec(compile(open({str(script)!r}).read(), 'server.py', 'exec'))"
    command = ["gimp-console", "-n", "-i", "-d", "-f", "--stack-trace-mode=never"]
    command += ["--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
    with (profile.folder / "gimp.log").open("wb") as log:
        process = subprocess.Popen(
            [HERE / "inside.sh", GIMP_HOME, *command],
            env=profile.environment(STYLECLI_TEST_SOCKET=str(socket_file)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            gimp = Gimp(profile, process, socket_file)
            wait_until(lambda: socket_file.exists() or process.poll() is not None)
            assert process.poll() is None, (profile.folder / "gimp.log").read_text()
            yield gimp
            gimp.end()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
            process.wait()


def wait_until(is_so: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Look again and again until something is so."""
    assert comes_about(is_so, seconds), "it did not come about"


def comes_about(is_so: Callable[[], object], seconds: float) -> bool:
    """Whether something becomes so within this time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def processes(*words: str) -> list[int]:
    """Processes of this machine with all these words in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words):
            found.append(int(folder.name))
    return found


def _version() -> str:
    command = ["chroot", GIMP_HOME, "env", "-i", "PATH=/usr/bin:/bin", "HOME=/tmp", "gimp-console", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
