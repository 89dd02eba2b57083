from __future__ import annotations

import errno
import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.progress import Progress, Step
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.training import loop
from stylecli.training.data import PhotoFolder
from stylecli.training.loop import interrupts_held_back
from stylecli.training.losses.distilled import DistilledNetwork
from stylecli.training.losses.loss_network import LossNetwork
from stylecli.training.networks.conditional import is_of_norm
from stylecli.training.networks.fast import FastNetwork
from stylecli.training.recipe import Painting, Phase, Recipe, read_recipe
from stylecli.training.runs.checkpoints import read_tensors
from stylecli.training.train import train

SMALL = {"stem": 4, "trunk": 8, "blocks": 1}  # the widths of the fixture `recipe`


@pytest.fixture
def painting(photo_folder: Path) -> Path:
    return photo_folder / "chelsea.png"


def stop_at(number: int, error: type[BaseException] = KeyboardInterrupt) -> Progress:
    def progress(step: Step) -> None:
        if step.done == number:
            raise error

    return progress


def die_at(number: int) -> Progress:
    return stop_at(number, RuntimeError)


def same_tensors(one: Path, other: Path) -> bool:
    return all(torch.equal(tensor, load_file(other)[name]) for name, tensor in load_file(one).items())


def test_a_run_holds_recipe_log_samples_and_weights(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    file = train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})
    assert load_file(file)["stem.convolution.weight"].shape == (4, 3, 6, 6)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 6]
    weights = {"content": 1, "style": 2, "variation": 0.05, "grid": 500}
    assert log[0]["total"] == pytest.approx(sum(weight * log[0][name] for name, weight in weights.items()), abs=1e-2)
    assert (tmp_path / "samples" / "step_000006.png").stat().st_size > 1000
    assert (tmp_path / "recipe.toml").exists()


def test_training_lowers_the_loss(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    train(recipe.with_steps(40), [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})
    totals = [json.loads(line)["total"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])


def test_an_interrupted_run_ends_with_the_same_bits(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    whole = train(recipe, [painting], photos, tmp_path / "whole", loss_networks={"vgg19": loss_network})
    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train(recipe, [painting], photos, tmp_path / "two", loss_networks={"vgg19": loss_network}, progress=stop_at(5))
    resumed = train(
        recipe, [painting], photos, tmp_path / "two", loss_networks={"vgg19": loss_network}, note=notes.append
    )
    assert "resumed at step 5" in notes[0]  # ^C has written a checkpoint, beside the regular one of step 4
    assert same_tensors(whole, resumed)


def test_a_run_with_the_consistency_term_logs_it_and_is_resumed_with_the_same_bits(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 3)
    steady = replace(recipe, consistency_weight=50.0)
    whole = train(steady, [painting], photos, tmp_path / "whole", loss_networks={"vgg19": loss_network})
    with pytest.raises(KeyboardInterrupt):
        train(steady, [painting], photos, tmp_path / "two", loss_networks={"vgg19": loss_network}, progress=stop_at(4))
    assert same_tensors(
        whole, train(steady, [painting], photos, tmp_path / "two", loss_networks={"vgg19": loss_network})
    )
    entry = json.loads((tmp_path / "two" / "log.jsonl").read_text().splitlines()[-1])
    weights = {"content": 1, "style": 2, "variation": 0.05, "grid": 500, "consistency": 50}
    assert entry["consistency"] > 0
    assert entry["total"] == pytest.approx(sum(weight * entry[name] for name, weight in weights.items()), abs=1e-2)


def test_a_killed_run_goes_on_from_its_last_checkpoint_with_the_same_bits(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    arguments = (recipe, [painting], photos)
    whole = train(*arguments, tmp_path / "whole", loss_networks={"vgg19": loss_network})
    with pytest.raises(RuntimeError):  # what no handler sees, as `kill -9`
        train(*arguments, tmp_path / "two", loss_networks={"vgg19": loss_network}, progress=die_at(5))
    with (tmp_path / "two" / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "tot')
    resumed = train(*arguments, tmp_path / "two", loss_networks={"vgg19": loss_network})
    assert same_tensors(whole, resumed)
    log = [json.loads(line) for line in (tmp_path / "two" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]


def test_an_interrupt_waits_for_the_end_of_an_update() -> None:
    done = []

    def work() -> None:
        with interrupts_held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("update")
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["update"]


def test_norms_alone_are_trained_where_the_recipe_says_so(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    start = FastNetwork(**SMALL).state_dict()
    recipe = replace(recipe, phases=(Phase(3, 64, trains="norms"),), average=0.0)
    weights = load_file(train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}, start=start))
    changed = {name for name, tensor in weights.items() if not torch.equal(tensor, start[name])}
    assert changed == {name for name in start if is_of_norm(name)}


def test_all_weights_are_trained_after_the_norms(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    start = FastNetwork(**SMALL).state_dict()
    recipe = replace(recipe, phases=(Phase(2, 64, trains="norms"), Phase(2, 64)), average=0.0)
    weights = load_file(train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}, start=start))
    assert not any(torch.equal(tensor, start[name]) for name, tensor in weights.items())


def test_what_is_kept_is_the_average_of_the_weights(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, average=0.9)
    kept = load_file(train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}))
    checkpoint = load_file(tmp_path / "checkpoint.safetensors")
    assert torch.equal(kept["head.weight"], checkpoint["average.module.head.weight"])
    assert not torch.equal(kept["head.weight"], checkpoint["network.head.weight"])


def test_several_paintings_make_one_network_of_several_styles(
    recipe: Recipe, painting: Path, photo_folder: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, others=(Painting("coffee.png"),), batch=2)
    paintings = [painting, photo_folder / "coffee.png"]
    weights = load_file(train(recipe, paintings, photos, tmp_path, loss_networks={"vgg19": loss_network}))
    assert weights["stem.norm.weight"].shape == (2, 4)
    assert not torch.equal(*weights["stem.norm.weight"])


def test_a_phase_may_have_another_loss_network(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, phases=(Phase(2, 64, "distilled"), Phase(2, 64)))
    networks = {"vgg19": loss_network, "distilled": DistilledNetwork()}
    train(recipe, [painting], photos, tmp_path, loss_networks=networks)
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        assert file.metadata()["loss_network"] == "distilled, then vgg19"


def test_a_teacher_draws_the_network_towards_its_pictures(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    teacher = FastNetwork(**SMALL).requires_grad_(False)
    teacher.head.bias += 2  # bright pictures
    silent = dict.fromkeys(("content_weight", "style_weight", "variation_weight", "grid_weight"), 0.0)
    recipe = replace(recipe, **silent, teacher="t", pixel_weight=100.0).with_steps(60)
    train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}, teacher=teacher)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["pixel"] < 0.6 * log[0]["pixel"]


def test_a_time_budget_plans_the_steps_and_a_resumed_run_keeps_them(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, time_budget=4.0)
    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}, progress=stop_at(2))
    planned = read_recipe(tmp_path / "recipe.toml")
    train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network}, note=notes.append)
    assert planned.steps != recipe.steps
    assert read_recipe(tmp_path / "recipe.toml") == planned
    assert "resumed at step 2" in notes[0]


def test_samples_are_drawn_at_chosen_steps(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    recipe = replace(recipe, sample_steps=(1, 4))
    train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        "step_000001.png",
        "step_000004.png",
        "step_000006.png",
    ]


def test_a_tiny_painting_is_refused(
    recipe: Recipe, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    write_picture(picture_from_pixels(np.full((40, 90, 3), 90, np.uint8)), tmp_path / "tiny.png")
    with pytest.raises(UsageError, match="90 x 40"):
        train(recipe, [tmp_path / "tiny.png"], photos, tmp_path / "run", loss_networks={"vgg19": loss_network})


def test_paintings_in_grey_or_with_alpha_are_taken(
    recipe: Recipe, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for name, bands in (("grey", 1), ("alpha", 4)):
        pixels = random.integers(0, 255, (80, 96, bands), np.uint8)
        pyvips.Image.new_from_array(pixels, interpretation="b-w" if bands == 1 else "srgb").write_to_file(
            str(tmp_path / f"{name}.png")
        )
        train(
            replace(recipe, painting=Painting(f"{name}.png")).with_steps(1),
            [tmp_path / f"{name}.png"],
            photos,
            tmp_path / name,
            loss_networks={"vgg19": loss_network},
        )
        assert (tmp_path / name / "weights.safetensors").exists()


def test_a_full_disk_is_named_and_the_last_checkpoint_is_kept(
    recipe: Recipe,
    painting: Path,
    photos: PhotoFolder,
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    write_bytes = Path.write_bytes

    def write_until_full(path: Path, data: bytes) -> int:
        if "checkpoint" in path.name and (tmp_path / "checkpoint.safetensors").exists():
            write_bytes(path, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(MediaError, match="No space left"):
        train(recipe, [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})
    _, metadata = read_tensors(tmp_path / "checkpoint.safetensors")
    assert metadata["step"] == "2"
    assert not list(tmp_path.glob(".*partial"))


def test_resuming_with_another_recipe_is_refused(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    train(recipe.with_steps(1), [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})
    with pytest.raises(UsageError, match="style_weight, phases differ"):
        train(replace(recipe, style_weight=9.0), [painting], photos, tmp_path, loss_networks={"vgg19": loss_network})


def test_a_loss_that_is_not_a_number_stops_the_training(
    recipe: Recipe, painting: Path, photos: PhotoFolder, loss_network: LossNetwork, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="the loss is nan") as caught:
        train(
            replace(recipe, content_weight=float("inf")),
            [painting],
            photos,
            tmp_path,
            loss_networks={"vgg19": loss_network},
            start=_zeros(recipe),
        )
    assert "learning_rate" in caught.value.hint
    assert not (tmp_path / "weights.safetensors").exists()


def _zeros(recipe: Recipe) -> dict[str, torch.Tensor]:
    """Weights that are not numbers: a network that was thrown off."""
    from stylecli.training.networks.fast import FastNetwork

    network = FastNetwork(stem=recipe.stem, trunk=recipe.trunk, blocks=recipe.blocks)
    return {name: torch.full_like(tensor, float("nan")) for name, tensor in network.state_dict().items()}
