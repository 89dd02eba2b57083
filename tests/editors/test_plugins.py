from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylecli import __version__
from stylecli.cli.app import suite
from stylecli.core.errors import UsageError
from stylecli.doctor import examine
from stylecli.editors import plugins as hosts
from stylecli.editors.frei0r.build import find_compiler
from stylecli.editors.host import find_host, host_names
from stylecli.editors.plugin_folders import Machine, PluginFolder
from stylecli.editors.plugins import find_plugins, install, uninstall

GIMP, BLENDER, RESOLVE = (find_host(name) for name in ("gimp", "blender", "resolve"))
gimp_places, blender_places, resolve_places = GIMP.folders, BLENDER.folders, RESOLVE.folders


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home folder in which GIMP 3.0 and 3.2 have been started."""
    home = tmp_path / "home"
    for version in ("2.10", "3.0", "3.1", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIMP3_DIRECTORY", raising=False)
    return home


def machine(home: Path, system: str = "linux", **environment: str) -> Machine:
    return Machine(system, home, environment)


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(suite, ["plugins", *map(str, arguments)])
    return result.exit_code, result.output


def test_every_stable_gimp_3_is_found(home: Path) -> None:
    assert [place.editor for place in gimp_places(machine(home))] == ["GIMP 3.0", "GIMP 3.2"]


@pytest.mark.parametrize(
    ("places", "system", "profile", "plugins"),
    [
        (gimp_places, "linux", ".config/GIMP/3.0", "plug-ins"),
        (gimp_places, "darwin", "Library/Application Support/GIMP/3.0", "plug-ins"),
        (gimp_places, "win32", "AppData/Roaming/GIMP/3.0", "plug-ins"),
        (blender_places, "linux", ".config/blender/4.2", "scripts/addons"),
        (blender_places, "darwin", "Library/Application Support/Blender/4.2", "scripts/addons"),
        (blender_places, "win32", "AppData/Roaming/Blender Foundation/Blender/4.2", "scripts/addons"),
    ],
)
def test_an_editor_is_found_on_every_system(
    tmp_path: Path, places: Callable[[Machine], list[PluginFolder]], system: str, profile: str, plugins: str
) -> None:
    (tmp_path / profile).mkdir(parents=True)
    (place,) = places(machine(tmp_path, system))
    assert place.folder == tmp_path / profile / plugins


def test_gimp_tells_where_its_profile_is(tmp_path: Path) -> None:
    (place,) = gimp_places(machine(tmp_path, GIMP3_DIRECTORY=str(tmp_path / "mine")))
    assert place.folder == tmp_path / "mine/plug-ins"


def test_a_gimp_that_was_never_started_is_found(tmp_path: Path) -> None:
    program = tmp_path / "bin/gimp-console"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho GNU Image Manipulation Program version 3.0.4\n")
    program.chmod(0o755)
    (place,) = gimp_places(machine(tmp_path, PATH=str(program.parent)))
    assert place.folder == tmp_path / ".config/GIMP/3.0/plug-ins"


def test_a_snap_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "snap/gimp/current/.config/GIMP/3.0").mkdir(parents=True)
    (place,) = gimp_places(machine(tmp_path))
    assert "sandbox" in place.fault
    assert place.advice


def test_a_flatpak_starts_stylecli_outside_its_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".var/app/org.gimp.GIMP/config/GIMP/3.0").mkdir(parents=True)
    (place,) = gimp_places(machine(tmp_path))
    assert "flatpak override" in place.advice  # there is no flatpak here that could have allowed it

    flatpak = tmp_path / "bin/flatpak"
    flatpak.parent.mkdir()
    flatpak.write_text("#!/bin/sh\nprintf '[Session Bus Policy]\\norg.freedesktop.Flatpak=talk\\n'\n")
    flatpak.chmod(0o755)
    monkeypatch.setenv("PATH", str(flatpak.parent), prepend=os.pathsep)
    (place,) = gimp_places(machine(tmp_path))
    plugin = install(GIMP, place)
    command = json.loads((place.folder / "stylecli/stylecli.json").read_text())["command"]
    assert (plugin.fault, command[:2]) == ("", ["flatpak-spawn", "--host"])


@pytest.mark.parametrize(
    ("system", "folder", "fusion"),
    [
        ("linux", ".local/share/DaVinciResolve", "Fusion"),
        ("darwin", "Library/Application Support/Blackmagic Design/DaVinci Resolve", "Fusion"),
        ("win32", "AppData/Roaming/Blackmagic Design/DaVinci Resolve", "Support/Fusion"),
    ],
)
def test_resolve_is_found_on_every_system(tmp_path: Path, system: str, folder: str, fusion: str) -> None:
    assert resolve_places(machine(tmp_path, system)) == []
    (tmp_path / folder).mkdir(parents=True)
    (place,) = resolve_places(machine(tmp_path, system))
    assert place.folder == tmp_path / folder / fusion


def test_the_resolve_of_the_app_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Library/Containers/com.blackmagic-design.DaVinciResolveLite").mkdir(parents=True)
    (place,) = resolve_places(machine(tmp_path, "darwin"))
    assert "App Store" in place.editor
    assert place.fault


def test_what_is_installed_can_be_run(home: Path) -> None:
    (first, _) = gimp_places(machine(home))
    plugin = install(GIMP, first)
    assert (plugin.is_installed, plugin.version, plugin.fault) == (True, __version__, "")
    folder = first.folder / "stylecli"
    assert os.access(folder / "stylecli.py", os.X_OK)
    assert {file.name for file in folder.iterdir()} >= {"stylecli.py", "backend.py", "stylecli.json"}
    config = json.loads((folder / "stylecli.json").read_text())
    assert config["format"] == 1
    answer = subprocess.run([*config["command"], "--version"], capture_output=True, text=True, check=True, cwd=home)
    assert __version__ in answer.stdout
    assert Path(config["command"][0]).is_absolute()


def test_the_command_serves_every_place_and_takes_all_away(home: Path) -> None:
    before = tree(home)
    code, said = run("install", "gimp")
    assert (code, said.count("installed, stylecli")) == (0, 2)
    assert run("install", "gimp") == (code, said)  # again is the same
    code, said = run("uninstall", "gimp")
    assert (code, said.count("removed from")) == (0, 2)
    assert tree(home) == before
    code, said = run("uninstall", "gimp")
    assert (code, said.count("nothing was in")) == (0, 2)


def test_of_a_target_nothing_is_left(tmp_path: Path) -> None:
    target = tmp_path / "not/there/yet"
    assert run("install", "gimp", "--target", target)[0] == 0
    (target / "stylecli/__pycache__").mkdir()
    (target / "stylecli/__pycache__/backend.cpython-313.pyc").touch()  # GIMP's Python has been there
    assert run("uninstall", "gimp", "--target", target)[0] == 0
    assert tree(tmp_path) == []


def test_files_of_others_stay(tmp_path: Path) -> None:
    assert run("install", "gimp", "--target", tmp_path)[0] == 0
    notes = tmp_path / "stylecli/notes.txt"
    notes.write_text("mine")
    assert run("uninstall", "gimp", "--target", tmp_path)[0] == 0
    assert tree(tmp_path) == [notes.parent, notes]


def test_a_folder_of_someone_else_is_not_touched(tmp_path: Path) -> None:
    theirs = tmp_path / "stylecli/stylecli.py"
    theirs.parent.mkdir()
    theirs.write_text("print('mine')")
    code, said = run("install", "gimp", "--target", tmp_path)
    assert (code, "did not put there" in said) == (2, True)
    assert run("uninstall", "gimp", "--target", tmp_path)[0] == 0
    assert theirs.read_text() == "print('mine')"


def test_where_one_place_fails_the_others_are_served(home: Path) -> None:
    theirs = home / ".config/GIMP/3.0/plug-ins/stylecli/theirs.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("print()")
    code, said = run("install", "gimp")
    assert code == 6
    assert "it does not work in GIMP 3.0" in said
    assert (home / ".config/GIMP/3.2/plug-ins/stylecli/stylecli.json").exists()
    assert [file.name for file in theirs.parent.iterdir()] == ["theirs.py"]


def test_a_configuration_cannot_make_it_remove_other_files(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.touch()
    folder = tmp_path / "plug-ins/stylecli"
    folder.mkdir(parents=True)
    config = {"format": 1, "command": [], "stylecli": "1", "files": ["../../precious.txt"], "made": []}
    (folder / "stylecli.json").write_text(json.dumps(config))
    run("uninstall", "gimp", "--target", tmp_path / "plug-ins")
    assert precious.exists()


@pytest.mark.skipif(
    os.name == "nt" or (os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists()), reason="needs setpriv"
)
def test_a_folder_that_may_not_be_written_is_exit_code_4(tmp_path: Path) -> None:
    target = tmp_path / "locked"
    target.mkdir(mode=0o555)
    command = [sys.executable, "-m", "stylecli", "plugins", "install", "gimp", "--target", str(target)]
    if os.geteuid() == 0:  # root may write everywhere: without that power
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, "Permission denied" in answer.stderr) == (4, True)
    assert tree(target) == []


def test_an_unknown_host_is_a_usage_error() -> None:
    assert run("install", "photoshop")[0] == 2


def test_a_host_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    code, said = run("install", "resolve")
    assert (code, "--target" in said) == (2, True)
    assert "DaVinci Resolve: not found" in run("list")[1]


def test_a_plugin_of_another_version_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "__version__", "0.0.1")
    run("install", "gimp")
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(home))
    assert all("0.0.1" in plugin.fault for plugin in find_plugins(GIMP))
    assert all(not finding.is_well for finding in examine() if finding.topic == "host gimp")


def test_a_stylecli_that_has_moved_is_told(home: Path) -> None:
    run("install", "gimp")
    config = home / ".config/GIMP/3.0/plug-ins/stylecli/stylecli.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "command": ["/no/such/python"]}))
    faults = [plugin.fault for plugin in find_plugins(GIMP)]
    assert "/no/such/python" in faults[0]
    assert faults[1] == ""


def test_an_installation_that_was_cut_short_is_mended(home: Path) -> None:
    (place, _) = gimp_places(machine(home))
    install(GIMP, place)
    (place.folder / "stylecli/backend.py").unlink()
    assert "backend.py" in find_plugins(GIMP)[0].fault
    assert install(GIMP, place).fault == ""
    assert uninstall(GIMP, place)


def test_results_come_as_json(home: Path) -> None:
    code, said = run("install", "gimp", "--json")
    entries = [json.loads(line) for line in said.splitlines()]
    assert (code, [entry["editor"] for entry in entries]) == (0, ["GIMP 3.0", "GIMP 3.2"])
    assert all(entry["installed"] and not entry["fault"] for entry in entries)


def test_the_doctor_tells_of_the_hosts(home: Path) -> None:
    said = {finding.topic: finding for finding in examine()}
    assert "not installed" in said["host gimp"].says
    assert said["host gimp"].is_well


def test_a_new_module_is_a_new_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stylecli.editors import hosts as package

    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts/painter.py").write_text(
        "from stylecli.editors.host import Host\n"
        "from stylecli.editors.plugin_folders import PluginFolder\n"
        "HOST = Host(\n"
        '    "painter", "The Painter", lambda machine: [PluginFolder("Painter 1", machine.home / "brushes")],\n'
        '    lambda: {"brush.txt": b"soft", "looks/stylecli/look.txt": b"warm"},\n'
        ")\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "hosts")])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    painter = find_host("painter")
    assert "painter" in host_names()
    assert "Painter 1: not installed" in run("list")[1]
    assert {finding.topic for finding in examine()} >= {"host painter", "host gimp"}

    (place,) = painter.folders(Machine(home=tmp_path / "home"))
    assert install(painter, place).fault == ""
    assert (place.folder / "stylecli/brush.txt").read_bytes() == b"soft"
    assert (place.folder / "looks/stylecli/look.txt").read_bytes() == b"warm"
    assert uninstall(painter, place)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "looks/../../stylecli/x", "a/b", "C:/stylecli/x", "a\\b"])
def test_a_name_outside_our_folders_is_never_removed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "stylecli"
    folder.mkdir()
    config = {"format": 1, "command": [], "stylecli": "1", "files": [name], "made": []}
    (folder / "stylecli.json").write_text(json.dumps(config))
    with pytest.raises(UsageError):
        uninstall(GIMP, PluginFolder("GIMP", tmp_path))
    assert tree(tmp_path) == [folder, folder / "stylecli.json"]


@pytest.mark.parametrize("name", ["gimp", "resolve"])
def test_a_damaged_list_of_files_is_mended_by_the_advice_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    target = tmp_path / "target"
    target.mkdir()
    run("install", name, "--target", target)
    (target / "stylecli/stylecli.json").write_text("{")
    code, said = run("uninstall", name, "--target", target)
    assert (code, "Install the plug-in again, then uninstall it." in said) == (2, True)
    assert run("install", name, "--target", target)[0] == 0
    assert run("uninstall", name, "--target", target)[0] == 0
    assert not [path for path in tree(tmp_path) if "stylecli" in path.name]


@pytest.mark.parametrize("name", ["resolve", "frei0r"])
def test_without_a_place_for_its_connection_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if name == "frei0r" and not find_compiler(os.environ):
        pytest.skip("needs a C compiler")
    code, said = run("install", name, "--target", tmp_path / "target")
    assert (code, str(tmp_path / "home") in said) == (4, True)
    assert tree(tmp_path) == [tmp_path / "home"]


def test_without_a_home_stylecli_can_be_started_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    assert install(GIMP, PluginFolder("GIMP", tmp_path / "target")).fault == ""
