"""From a painting to a picture by the commands alone."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stylecli.cli.app import suite
from stylecli.cli.parameters import TimeSpan
from stylecli.media.images.files import read_picture
from stylecli.packs.card import sha256_of
from stylecli.training import prepare
from stylecli.training.export import calibration, parity
from stylecli.training.prepare import PHASES_FROM_BASE, PHASES_TO_STABILIZE
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.runs.recipe_files import read_recipe

VGG = ("--loss-network", "vgg19", "--loss-weights")
SMALL_STROKE = ("--stroke", 64)  # a painting looked at at 64 pixels, which spares most of the time
SMALL_PHASES_FROM_BASE = tuple(replace(phase, size=64) for phase in PHASES_FROM_BASE)
SMALL_PHASES_TO_STABILIZE = tuple(replace(phase, size=64) for phase in PHASES_TO_STABILIZE)


@pytest.fixture(autouse=True, scope="module")
def _small_pictures_everywhere() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "PHASES_FROM_BASE", SMALL_PHASES_FROM_BASE)
        patch.setattr(prepare, "PHASES_TO_STABILIZE", SMALL_PHASES_TO_STABILIZE)
        patch.setattr(calibration, "SHORT_SIDE", 96)
        patch.setattr(calibration, "PHOTOS_MAX", 6)
        yield


def run(*arguments: object) -> Result:
    return CliRunner().invoke(suite, list(map(str, arguments)))


@pytest.fixture(scope="module")
def trained(photo_folder: Path, vgg_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished run of two steps."""
    folder = tmp_path_factory.mktemp("run")
    painting = photo_folder / "coffee.png"
    result = run("train", painting, "--data", photo_folder, "-o", folder, "--steps", 2, *SMALL_STROKE, *VGG, vgg_file)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def pack(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "my-coffee"
    result = run("export", trained, "-o", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_an_exported_style_passes_the_check_for_strangers(pack: Path) -> None:
    assert run("styles", "check", pack).exit_code == 0
    assert {path.name for path in pack.iterdir()} == {
        "card.json",
        "fast.onnx",
        "preview.jpg",
        "recipe.toml",
        "weights.safetensors",
    }


def test_an_exported_style_stylizes(pack: Path, photo_file: Path, tmp_path: Path) -> None:
    assert run("image", photo_file, "-s", pack, "-o", tmp_path / "out.png", "--device", "cpu").exit_code == 0
    assert (read_picture(tmp_path / "out.png").pixels != read_picture(photo_file).pixels).any()


def test_the_card_tells_how_the_style_came_about(pack: Path) -> None:
    card = json.loads((pack / "card.json").read_text())
    assert card["name"] == "my-coffee"
    assert card["network"] == "fast"
    assert card["parameters"] == 184108
    assert card["loss_network"] == "vgg19"
    assert card["training_seconds"] > 0


def test_a_training_starts_from_another_style(pack: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--base", pack, "--steps", 1]
    assert run(*line, *SMALL_STROKE, *VGG, vgg_file).exit_code == 0
    assert f'base = "{pack}"' in (tmp_path / "recipe.toml").read_text()


def test_a_training_starts_from_another_run(trained: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--base", trained]
    assert run(*line, "--steps", 6, *SMALL_STROKE, *VGG, vgg_file).exit_code == 0  # the fewest that have a first phase
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert recipe.phases[0].trains == "norms"
    assert (recipe.network, recipe.stem, recipe.trunk, recipe.blocks) == ("fast", 16, 48, 4)


def test_a_style_is_stabilized_by_its_own_recipe(
    pack: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    line = ["train", photo_folder / "coffee.png", "--data", photo_folder, "-o", tmp_path, "--base", pack, "--stabilize"]
    result = run(*line, "--steps", 4, "--loss-weights", vgg_file)
    assert result.exit_code == 0, result.output
    before, recipe = read_recipe(pack / "recipe.toml"), read_recipe(tmp_path / "recipe.toml")
    assert recipe.consistency_weight > before.consistency_weight == 0
    assert recipe.phases == replace(recipe, phases=SMALL_PHASES_TO_STABILIZE).with_steps(4).phases
    changed = {"base", "consistency_weight", "style_weight", "learning_rate", "phases"}
    values = (dataclasses.asdict(one) for one in (before, recipe))
    assert all(
        key in changed or old == new
        for (key, old), new in zip(next(values).items(), next(values).values(), strict=True)
    )


def test_a_variant_is_stabilized_by_the_recipe_beside_it(
    trained: Path, several: Path, photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    style = tmp_path / "style"
    assert run("export", trained, "-o", style).exit_code == 0
    assert run("export", several, "-o", style, "--number", 2, "--variant", "quality").exit_code == 0
    recipe, card = style / "quality.recipe.toml", style / "card.json"
    before = sha256_of(recipe)
    recipe.write_text(recipe.read_text().replace("content_weight = 1.0", "content_weight = 1.5"))
    card.write_text(card.read_text().replace(before, sha256_of(recipe)))
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path / "run", "--stabilize"]
    result = run(*line, "--base", f"{style}:quality", "--steps", 1, "--loss-weights", vgg_file)
    assert result.exit_code == 0, result.output
    assert read_recipe(tmp_path / "run" / "recipe.toml").content_weight == 1.5


@pytest.mark.parametrize("extra", [[], ["--base", "great-wave", "--painting", "."]])
def test_stabilizing_without_a_base_or_with_another_painting_is_refused(
    extra: list[str], photo_folder: Path, tmp_path: Path
) -> None:
    line = ["train", photo_folder / "coffee.png", "--data", photo_folder, "-o", tmp_path / "run", "--stabilize"]
    result = run(*line, *extra)
    assert result.exit_code == 2
    assert "--stabilize" in result.stderr


def test_an_unknown_base_is_refused(photo_folder: Path, tmp_path: Path) -> None:
    line = [
        "train",
        photo_folder / "rocket.png",
        "--data",
        photo_folder,
        "-o",
        tmp_path / "run",
        "--base",
        "grate-wave",
    ]
    result = run(*line)
    assert result.exit_code == 3
    assert "great-wave" in result.stderr


def test_the_options_end_up_in_the_recipe(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--steps", 1]
    options = ["--network", "resnet", "--style-weight", 3, "--content-weight", 2, "--stroke", 64, "--stroke", 96]
    assert run(*line, *options, *VGG, vgg_file).exit_code == 0
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert (recipe.network, recipe.style_weight, recipe.content_weight) == ("resnet", 3, 2)
    assert recipe.style_sizes == (64, 96)
    assert recipe.loss_networks == ("vgg19",)


@pytest.mark.parametrize("span", ["0s", "soon", "-5m", "5", ""])
def test_a_time_budget_that_is_none_is_refused(span: str, photo_folder: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path / "run"]
    assert run(*line, f"--time-budget={span}").exit_code == 2


@pytest.mark.parametrize(("span", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("1.5M", 90)])
def test_a_time_budget_is_read(span: str, seconds: float) -> None:
    assert TimeSpan().convert(span, None, None) == seconds


def test_weights_that_no_phase_uses_are_refused(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path / "run", "--steps", 1]
    result = run(*line, "--loss-weights", vgg_file)
    assert result.exit_code == 2
    assert "--finish-with" in result.stderr


def test_training_needs_no_download(photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: pytest.fail("it downloads"))
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--steps", 1]
    assert run(*line).exit_code == 0


@pytest.fixture(scope="module")
def several(photo_folder: Path, vgg_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished run of two paintings."""
    folder = tmp_path_factory.mktemp("several")
    paintings = [photo_folder / "coffee.png", photo_folder / "rocket.png"]
    line = ["train", *paintings, "--data", photo_folder, "-o", folder, "--steps", 2]
    result = run(*line, *SMALL_STROKE, *VGG, vgg_file)
    assert result.exit_code == 0, result.output
    return folder


def test_each_style_of_a_network_of_several_becomes_a_pack(several: Path, tmp_path: Path) -> None:
    for number, name in ((1, "coffee"), (2, "rocket")):
        assert run("export", several, "-o", tmp_path / name, "--number", number).exit_code == 0
        assert run("styles", "check", tmp_path / name).exit_code == 0
        assert read_recipe(tmp_path / name / "recipe.toml").painting.file == f"{name}.png"
    assert (tmp_path / "coffee" / "fast.onnx").read_bytes() != (tmp_path / "rocket" / "fast.onnx").read_bytes()
    assert run("export", several, "-o", tmp_path / "third", "--number", 3).exit_code == 2


def test_a_variant_is_added_and_chosen(
    several: Path, trained: Path, photo_file: Path, vgg_file: Path, tmp_path: Path
) -> None:
    style = tmp_path / "style"
    assert run("export", trained, "-o", style).exit_code == 0
    assert run("export", several, "-o", style, "--number", 2, "--variant", "quality").exit_code == 0
    assert run("styles", "check", style).exit_code == 0
    for options in ([], ["--variant", "quality"]):
        target = tmp_path / f"{len(options)}.png"
        assert run("image", photo_file, "-s", style, "-o", target, "--device", "cpu", *options).exit_code == 0
    assert (read_picture(tmp_path / "0.png").pixels != read_picture(tmp_path / "2.png").pixels).any()
    judged = ["evaluate", style, "--photos", photo_file, "--loss-weights", vgg_file, "--record", "--variant", "quality"]
    assert run(*judged).exit_code == 0
    assert "quality of quality" in json.loads((style / "card.json").read_text())["measured"]
    assert run("export", several, "-o", style, "--variant", "quality").exit_code == 2  # is there already
    assert run("export", several, "-o", style, "--variant", "quality", "--overwrite").exit_code == 0
    assert run("export", several, "-o", style, "--variant", "fast").exit_code == 2  # the style itself


def test_an_unknown_variant_is_a_pack_error(pack: Path, photo_file: Path, tmp_path: Path) -> None:
    result = run("image", photo_file, "-s", pack, "-o", tmp_path / "x.png", "--variant", "best")
    assert result.exit_code == 3
    assert "fast" in result.stderr


def test_the_log_can_be_followed_by_a_machine(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--steps", 1, "--json"]
    events = [json.loads(text) for text in run(*line, *SMALL_STROKE, *VGG, vgg_file).stdout.splitlines()]
    assert {"content", "style", "variation", "total", "pictures_per_second"} <= events[0]["values"].keys()
    assert events[-1]["event"] == "result"


def test_interrupting_a_training_writes_a_checkpoint_and_it_goes_on(
    photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    line = ["train", photo_folder / "rocket.png", "--data", photo_folder, "-o", tmp_path, "--steps", 400, "--json"]
    line += ["--network", "fast", *SMALL_STROKE, *VGG, vgg_file]
    command = [sys.executable, "-m", "stylecli", *map(str, line)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while '"done": 3' not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=180)
    assert process.returncode == 130
    _, metadata = read_tensors(tmp_path / "checkpoint.safetensors")
    assert int(metadata["step"]) >= 3


def test_exporting_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    result = run("export", tmp_path, "-o", tmp_path / "style")
    assert result.exit_code == 4
    assert not (tmp_path / "style").exists()


def test_exporting_over_a_folder_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.txt").write_text("mine")
    assert run("export", trained, "-o", tmp_path / "style").exit_code == 2
    assert (tmp_path / "style" / "mine.txt").exists()


def test_overwriting_what_is_no_style_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.txt").write_text("mine")
    assert run("export", trained, "-o", tmp_path / "style", "--overwrite").exit_code == 2
    assert (tmp_path / "style" / "mine.txt").exists()


def test_evaluate_measures_and_records(pack: Path, photo_file: Path, vgg_file: Path) -> None:
    line = ["evaluate", pack, "--photos", photo_file, "--painting", photo_file, "--loss-weights", vgg_file, "--json"]
    result = run(*line, "--record")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout.splitlines()[-1])
    assert row["content"] > 0
    assert row["style"] > 0
    recorded = json.loads((pack / "card.json").read_text())["measured"]["quality"]
    assert recorded["content"] == row["content"]
    assert recorded["photos"] == ["chelsea.png"]
    assert run("styles", "check", pack).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_painting_that_is_none_is_a_media_error(
    content: bytes, photo_folder: Path, vgg_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "painting.jpg").write_bytes(content)
    line = ["train", tmp_path / "painting.jpg", "--data", photo_folder, "-o", tmp_path / "run"]
    result = run(*line, *VGG, vgg_file)
    assert result.exit_code == 4
    assert "painting.jpg" in result.stderr


def test_a_run_that_cannot_be_written_is_a_media_error(photo_folder: Path, vgg_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    line = ["train", photo_folder / "coffee.png", "--data", photo_folder, "-o", tmp_path / "file" / "run"]
    result = run(*line, "--steps", 1, *VGG, vgg_file)
    assert result.exit_code == 4
    assert "file/run" in result.stderr


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.4), ("fp16", 0.6)])
def test_a_variant_of_lower_precision_is_smaller_and_paints_alike(
    trained: Path, pack: Path, photo_file: Path, tmp_path: Path, precision: str, share: float
) -> None:
    style = tmp_path / "my-coffee"
    shutil.copytree(pack, style)
    assert run("export", trained, "-o", style, "--variant", precision, "--precision", precision).exit_code == 0
    assert run("styles", "check", style).exit_code == 0
    assert not (style / f"{precision}.weights.safetensors").exists()  # they are the style's own
    assert (style / f"{precision}.onnx").stat().st_size < share * (style / "fast.onnx").stat().st_size
    painted = []
    for variant in ("fast", precision):
        out = tmp_path / f"{variant}.png"
        result = run("image", photo_file, "-s", style, "--variant", variant, "-o", out, "--device", "cpu")
        assert result.exit_code == 0, result.output
        painted.append(read_picture(out).pixels.astype(int))
    difference = np.abs(painted[0] - painted[1])
    assert difference.max() > 0
    assert difference.mean() < 2  # levels of 255


def test_an_empty_folder_to_calibrate_on_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    result = run("export", trained, "-o", tmp_path / "p", "--precision", "int8", "--photos", tmp_path / "none")
    assert result.exit_code == 4
    assert "no picture in it" in result.stderr
    assert not (tmp_path / "p").exists()


def test_a_model_that_loses_too_much_is_not_written(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.PSNR_MIN, "int8", 90.0)
    result = run("export", trained, "-o", tmp_path / "p", "--precision", "int8")
    assert result.exit_code == 3
    assert "loses too much" in result.stderr
    assert not (tmp_path / "p").exists()
