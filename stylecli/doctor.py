"""Find out what is installed and what works: versions, devices, the ffmpeg program, styles, editors."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import StyleError, UsageError
from stylecli.core.version import __version__
from stylecli.editors.host import list_hosts
from stylecli.editors.plugins import find_plugins
from stylecli.inference.sessions import INSTALL_HINT, working_devices

# The newest releases that the tests have passed with. The lowest ones are in pyproject.toml; CI tests both.
NEWEST_TESTED = {
    "onnxruntime": "1.31",
    "onnxruntime-gpu": "1.31",
    "onnx": "1.23",
    "av": "19.0",
    "pyvips": "3.2",
    "openexr": "3.5",
    "numpy": "2.5",
    "click": "8.5",
    "torch": "2.15",
    "torchvision": "0.29",
}
FFMPEG_TIMEOUT = 20  # seconds: a binary that hangs must not hang the doctor


@dataclass(frozen=True)
class Finding:
    """The result of one check. is_needed: stylecli cannot work unless it is well."""

    topic: str
    is_well: bool
    says: str
    advice: str = ""
    is_needed: bool = False


def examine(styles_dir: Path | None = None) -> list[Finding]:
    """Check everything; changes nothing."""
    return [
        Finding("stylecli", True, f"{__version__} on Python {platform.python_version()}, {platform.platform()}"),
        *_packages(),
        *_devices(),
        _ffmpeg(),
        *_styles(styles_dir),
        *_hosts(),
    ]


def _packages() -> list[Finding]:
    versions = {}
    for name in NEWEST_TESTED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    findings = [Finding("packages", True, ", ".join(f"{name} {version}" for name, version in versions.items()))]
    if {"onnxruntime", "onnxruntime-gpu"} <= versions.keys():
        advice = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        findings.append(Finding("packages", False, "onnxruntime and onnxruntime-gpu hide each other", advice))
    if untested := [fault for name, version in versions.items() if (fault := _untested(name, version))]:
        advice = "Install a tested release if something goes wrong, and report it."
        findings.append(Finding("versions", False, ", ".join(untested), advice))
    return findings


def _untested(name: str, version: str) -> str:
    """Return why a release is outside the tested range; empty if it is inside."""
    if _release(version)[:2] > _release(NEWEST_TESTED[name]):
        return f"{name} {version} is newer than {NEWEST_TESTED[name]}, the newest tested"
    lowest = _lowest(name)
    if lowest and _release(version) < _release(lowest):
        return f"{name} {version} is older than {lowest}, the lowest supported"
    return ""


def _lowest(name: str) -> str:
    """Return the lower bound of a dependency in the metadata of stylecli; empty if there is none."""
    requirements = importlib.metadata.requires("stylecli") or []
    bounds = (re.match(rf"{re.escape(name)}(?:\[[^]]*\])?>=([\d.]+)", line) for line in requirements)
    return next((bound[1] for bound in bounds if bound), "")


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version: 2.9.0+cpu gives (2, 9, 0)."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def _devices() -> list[Finding]:
    return [
        Finding(f"device {name}", not fault, fault or "works", INSTALL_HINT.get(name, ""), is_needed=name == "cpu")
        for name, fault in working_devices().items()
        if name != "coreml" or sys.platform == "darwin"
    ]


def _ffmpeg() -> Finding:
    from stylecli.media.video.ffmpeg import ffmpeg_program

    advice = "Unset $STYLECLI_FFMPEG, or let it name a working ffmpeg."
    try:
        binary = ffmpeg_program()
        answer = subprocess.run(
            [binary, "-version"],
            capture_output=True,
            text=True,
            timeout=FFMPEG_TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (StyleError, OSError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg", False, str(error), advice, is_needed=True)
    return Finding("ffmpeg", True, f"{answer.stdout.splitlines()[0]} ({binary})")


def _styles(styles_dir: Path | None) -> list[Finding]:
    from stylecli.packs.shelves import list_styles, shelves

    findings = []
    for shelf in shelves(styles_dir):
        there = shelf.is_dir() and os.access(shelf, os.R_OK)
        findings.append(Finding("shelf", True, f"{shelf}" if there else f"{shelf} (not there yet)"))
    try:
        names = [pack.name for pack in list_styles(styles_dir)]
    except UsageError as error:
        return [*findings, Finding("styles", False, error.message, error.hint, is_needed=True)]
    advice = "Reinstall stylecli, or add a style: stylecli styles add FOLDER."
    return [*findings, Finding("styles", bool(names), ", ".join(names) or "none", advice, is_needed=True)]


def _hosts() -> list[Finding]:
    findings = []
    for host in list_hosts():
        plugins, topic = find_plugins(host), f"host {host.name}"
        findings += [Finding(topic, not (one.is_installed and one.fault), one.says, one.advice) for one in plugins]
        if not plugins:
            findings.append(Finding(topic, True, f"{host.title} was not found"))
    return findings
