from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.doctor import NEWEST_TESTED, examine


def test_the_cpu_and_ffmpeg_are_well_here() -> None:
    well = {finding.topic: finding.is_well for finding in examine()}
    assert well["device cpu"]
    assert well["ffmpeg"]


def test_what_is_missing_comes_with_advice() -> None:
    assert all(finding.advice for finding in examine() if not finding.is_well)


def test_it_lists_the_styles(tiny_style: Path) -> None:
    (styles,) = [finding for finding in examine(tiny_style.parent) if finding.topic == "styles"]
    assert "tiny" in styles.says


def test_a_missing_folder_of_styles_is_a_finding(tmp_path: Path) -> None:
    (styles,) = [finding for finding in examine(tmp_path / "nowhere") if finding.topic == "styles"]
    assert not styles.is_well
    assert "nowhere: no such folder" in styles.says


def test_the_command_prints_a_line_for_each_finding() -> None:
    result = CliRunner().invoke(suite, ["doctor", "--json"])
    assert result.exit_code == 0
    topics = [json.loads(line)["topic"] for line in result.stdout.splitlines()]
    assert {"stylecli", "packages", "device cpu", "device cuda", "ffmpeg", "styles"} <= set(topics)


def test_a_broken_ffmpeg_is_exit_code_5_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLECLI_FFMPEG", "/no/such/ffmpeg")
    result = CliRunner().invoke(suite, ["doctor"])
    assert result.exit_code == 5
    assert "STYLECLI_FFMPEG" in result.stdout


@pytest.mark.parametrize(
    ("version", "says"), [("99.0.0", "newer"), ("1.0", "older"), ("19.0.2", ""), ("18.0.0", ""), ("19.0.2+local", "")]
)
def test_it_names_releases_outside_those_tested(version: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr("importlib.metadata.version", lambda name: version if name == "av" else real(name))
    told = [finding.says for finding in examine() if finding.topic == "versions"]
    assert any(f"av {version} is {says}" in one for one in told) == bool(says)


def test_every_dependency_it_knows_has_a_lower_bound() -> None:
    declared = " ".join(importlib.metadata.requires("stylecli") or [])
    assert all(re.search(rf"\b{name}(\[\w+\])?>=", declared) for name in NEWEST_TESTED)
