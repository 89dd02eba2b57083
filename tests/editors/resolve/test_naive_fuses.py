"""Fuses that trust the host too much, one for each switch of the stand-in: it works until the switch is on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.editors.fusion import host
from stylecli.editors.fusion.host import FusionHost

pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")

Frame = NDArray[np.float32]

# A node that should give its picture back as it is. WORK sets `result`.
FUSE = """
FuRegisterClass("Naive", CT_Tool, { REGS_Category = "Test", REGS_OpIconString = "Nai", REGS_OpDescription = "Naive" })
function Create()
    InImage = self:AddInput("Input", "Input", { LINKID_DataType = "Image", LINK_Main = 1 })
    OutImage = self:AddOutput("Output", "Output", { LINKID_DataType = "Image", LINK_Main = 1 })
end
function Process(req)
    local image, path = InImage:GetValue(req), os.getenv("FOLDER") .. "/frame"
    local result = Image({ IMG_Like = image, IMG_NoData = req:IsPreCalc() })
    WORK
    OutImage:Set(req, result)
end
"""
CHANNELS = "{ R = CHAN_RED, G = CHAN_GREEN, B = CHAN_BLUE, A = CHAN_ALPHA }"
OPEN_EXR = f"""
    local exr = EXRIO()
    exr:WriteOpen(path .. ".exr", 0)
    local part = exr:Part("naive", image.ImageWindow, image.DataWindow, 1)
    for name, channel in pairs({CHANNELS}) do exr:Channel(name, FLOAT, image, channel) end
"""
WRITE_EXR = (
    f"{OPEN_EXR} assert(exr:WriteHeader()) exr:WritePart(part, {{}}) exr:Close() assert(exr:GetLastError() == '')"
)
WRITE_EXR_BLINDLY = f"{OPEN_EXR} exr:WriteHeader() exr:WritePart(part, {{}}) exr:Close()"
PART_OF_EXR = f"""
    exr:Part(1)
    for name, channel in pairs({CHANNELS}) do exr:Channel(name, ANY_TYPE, result, channel) end
    exr:ReadPart(1, {{ result }})
    exr:Close()
"""
READ_EXR = f"""
    exr = EXRIO()
    exr:ReadOpen(path .. ".exr", -1)
    assert(exr:ReadHeader())
    {PART_OF_EXR}
    local fault = exr:GetLastError()
    assert(fault == "", fault)
"""
READ_EXR_BLINDLY = f"exr = EXRIO() exr:ReadOpen(path .. '.exr', -1) exr:ReadHeader() {PART_OF_EXR}"
WRITE_PNG = "local clip = Clip(path .. '.png', true) assert(clip:Open()) clip:PutFrame(0, image) clip:Close()"
WRITE_PNG_BLINDLY = "local clip = Clip(path .. '.png', true) clip:Open() clip:PutFrame(0, image) clip:Close()"
READ_PNG = "result = Clip(path .. '.png', false):GetFrame(0)"
COPY = """
    local pixel = Pixel()
    for y = 0, image.Height - 1 do
        for x = 0, WIDTH - 1 do image:GetPixel(x, y, pixel) result:SetPixel(x, y, pixel) end
    end
"""


class Naive(NamedTuple):
    """What a fuse does, and what comes of it with the switch on: an error, or another picture than its input."""

    work: str
    error: str = ""
    picture: Callable[[Frame], Frame | None] = np.zeros_like


QUIRKS = {
    "exrio_missing": Naive(WRITE_EXR + READ_EXR, error="EXRIO"),
    "exr_header_false": Naive(WRITE_EXR_BLINDLY + READ_EXR_BLINDLY),
    "exr_writes_nothing": Naive(WRITE_EXR + READ_EXR_BLINDLY),  # no error does not mean that there is a file
    "exr_unreadable": Naive(WRITE_EXR + READ_EXR_BLINDLY),
    "exr_upside_down": Naive(WRITE_EXR + READ_EXR, picture=np.flipud),  # nobody looks at the pixels
    "exr_read_dark": Naive(WRITE_EXR + READ_EXR, picture=lambda frame: frame / 2),
    "parts_from_zero": Naive(WRITE_EXR + READ_EXR, error="no such part"),
    "clip_closed": Naive(WRITE_PNG_BLINDLY + READ_PNG, picture=lambda _: None),
    "putframe_false": Naive(WRITE_PNG + READ_PNG, picture=lambda _: None),
}
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], Naive]] = {  # for the host, for a frame
    "system": (
        {"system": "Windows"},
        {},
        Naive("io.open(path, 'wb'):close() result = image", error="nil value"),  # the folder is not ASCII
    ),
    "is_windowed": ({}, {"is_windowed": True}, Naive(WRITE_EXR_BLINDLY + READ_EXR_BLINDLY)),
    "is_precalc": ({}, {"is_precalc": True}, Naive(COPY.replace("WIDTH", "image.Width"), error="without data")),
    "proxy": ({}, {"proxy": 2}, Naive(COPY.replace("WIDTH", "image.OriginalWidth"), error="pixel 7, 0 of 7 x 5")),
}
SWITCHES = {name: ({"quirks": [name]}, {}, naive) for name, naive in QUIRKS.items()} | OTHERS


@pytest.fixture
def frame() -> Frame:
    """Give a frame of 7 x 5 pixels that 8 bits keep."""
    levels = np.random.default_rng(0).integers(1, 256, (5, 7, 4))
    return np.asarray(levels / np.float32(255), np.float32)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_makes_a_naive_fuse_fail(tmp_path: Path, frame: Frame, switch: str) -> None:
    of_host, of_frame, naive = SWITCHES[switch]
    text = FUSE.replace("WORK", naive.work)

    def rendered(folder: Path, how: dict[str, Any], more: dict[str, Any]) -> Frame | None:
        folder.mkdir()
        return FusionHost(text, environment={"FOLDER": str(folder)}, **how).process(frame, **more)

    np.testing.assert_allclose(rendered(tmp_path / "off-\u00fc", {}, {}), frame, atol=1e-6)
    if naive.error:
        with pytest.raises(Exception, match=naive.error):
            rendered(tmp_path / "on-\u00fc", of_host, of_frame)
        return
    wrong, result = naive.picture(frame), rendered(tmp_path / "on-\u00fc", of_host, of_frame)
    assert (result is None) is (wrong is None)
    if result is not None and wrong is not None:
        assert not np.allclose(wrong, frame)
        np.testing.assert_allclose(result, wrong, atol=1e-6)


def test_every_quirk_has_a_naive_fuse() -> None:
    text = (Path(host.__file__).parent / "host.lua").read_text()
    assert set(re.findall(r"quirks\.(\w+)", text)) == set(QUIRKS)
