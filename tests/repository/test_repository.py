"""Promises of the repository itself."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="needs a checkout, not only the installed package")


def quick_start() -> list[str]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Quick start")[2].partition("\n## ")[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines() if line]


def test_the_quick_start_has_exactly_two_commands() -> None:
    assert len(quick_start()) == 2


def test_ci_runs_the_commands_of_the_quick_start() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("-q ", "").splitlines()
    for command in (part for line in quick_start() for part in line.split(" && ")):
        assert any(command in line for line in script)


@pytest.mark.parametrize("program", ["make_cli.py", "make_tree.py"])
def test_what_documents_repeat_from_the_code_is_up_to_date(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [program, "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "docs" / program), run_name="__main__")
    assert ended.value.code == 0


def test_every_bundled_style_is_documented() -> None:
    text = (ROOT / "styles" / "README.md").read_text(encoding="utf-8")
    for folder in (ROOT / "styles").iterdir():
        if folder.is_dir():
            assert f"`{folder.name}`" in text


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "styles").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_recipe_can_be_trained_by() -> None:
    from stylecli.training.runs.recipe_files import read_recipe

    recipes = [*(ROOT / "styles").glob("*/recipe.toml"), *(ROOT / "docs" / "recipes").glob("*.toml")]
    assert len(recipes) >= 5
    for recipe in recipes:
        read_recipe(recipe)


def test_a_recipe_that_begins_as_a_bundled_style_has_room_for_it() -> None:
    from stylecli.packs.shelves import find_style
    from stylecli.training.networks.growing import grow_from
    from stylecli.training.networks.registry import network_class
    from stylecli.training.runs.checkpoints import read_tensors
    from stylecli.training.runs.recipe_files import read_recipe

    recipes = [read_recipe(file) for file in (ROOT / "docs" / "recipes").glob("*.toml")]
    recipes = [recipe for recipe in recipes if (ROOT / "styles" / recipe.base / "card.json").exists()]
    assert recipes
    for recipe in recipes:
        weights, _ = read_tensors(find_style(recipe.base).folder / "weights.safetensors")
        grow_from(network_class(recipe.network)(**recipe.hyperparameters), weights)
