"""onnxruntime-web, which runs the networks in a browser: one pinned version, proven by its hashes, fetched once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import platformdirs

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import atomic_folder, blamed_on
from stylecli.core.temporary import temporary_folder

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# The files of the package's folder `dist` that run models on the processor, and their sha256.
FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
PATIENCE = 600  # seconds for the download of 33 MB
LICENCE = f"{PACKAGE} {VERSION}: MIT, Copyright (c) Microsoft Corporation"


def runtime_files(folder: Path | None = None) -> dict[str, bytes]:
    """Name -> content of the runtime's files: from `folder`, or from the cache, which npm fills the first time.

    folder: one with the files, such as the package's `dist`, or one that has `dist` in it.

    Raises:
        UsageError: a file is missing or is not of the pinned version, or npm is not there.
        MediaError: npm cannot fetch the package, or the cache not be written.
    """
    if folder is not None:
        places = (folder, folder / "dist", folder / "package" / "dist")
        found = next((place for place in places if all((place / name).is_file() for name in FILES)), folder)
        return _proven(found)
    cache = platformdirs.user_cache_path("stylecli", appauthor=False) / f"{PACKAGE}-{VERSION}"
    if not cache.is_dir():
        _fetch(cache)
    return _proven(cache)


def _proven(folder: Path) -> dict[str, bytes]:
    contents = {}
    for name, sha256 in FILES.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise UsageError(
                f"{folder / name}: cannot be read ({error.strerror})",
                hint=f"It comes with the npm package {PACKAGE} {VERSION}, in its folder dist.",
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise UsageError(f"{folder / name}: not that of {PACKAGE} {VERSION}", hint="Get exactly this version.")
        contents[name] = content
    return contents


def _fetch(cache: Path) -> None:
    """Take the package with npm and keep the three files that are needed."""
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            f"{PACKAGE} is not here yet, and npm, which fetches it, is missing",
            hint="Install npm, or name a folder that has the package's files with `runtime`.",
        )
    with temporary_folder() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=folder)
            fault = done.stderr.strip().splitlines()[-1:] or ["no reason given"] if done.returncode else []
        except subprocess.TimeoutExpired:
            fault = ["it took too long"]
        archive = next(folder.glob("*.tgz"), None)
        if fault or archive is None:
            raise MediaError(
                f"npm cannot fetch {PACKAGE} {VERSION} ({''.join(fault)})",
                hint="Try again with a connection, or name a folder with its files with `runtime`.",
            )
        with tarfile.open(archive) as opened:
            wanted = [opened.getmember(f"package/dist/{file}") for file in FILES]
            opened.extractall(folder, members=wanted, filter="data")
        unpacked = folder / "package" / "dist"
        with blamed_on(cache), atomic_folder(cache) as draft:
            for file, content in _proven(unpacked).items():
                (draft / file).write_bytes(content)
