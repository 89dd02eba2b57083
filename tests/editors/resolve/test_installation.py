from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.core.version import __version__
from stylecli.editors.connection import connection
from stylecli.editors.host import find_host
from stylecli.editors.plugin_folders import Machine, PluginFolder
from stylecli.editors.plugins import look_at
from tests.support.documents import ROOT, blocks

RESOLVE = find_host("resolve")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user without anything of ours."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(suite, ["plugins", *map(str, arguments)])
    return result.exit_code, result.output


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_every_script_is_where_the_editor_looks(tmp_path: Path) -> None:
    assert run("install", "resolve", "--target", tmp_path / "Fusion")[0] == 0
    assert set(tree(tmp_path / "Fusion")) >= {
        "Fuses/stylecli/Stylize.fuse",
        "Scripts/Comp/stylecli/Self-test.lua",
        "Scripts/Comp/stylecli/Stylize selected node.lua",
        "Scripts/Utility/stylecli/Import finished.lua",
        "Scripts/Utility/stylecli/Stylize clip.lua",
        "Templates/Edit/Effects/stylecli/Stylize.setting",
        "stylecli/stylecli.drfx",
        "stylecli/stylecli.json",
    }


def test_the_bundle_holds_the_template_in_the_folders_of_resolve(tmp_path: Path) -> None:
    run("install", "resolve", "--target", tmp_path)
    with zipfile.ZipFile(tmp_path / "stylecli/stylecli.drfx") as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == ["Edit/Effects/stylecli/Stylize.setting"]
        plain = (tmp_path / "Templates/Edit/Effects/stylecli/Stylize.setting").read_bytes()
        assert bundle.read(bundle.namelist()[0]) == plain
    assert RESOLVE.files() == RESOLVE.files()  # the same bytes each time, else it would count as changed


def test_a_folder_that_was_named_once_is_known_without_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "Fusion"
    run("install", "resolve", "--target", folder)
    assert f"DaVinci Resolve: installed, stylecli {__version__} ({folder})" in run("list")[1]
    assert run("uninstall", "resolve") == (0, f"DaVinci Resolve: removed from {folder}\n")
    assert not folder.exists()


def test_the_effect_of_the_edit_page_shows_inputs_that_the_node_has(tmp_path: Path) -> None:
    lupa = pytest.importorskip("lupa.luajit21", reason="needs lupa, which is LuaJIT")
    run("install", "resolve", "--target", tmp_path)
    runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
    runtime.execute(
        "local function same(values) return values end "
        "function ordered() return same end "
        "MacroOperator, InstanceInput, InstanceOutput, GroupInfo, OperatorInfo = same, same, same, same, same "
        "Fuse = setmetatable({}, { __index = function(_, name) "
        "return function(values) values.class = name return values end end })"
    )
    effect = runtime.eval((tmp_path / "Templates/Edit/Effects/stylecli/Stylize.setting").read_text())["Tools"][
        "Stylize"
    ]
    fuse = (tmp_path / "Fuses/stylecli/Stylize.fuse").read_text()
    assert f'FuRegisterClass("{effect["Tools"]["Stylize1"]["class"]}"' in fuse
    for entry in [*effect["Inputs"].values(), *effect["Outputs"].values()]:
        assert (entry["SourceOp"], f'"{entry["Source"]}", ' in fuse) == ("Stylize1", True)
    run("uninstall", "resolve", "--target", tmp_path)


def test_the_configuration_has_absolute_paths_of_things_that_are_there(tmp_path: Path, home: Path) -> None:
    run("install", "resolve", "--target", tmp_path / "Fusion")
    folder = home / ".config/stylecli/resolve"
    config = json.loads((folder / "config.json").read_text())
    assert config["version"] == __version__
    assert {"style": "great-wave", "title": "Under the Wave off Kanagawa"}.keys() <= config["styles"][0].keys()
    for key in ("folder", "spool", "launcher"):
        assert Path(config[key]).is_absolute()
        assert Path(config[key]).exists()
    answer = subprocess.run(
        [config["launcher"], "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONHOME": "/nowhere"},
    )
    assert __version__ in answer.stdout


def test_again_is_the_same_and_nothing_is_left(tmp_path: Path) -> None:
    before = tree(tmp_path)
    said = run("install", "resolve", "--target", tmp_path / "a/Fusion")
    once = tree(tmp_path)
    assert run("install", "resolve", "--target", tmp_path / "a/Fusion") == said
    assert tree(tmp_path) == once
    assert run("uninstall", "resolve", "--target", tmp_path / "a/Fusion")[0] == 0
    assert tree(tmp_path) == before


def test_the_configuration_stays_while_another_editor_needs_it(tmp_path: Path, home: Path) -> None:
    for name in ("Resolve", "Studio"):
        run("install", "resolve", "--target", tmp_path / name)
    config = home / ".config/stylecli/resolve/config.json"
    run("uninstall", "resolve", "--target", tmp_path / "Resolve")
    assert json.loads(config.read_text())["places"] == [str(tmp_path / "Studio")]
    run("uninstall", "resolve", "--target", tmp_path / "Studio")
    assert tree(home) == []


@pytest.mark.parametrize("name", ["config.json", "stylecli.sh"])
def test_a_fixed_place_that_is_not_whole_is_told(tmp_path: Path, home: Path, name: str) -> None:
    run("install", "resolve", "--target", tmp_path / "Fusion")
    place = PluginFolder("Resolve", tmp_path / "Fusion")
    (home / ".config/stylecli/resolve" / name).unlink()
    assert name in look_at(RESOLVE, place).fault
    assert run("install", "resolve", "--target", tmp_path / "Fusion")[0] == 0
    assert look_at(RESOLVE, place).fault == ""


def test_a_fuse_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    theirs = tmp_path / "Fuses/stylecli/Stylize.fuse"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("-- mine")
    code, said = run("install", "resolve", "--target", tmp_path)
    assert (code, "did not put it there" in said) == (2, True)
    assert theirs.read_text() == "-- mine"


def test_fusion_studio_is_found_beside_resolve(tmp_path: Path) -> None:
    for folder in (".local/share/DaVinciResolve", ".fusion/BlackmagicDesign/Fusion"):
        (tmp_path / folder).mkdir(parents=True)
    places = RESOLVE.folders(Machine("linux", tmp_path, {}))
    assert [place.editor for place in places] == ["DaVinci Resolve", "Fusion Studio"]


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, "/home/ana/.config/stylecli/resolve"),
        ("darwin", {}, "/home/ana/Library/Application Support/stylecli/resolve"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/stylecli/resolve"),
        ("win32", {"LOCALAPPDATA": "/Jürgen", "PROGRAMDATA": "/data"}, "/data/stylecli/resolve"),
    ],
)
def test_the_fixed_place_has_an_ascii_name(system: str, environment: dict[str, str], folder: str) -> None:
    there = connection("resolve", Machine(system, Path("/home/ana"), environment))
    assert there.folder == Path(folder)
    assert there.launcher.suffix == (".cmd" if system == "win32" else ".sh")


def test_the_check_says_what_works(tmp_path: Path) -> None:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    code, said = run("check", "resolve", "--target", tmp_path / "Fusion")
    assert (code, "is not installed there" in said) == (2, True)
    run("install", "resolve", "--target", tmp_path / "Fusion")
    code, said = run("check", "resolve", "--target", tmp_path / "Fusion")
    assert code == 0, said
    assert said.count("the pixels of stylecli") == 3
    assert "not inside DaVinci Resolve" in said
    run("uninstall", "resolve", "--target", tmp_path / "Fusion")
    assert not [path for path in tree(tmp_path) if "stylecli" in path.lower() or "fusion" in path.lower()]


def test_the_check_tells_of_a_fuse_that_does_not_work(tmp_path: Path) -> None:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    run("install", "resolve", "--target", tmp_path)
    fuse = tmp_path / "Fuses/stylecli/Stylize.fuse"
    fuse.write_text(fuse.read_text() + "\nwait(1)\n")
    code, said = run("check", "resolve", "--target", tmp_path)
    assert (code, "global wait" in said) == (6, True)
    run("uninstall", "resolve", "--target", tmp_path)


def test_the_check_tells_of_a_connection_that_is_damaged(tmp_path: Path, home: Path) -> None:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    run("install", "resolve", "--target", tmp_path)
    (home / ".config/stylecli/resolve/config.json").write_text("{")
    code, said = run("check", "resolve", "--target", tmp_path)
    assert (code, said.count("config.json is damaged")) == (6, 3)
    run("install", "resolve", "--target", tmp_path)
    run("uninstall", "resolve", "--target", tmp_path)
    assert tree(home) == [".config", ".config/stylecli"]  # who made them stood in what was damaged


def test_a_connection_that_may_not_be_written_is_told(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("install", "resolve", "--target", tmp_path)
    monkeypatch.setattr(os, "access", lambda path, _how: Path(path).name != "spool")
    assert look_at(RESOLVE, PluginFolder("Resolve", tmp_path)).fault.endswith("spool may not be written")
    run("uninstall", "resolve", "--target", tmp_path)


def test_only_a_plug_in_that_can_be_checked_is(tmp_path: Path) -> None:
    code, said = run("check", "gimp", "--target", tmp_path)
    assert (code, "only inside the editor" in said) == (2, True)


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs a checkout")
def test_it_is_installed_and_checked_as_it_is_written(home: Path) -> None:
    pytest.importorskip("lupa.luajit21", reason="needs lupa, which is LuaJIT")
    (home / ".local/share/DaVinciResolve").mkdir(parents=True)
    (block,) = blocks("docs/editors.md", "DaVinci Resolve and Fusion", "sh")
    lines = re.findall(r"stylecli/bin/stylecli plugins (\w+) resolve", block)
    assert lines == ["install", "check"]
    for action in lines:
        code, text = run(action, "resolve")
        assert code == 0, text
