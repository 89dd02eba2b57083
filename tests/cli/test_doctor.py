from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.doctor import examine


def test_the_cpu_and_ffmpeg_are_well_here() -> None:
    well = {finding.topic: finding.is_well for finding in examine()}
    assert well["device cpu"]
    assert well["ffmpeg"]


def test_what_is_missing_comes_with_advice() -> None:
    assert all(finding.advice for finding in examine() if not finding.is_well)


def test_it_lists_the_styles(tiny_style: Path) -> None:
    (styles,) = [finding for finding in examine(tiny_style.parent) if finding.topic == "styles"]
    assert "tiny" in styles.says


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
