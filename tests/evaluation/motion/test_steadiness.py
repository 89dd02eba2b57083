from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from stylecli.cli.app import suite
from stylecli.evaluation.motion import clips as moving
from stylecli.evaluation.motion.clips import SYNTHETIC, MovingClip, MovingFrame, known_clips, sintel_clips
from stylecli.evaluation.motion.steadiness import ITSELF, measure_steadiness, stability_error, warping_error
from stylecli.inference.engine import Engine
from stylecli.media.pixels import to_unit
from stylecli.packs.card import read_card
from stylecli.packs.pack import StylePack
from tests.evaluation.motion.test_clips import write_sintel
from tests.evaluation.report.test_page import Page, assert_self_contained
from tests.support.evaluations import MakeRun
from tests.support.packs import NORMALIZING_REACH, StyleFactory


class Painter:
    """A stylizer that does what a function says."""

    def __init__(self, stylize: object) -> None:
        self.stylize = stylize


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


@pytest.fixture
def _short_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "FRAMES", 4)
    monkeypatch.setattr(moving, "FRAME_HEIGHT", 64)


def test_the_errors_by_hand() -> None:
    # Two pixels, one of them visible; there the three channels differ by 0.1, 0.2 and 0.
    frame, later = np.zeros((1, 2, 3), np.float32), np.full((1, 2, 3), 0.9, np.float32)
    later[0, 0] = (0.1, 0.2, 0)
    flow, visible = np.zeros((1, 2, 2), np.float32), np.array([[True, False]])
    assert warping_error(frame, later, flow, visible) == pytest.approx(0.05)
    assert stability_error(frame, later, flow, visible) == pytest.approx(0.05 / 6)


def test_what_is_nowhere_visible_has_no_error() -> None:
    frame, flow = np.ones((2, 2, 3), np.float32), np.zeros((2, 2, 2), np.float32)
    assert warping_error(frame, 0 * frame, flow, np.zeros((2, 2), bool)) == 0


def test_a_scene_that_moves_by_whole_pixels_has_no_error_and_what_does_not_move_along_has(tmp_path: Path) -> None:
    fixed = np.random.default_rng(1).random((32, 48, 3)).astype(np.float32)
    painters = {"photo": Painter(lambda x: x), "dirty lens": Painter(lambda x: (x + fixed) / 2)}
    steadiness = measure_steadiness(painters, sintel_clips(write_sintel(tmp_path)))  # type: ignore[arg-type]
    (clip,) = steadiness.clips
    assert clip.tracks[ITSELF].e_warp == pytest.approx(0, abs=1e-9)
    assert clip.tracks["photo"].e_warp == pytest.approx(0, abs=1e-9)
    # Half the difference of two even samples, variance 1/12 each: (1/4)(2/12), in three channels.
    assert clip.tracks["dirty lens"].e_warp == pytest.approx(3 / 24, rel=0.1)
    assert clip.tracks["dirty lens"].e_stab == pytest.approx((1 / 24) ** 0.5, rel=0.1)


def test_what_changes_in_a_corner_does_not_make_the_rest_of_a_scene_pump(
    normalizing_pack: StylePack, photo: NDArray[np.uint8]
) -> None:
    lit = photo.copy()
    lit[:40, :40] = 255
    rest = np.ones(photo.shape[:2], bool)
    rest[: 40 + NORMALIZING_REACH, : 40 + NORMALIZING_REACH] = False
    still = np.zeros((*photo.shape[:2], 2), np.float32)
    clip = MovingClip("corner", SYNTHETIC, 2, lambda: iter([MovingFrame(photo, still, rest), MovingFrame(lit)]))
    with Engine(normalizing_pack, device="cpu") as engine:
        assert np.abs(engine.stylize(photo) - engine.stylize(lit))[rest].max() > 0.01
        (measured,) = measure_steadiness({"style": engine}, [clip]).clips
    assert measured.tracks["style"].e_warp == pytest.approx(0, abs=1e-9)  # the rounding of bringing back


@pytest.mark.usefixtures("_short_clips")
@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_the_noise_gain_is_that_of_a_linear_painter(gain: float) -> None:
    painter = Painter(lambda x: np.asarray(0.1 + gain * x, np.float32))
    steadiness = measure_steadiness({"linear": painter}, known_clips([]))  # type: ignore[dict-item]
    (record,) = steadiness.as_records()
    # Four frames of 18,000 samples: good to about 1 %.
    assert record["noise_gain"] == pytest.approx(gain, rel=0.03)
    assert record["synthetic_e_warp_ratio"] == pytest.approx(gain**2, rel=0.01)
    assert record["synthetic_e_stab_ratio"] == pytest.approx(gain, rel=0.01)


def test_slices_and_brightness_follow_the_frames(tmp_path: Path) -> None:
    steadiness = measure_steadiness({}, sintel_clips(write_sintel(tmp_path)))
    track = steadiness.clips[0].tracks[ITSELF]
    frames: list[NDArray[np.uint8]] = [moment.pixels for moment in sintel_clips(tmp_path)[0].play()]
    assert (track.slice == np.stack([frame[:, 24] for frame in frames], axis=1)).all()
    assert track.brightness[0] == pytest.approx(float((to_unit(frames[0]) @ [0.2126, 0.7152, 0.0722]).mean()), rel=1e-4)
    assert len(track.shown) == 2


@pytest.mark.usefixtures("_short_clips")
def test_the_command_measures_styles_and_runs_beside_the_clips_own_values(
    tiny_style: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    trained, sintel = make_run(tmp_path / "trained"), write_sintel(tmp_path / "sintel", masks=False)
    line = ["evaluate", "--temporal", tiny_style, trained, "--sintel", sintel, "--device", "cpu", "--json"]
    result = run(*line, "--csv", tmp_path / "table.csv", "--report", tmp_path / "report.html")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    style, other = (line for line in lines if line["event"] == "result")
    assert (style["name"], other["name"]) == ("tiny", "trained")
    assert style["noise_gain"] > 1  # it sharpens
    assert style["synthetic_e_warp"] > style["synthetic_e_warp_of_clip"] > 0
    assert [clip["clip"] for clip in style["clips"]] == [*(clip.name for clip in known_clips([])), "alley"]
    assert (tmp_path / "table.csv").read_text().startswith("name,noise_gain,synthetic_e_warp,")
    page = Page(tmp_path / "report.html")
    assert_self_contained(page)
    assert len(list(page.pictures("image/svg+xml"))) == 5  # one for each clip
    assert len(list(page.pictures("image/jpeg"))) == 3 * 5 + 3 * 2 * 4  # slices; two frames of each clip in motion
    for text in ("the clip itself", "Over time", "Slices", "sample, pan", "alley"):
        assert text in page.text


@pytest.mark.usefixtures("_short_clips")
def test_the_card_gets_the_numbers(make_style: StyleFactory, tmp_path: Path) -> None:
    style = make_style(tmp_path, "mine")
    result = run("evaluate", "--temporal", style, "--record", "--device", "cpu")
    assert result.exit_code == 0, result.output
    measured = read_card(style).measured["steadiness"]
    assert {"noise_gain", "synthetic_e_warp", "synthetic_e_warp_of_clip", "clips"} < set(measured)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (["--temporal", "--painting", "."], "--temporal does not use --painting"),
        (["--sintel", "."], "without --temporal"),
        ([], "--photos"),
    ],
)
def test_options_of_the_other_measurement_are_a_usage_error(tiny_style: Path, line: list[str], fault: str) -> None:
    result = run("evaluate", tiny_style, *line)
    assert result.exit_code == 2
    assert fault in result.stderr


def test_a_run_has_no_card_for_its_steadiness(make_run: MakeRun, tmp_path: Path) -> None:
    result = run("evaluate", "--temporal", make_run(tmp_path / "run"), "--record")
    assert result.exit_code == 2
    assert "no card" in result.stderr
