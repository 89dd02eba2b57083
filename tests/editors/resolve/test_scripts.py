from __future__ import annotations

import importlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
from stylecli.media.video.clip import probe
from tests.editors.resolve.conftest import Installation
from tests.support.clips import make_video, times

HERE = Path(__file__).parent
NODE = "Scripts/Comp/stylecli/Stylize selected node.lua"
CLIP = "Scripts/Utility/stylecli/Stylize clip.lua"
IMPORT = "Scripts/Utility/stylecli/Import finished.lua"
SELF_TEST = "Scripts/Comp/stylecli/Self-test.lua"
ANSWER = {"Style": 0, "Strength": 1, "Keep": 0, "Linear": 1}


@dataclass
class Said:
    """What a script printed, what it did, which tools are left, and the render range."""

    printed: str
    did: str
    left: str
    range: str


@dataclass
class Scripts:
    """The installed scripts, in a strict host."""

    installed: Installation
    rendered: Path

    def run(self, script: str, *, quirks: tuple[str, ...] = (), text: str = "", **options: Any) -> Said:
        runtime = importlib.import_module("lupa.luajit21").LuaRuntime(unpack_returned_tuples=True)
        vocabulary = json.loads((HERE / "scripting.json").read_text())
        del vocabulary["evidence"]
        python = {
            "createdir": lambda path: Path(path).mkdir(parents=True, exist_ok=True),
            "fileexists": lambda path: Path(path).exists(),
            "readdir": lambda pattern: "\n".join(path.name for path in Path(pattern).parent.glob("*")),
            "render": self._render,
        }
        options = {
            "text": text or (self.installed.place.folder / script).read_text(),
            "quirks": runtime.table_from(dict.fromkeys(quirks, True)),
            "vocabulary": runtime.table_from(vocabulary, recursive=True),
            "python": runtime.table_from(python),
            "environment": runtime.table_from({"HOME": str(self.installed.home)}),
            "first": 3,
            "last": 5,
            "has_comp": False,
            "has_resolve": False,
            "has_selection": True,
            **{key: runtime.table_from(value) if isinstance(value, dict) else value for key, value in options.items()},
        }
        run = runtime.eval("function(text, options) return assert(loadstring(text, '@host'))(options) end")
        return Said(*run((HERE / "script_host.lua").read_text(), runtime.table_from(options)))

    def on_clip(self, script: str, file: Path, **options: Any) -> Said:
        place = {"has_resolve": True, "rate": "25", "source_start": 2, "source_end": 5, "duration": 4}
        return self.run(script, **{**place, "timeline_id": "one", "media": str(file), **options})

    def wait(self) -> None:
        """Until no work goes on."""
        deadline = time.monotonic() + 180
        while any(not (job.parent / "status").exists() for job in self.installed.folder.glob("jobs/*/job.json")):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def jobs(self) -> list[Path]:
        return list(self.installed.folder.glob("jobs/*"))

    def results(self) -> list[Path]:
        return sorted(path for path in (self.installed.home / "Videos/stylecli").rglob("*") if path.is_file())

    def _render(self, path: str, number: int) -> None:
        write_picture(picture_from_pixels(np.full((6, 8, 3), number / 10, np.float32)), Path(path))
        self.rendered.touch()


@pytest.fixture
def scripts(installed: Installation, tmp_path: Path) -> Scripts:
    (installed.folder / "choices.json").write_text(json.dumps({"style": "tiny", "strength": 1}))
    installed.change_config(styles=[{"style": "tiny", "title": "Tiny"}])
    return Scripts(installed, tmp_path / "rendered")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    folder = tmp_path / "Bücher 'n' more"
    folder.mkdir()
    return make_video(folder / "beach.mp4")


def test_the_selected_node_becomes_painted_frames_in_a_loader(scripts: Scripts) -> None:
    said = scripts.run(NODE, has_comp=True, answer=ANSWER)
    assert said.printed == "Stylize: Added Styled_Blur1_tiny"
    assert [path.name for path in scripts.results()] == [f"frame_000{number}.exr" for number in (3, 4, 5)]
    first, last = (read_picture(scripts.results()[place]).pixels for place in (0, 2))
    assert first.shape == (6, 8, 3)
    assert not np.array_equal(first, last)
    assert said.range == "3-5"
    assert said.did.splitlines()[-1] == "undo kept true"
    assert "delete Saver" in said.did
    assert set(said.left.splitlines()) == {"Blur Blur1", "Loader Styled_Blur1_tiny"}
    assert scripts.jobs() == []
    assert json.loads((scripts.installed.folder / "choices.json").read_text())["linear"] is True


def test_a_message_at_the_end_of_the_render_is_waited_for(scripts: Scripts) -> None:
    said = scripts.run(NODE, has_comp=True, answer=ANSWER, quirks=("render_shows_message",))
    assert said.printed == "Stylize: Added Styled_Blur1_tiny"
    assert set(said.left.splitlines()) == {"Blur Blur1", "Loader Styled_Blur1_tiny"}
    assert said.range == "3-5"


def test_a_style_may_be_named_by_any_text(scripts: Scripts) -> None:
    said = scripts.run(NODE, has_comp=True, answer={**ANSWER, "StyleName": "zebra"})
    assert said.printed.startswith("Stylize: Added Styled_Blur1_zebra")
    said = scripts.run(NODE, has_comp=True, answer={**ANSWER, "StyleName": "one's:0.6+b:0.4"})
    assert "one's: no style of this name" in said.printed  # a blend, whose first style there is not
    assert said.did.splitlines()[-1] == "undo kept false"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"quirks": ("renders_nothing",)}, "the Saver has not written frame_0003.exr"),
        ({"quirks": ("no_connection",)}, "the Saver cannot be connected"),
        ({"has_selection": False}, "Select the node"),
        ({"first": -4}, "before frame 0"),
    ],
    ids=["nothing rendered", "not connected", "nothing selected", "negative"],
)
def test_what_cannot_be_done_is_told_and_undone(scripts: Scripts, how: dict[str, Any], reason: str) -> None:
    said = scripts.run(NODE, has_comp=True, answer=ANSWER, **how)
    assert reason in said.printed
    assert said.did.splitlines()[-1] == "undo kept false"
    assert "Saver" not in said.left
    assert "Loader" not in said.left
    assert (scripts.results(), scripts.jobs()) == ([], [])


def test_a_failure_of_stylecli_is_told_in_its_words(scripts: Scripts) -> None:
    scripts.installed.change_config(styles=[{"style": "gone", "title": "Gone"}])
    said = scripts.run(NODE, has_comp=True, answer=ANSWER)
    assert "gone" in said.printed
    assert "Loader" not in said.left
    assert scripts.jobs() == []


def test_a_cancelled_dialog_does_nothing(scripts: Scripts) -> None:
    said = scripts.run(NODE, has_comp=True)
    assert said.printed == "Stylize: Cancelled"
    assert "Saver" not in said.did


def test_without_a_composition_the_script_says_where_it_belongs(scripts: Scripts) -> None:
    assert "Fusion page" in scripts.run(NODE).printed


def test_a_clip_is_painted_in_the_background_and_comes_back_as_a_take(scripts: Scripts, video: Path) -> None:
    said = scripts.on_clip(CLIP, video)
    assert "Beach is being painted in the background (tiny)" in said.printed
    scripts.wait()
    said = scripts.on_clip(IMPORT, video)
    (result,) = scripts.results()
    assert said.printed == "Stylize: Beach: as a take"
    assert said.did == f"take {result} 0-3"
    assert len(times(result)) == 4  # frames 2, 3, 4 and 5
    assert (probe(result).width, probe(result).height) == (64, 48)
    assert scripts.jobs() == []
    assert scripts.on_clip(IMPORT, video).printed == "Stylize: nothing is being painted"


def test_where_takes_do_not_work_the_result_goes_on_a_track_above(scripts: Scripts, video: Path) -> None:
    scripts.on_clip(CLIP, video)
    scripts.wait()
    said = scripts.on_clip(IMPORT, video, quirks=("no_takes",))
    assert said.printed == "Stylize: Beach: on track 2"
    assert said.did == "append track 2 at 100"


def test_a_placement_that_the_host_dropped_is_no_success(scripts: Scripts, video: Path) -> None:
    scripts.on_clip(CLIP, video)
    scripts.wait()
    said = scripts.on_clip(IMPORT, video, quirks=("no_takes", "drops_silently"))
    assert "cannot be put on the timeline" in said.printed
    assert len(scripts.jobs()) == 1  # it can be tried again


def test_a_result_waits_for_its_timeline(scripts: Scripts, video: Path) -> None:
    scripts.on_clip(CLIP, video)
    scripts.wait()
    assert "open its timeline" in scripts.on_clip(IMPORT, video, timeline_id="two").printed
    assert "as a take" in scripts.on_clip(IMPORT, video).printed


def test_a_clip_that_fails_is_told_in_the_words_of_stylecli(scripts: Scripts, video: Path) -> None:
    video.write_bytes(b"no video")
    scripts.on_clip(CLIP, video)
    scripts.wait()
    said = scripts.on_clip(IMPORT, video)
    assert "Beach failed: " in said.printed
    assert "beach.mp4" in said.printed
    assert (scripts.jobs(), scripts.results(), said.did) == ([], [], "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"media": None}, "no source file"),
        ({"media": "/clips/a.braw"}, "Camera raw"),
        ({"media": "/clips/a.[0001-0100].exr"}, "picture sequence"),
        ({"duration": 9}, "retimed"),
        ({"rate": ""}, "retimed"),
    ],
    ids=["generator", "raw", "sequence", "retimed", "no rate"],
)
def test_a_clip_that_cannot_be_painted_is_refused_in_one_sentence(
    scripts: Scripts, video: Path, changes: dict[str, Any], reason: str
) -> None:
    said = scripts.on_clip(CLIP, video, **changes)
    assert reason in said.printed
    assert len(said.printed.splitlines()) == 1
    assert scripts.jobs() == []


@pytest.mark.parametrize(("rate", "first", "span"), [("25", 0, "0:7/50"), ("23.976", 10, "19019/48000:27027/48000")])
def test_the_range_is_exact_to_the_frame(scripts: Scripts, video: Path, rate: str, first: int, span: str) -> None:
    scripts.installed.folder.joinpath("stylecli.sh").write_text("#!/bin/sh\n")
    scripts.on_clip(CLIP, video, rate=rate, source_start=first, source_end=first + 3)
    (script,) = scripts.installed.folder.glob("jobs/*/run.sh")
    assert f"'--range' '{span}'" in script.read_text()
    scripts.wait()


def test_the_self_test_writes_a_report(scripts: Scripts) -> None:
    said = scripts.run(SELF_TEST, has_comp=True, has_resolve=True)
    report = json.loads((scripts.installed.folder / "self-test.json").read_text())
    works = {one["name"]: one["works"] for one in report["results"]}
    assert works["worker"]
    assert works["Saver and Loader"]
    assert not works["EXRIO"]  # this host has none
    assert "undo kept false" in said.did
    assert said.printed.count("DOES NOT WORK") == list(works.values()).count(False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("comp:AddTool('Saver')", "modal"),
        ("comp:Lock() comp:AddTool('Loader')", "joins the active one"),
        ("comp:Rendr({})", "not documented"),
        ("comp:Lock(1)", "arguments"),
        ("resolve:GetProjectManager():GetCurrentProject():GetMediaPool():ImportMedia({})", "wrong folder"),
        ("bmd.wait(1)", "not documented"),
        ("tool = aTool", "not defined"),
        (
            "comp:SetActiveTool(nil) comp:Lock() local s = comp:AddTool('Saver') s:SetInput('Clip', 'a') comp:Unlock() "
            "comp:Render({Tool = s, Start = 1, End = 1})",
            "no file",
        ),
    ],
)
def test_the_strict_host_stops_a_naive_script(scripts: Scripts, text: str, fault: str) -> None:
    with pytest.raises(Exception, match=fault):
        scripts.run("", text=text, has_comp=True, has_resolve=True)


SAVER = (
    "local tool = comp.ActiveTool comp:SetActiveTool(nil) comp:Lock() local s = comp:AddTool('Saver') comp:Unlock() "
    "s:ConnectInput('Input', tool) s:SetInput('Clip', FOLDER .. '/one.exr') "
    "comp:Render({Tool = s, Start = 1, End = 1}) "
)
TRACK = "local line = resolve:GetProjectManager():GetCurrentProject():GetCurrentTimeline() "
NAIVE = {  # scripts that trust the host, each with the habit that stops it
    "renders_nothing": SAVER + "assert(io.open(FOLDER .. '/one0001.exr')):close()",
    "no_connection": SAVER,
    "render_shows_message": SAVER + "print(comp:GetAttrs('COMPN_RenderStart') + 1)",
    "no_takes": TRACK + "local item = line:GetCurrentVideoItem() item:AddTake(item:GetMediaPoolItem(), 0, 3) "
    "assert(item:GetTakesCount() == 2)",
    "drops_silently": TRACK
    + "local pool = resolve:GetProjectManager():GetCurrentProject():GetMediaPool() line:AddTrack('video') "
    "pool:AppendToTimeline({{mediaPoolItem = line:GetCurrentVideoItem():GetMediaPoolItem(), startFrame = 0, "
    "endFrame = 4, trackIndex = 2, recordFrame = 9}}) assert(line:GetItemListInTrack('video', 2)[1])",
}


@pytest.mark.parametrize("quirk", NAIVE)
def test_each_habit_of_the_host_stops_a_naive_script(scripts: Scripts, video: Path, tmp_path: Path, quirk: str) -> None:
    text = NAIVE[quirk].replace("FOLDER", repr(str(tmp_path)))
    scripts.on_clip("", video, text=text, has_comp=True)
    (tmp_path / "one0001.exr").unlink(missing_ok=True)
    with pytest.raises(Exception, match=r"script\.lua|Saver has"):
        scripts.on_clip("", video, text=text, has_comp=True, quirks=(quirk,))
