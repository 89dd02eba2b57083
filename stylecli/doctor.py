"""What is installed and what really works: versions, devices, the ffmpeg binary, styles."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import StyleError
from stylecli.core.version import __version__
from stylecli.editors.host import list_hosts
from stylecli.editors.plugins import find_plugins
from stylecli.inference.sessions import INSTALL_HINT, working_devices

PACKAGES = ("onnxruntime", "onnxruntime-gpu", "av", "pyvips", "numpy", "torch", "torchvision")
FFMPEG_TIMEOUT = 20  # seconds: a binary that hangs must not hang the doctor


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `is_needed`: stylecli cannot do its work while it is not well."""

    topic: str
    is_well: bool
    says: str
    advice: str = ""
    is_needed: bool = False


def examine(styles_dir: Path | None = None) -> list[Finding]:
    """Look at everything; nothing is changed."""
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
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    findings = [Finding("packages", True, ", ".join(f"{name} {version}" for name, version in versions.items()))]
    if {"onnxruntime", "onnxruntime-gpu"} <= versions.keys():
        advice = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        findings.append(Finding("packages", False, "onnxruntime and onnxruntime-gpu hide each other", advice))
    return findings


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
    except (StyleError, OSError, subprocess.SubprocessError) as err:
        return Finding("ffmpeg", False, str(err), advice, is_needed=True)
    return Finding("ffmpeg", True, f"{answer.stdout.splitlines()[0]} ({binary})")


def _styles(styles_dir: Path | None) -> list[Finding]:
    from stylecli.packs.shelves import list_styles, shelves

    findings = []
    for shelf in shelves(styles_dir):
        there = shelf.is_dir() and os.access(shelf, os.R_OK)
        findings.append(Finding("shelf", True, f"{shelf}" if there else f"{shelf} (not there yet)"))
    names = [pack.name for pack in list_styles(styles_dir)]
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
