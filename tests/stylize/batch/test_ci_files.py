"""The action for GitHub and the examples: their steps run in a shell. pip and GitHub's own actions are left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture

yaml = pytest.importorskip("yaml")
CHECKOUT = Path(__file__).parents[3]
ACTION = CHECKOUT / ".ci" / "action" / "action.yml"
EXAMPLES = CHECKOUT / "docs" / "examples"
pytestmark = [
    pytest.mark.skipif(not ACTION.is_file(), reason="needs a checkout"),
    pytest.mark.skipif(os.name != "posix", reason="commands for a POSIX shell"),
]


@pytest.fixture
def site(tmp_path: Path, photo_file: Path) -> Path:
    """A folder with two photos; `stylecli` on the PATH, and a `python` that only writes down its arguments."""
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        write_picture(picture_from_pixels(read_picture(photo_file).pixels[::4, ::4]), tmp_path / "photos" / name)
    (tmp_path / "bin").mkdir()
    programs = {
        "stylecli": f'exec "{sys.executable}" -m stylecli "$@"',
        "python": 'echo "$@" >> python.log',
    }
    for name, line in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def shell(site: Path, script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As GitHub and GitLab run a script."""
    around = {**os.environ, "PATH": f"{site / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=site,
        env={**around, "GITHUB_STEP_SUMMARY": str(site / "summary.md"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)


def act(site: Path, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the steps of the action with its inputs, until one fails."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text())
    assert set(given) <= set(action["inputs"])
    assert action["runs"]["using"] == "composite"
    values = {
        f"inputs.{name}": given.get(name, str(facts.get("default", ""))) for name, facts in action["inputs"].items()
    }
    values |= {"github.action_path": str(ACTION.parent), "runner.os": "Linux"}
    done = None
    for step in action["runs"]["steps"]:
        if "run" in step:
            assert step["shell"] == "bash"
            done = shell(site, step["run"], {name: filled(text, values) for name, text in step.get("env", {}).items()})
            if done.returncode:
                break
        else:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
    assert done
    return done


def run_workflow(site: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(EXAMPLES / "pictures.toml", site)
    workflow = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())
    done = None
    for step in workflow["jobs"]["pictures"]["steps"]:
        if "run" in step:
            done = shell(site, step["run"], {})
            assert done.returncode == 0, done.stderr
        elif ".ci/action" in step["uses"]:
            done = act(site, {name: str(value) for name, value in step["with"].items()})
    assert done
    return done


def test_the_workflow_installs_does_the_manifest_and_reports(site: Path) -> None:
    (site / "golden").mkdir()
    first = run_workflow(site)
    assert first.returncode == 6  # nothing is accepted so far
    assert first.stdout.count("::error title=") == 2
    (site / "out").rename(site / "golden" / "out")
    second = run_workflow(site)
    assert second.returncode == 0, second.stderr
    report = site / "stylecli-report"
    assert b"data:image/jpeg" in (report / "report.html").read_bytes()
    assert ElementTree.parse(report / "junit.xml").getroot()[0].get("tests") == "2"
    assert (site / "summary.md").read_text().count("### stylecli batch") == 2
    assert f"-m pip install --quiet {ACTION.parent}/../.." in (site / "python.log").read_text()
    assert (ACTION.parent / ".." / ".." / "pyproject.toml").is_file()


def test_arguments_may_have_several_lines(site: Path) -> None:
    shutil.copy(EXAMPLES / "pictures.toml", site)
    done = act(site, {"manifest": "pictures.toml", "arguments": "--retries 0\n--shard\n  1/1\n"})
    assert done.returncode == 0, done.stderr
    assert (site / "RESULTS-1-of-1.jsonl").is_file()


def test_the_jobs_of_gitlab_share_the_items(site: Path) -> None:
    job = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["pictures"]
    for number in range(1, job["parallel"] + 1):
        place = {"CI_NODE_INDEX": str(number), "CI_NODE_TOTAL": str(job["parallel"])}
        done = shell(site, "\n".join(job["script"]), place)
        assert done.returncode == 0, done.stderr
        assert (site / job["artifacts"]["reports"]["junit"]).is_file()
    assert sorted(path.name for path in (site / "out").iterdir()) == ["a-great-wave.jpg", "b-great-wave.jpg"]


def test_the_array_of_slurm_does_every_part(site: Path) -> None:
    script = (EXAMPLES / "slurm.sh").read_text()
    shell(site, "stylecli batch --from-folder photos out -s great-wave -o m.jsonl", {})
    for number in (1, 2):
        place = {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "1"}
        done = shell(site, script, place)
        assert done.returncode == 0, done.stderr
    assert len(list((site / "out").iterdir())) == 2


def test_the_pods_of_kubernetes_do_every_part(site: Path) -> None:
    job = yaml.safe_load((EXAMPLES / "kubernetes.yml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][:2] == ["sh", "-c"]
    shell(site, "stylecli batch --from-folder photos out -s great-wave -o m.jsonl", {})
    count, script = job["spec"]["completions"], container["command"][2].replace("exec ", "")
    assert script.endswith(f"/{count}")
    halves = script.removesuffix(str(count)) + "2"
    lines = [f"JOB_COMPLETION_INDEX={number}; {halves}" for number in range(2)]
    done = shell(site, "\n".join(lines), {})
    assert done.returncode == 0, done.stderr
    assert len(list((site / "out").iterdir())) == 2
