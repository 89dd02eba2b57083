"""What the server takes, what it refuses, and that it paints as the command line does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import skimage.data

from stylecli.cli.app import suite
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.resizing import resize
from tests.support.pages import write_clip
from tests.web.conftest import LIMITS, PHOTO, TINY, Visitor


def test_a_photo_is_taken_in_and_painted_as_the_command_line_does(
    client: Visitor, photo_id: str, tiny_style: Path, tmp_path: Path
) -> None:
    answer = client.post("/api/picture", json={"upload": photo_id, "style": tiny_style.name, "strength": 0.6})
    (tmp_path / "photo.png").write_bytes(PHOTO)
    options = ["-s", str(tiny_style), "--strength", "0.6", "-o", str(tmp_path / "made.png")]
    suite.main(["image", str(tmp_path / "photo.png"), *options], standalone_mode=False)
    assert answer.content == (tmp_path / "made.png").read_bytes()
    assert answer.headers["x-name"] == f"photo-{tiny_style.name}.png"


def test_a_long_name_is_kept(client: Visitor) -> None:
    name = f"{'a long name ' * 12}of a photo.png"
    assert client.upload(TINY, name).json()["name"] == name


def test_a_blend_is_that_of_the_command_line(client: Visitor, photo_id: str, tmp_path: Path) -> None:
    blend = "great-wave:0.6+the-scream:0.4"
    answer = client.post("/api/picture", json={"upload": photo_id, "style": blend})
    (tmp_path / "photo.png").write_bytes(PHOTO)
    suite.main(["image", str(tmp_path / "photo.png"), "-s", blend], standalone_mode=False)
    (made,) = tmp_path.glob("photo-*.png")
    assert answer.content == made.read_bytes()
    assert answer.headers["x-name"] == made.name


@pytest.mark.parametrize(
    ("blend", "status"), [("great-wave+", 400), ("great-wave:-1+the-scream", 400), ("great-wave+../../etc", 404)]
)
def test_a_blend_that_is_none_is_refused(client: Visitor, photo_id: str, blend: str, status: int) -> None:
    assert client.post("/api/paint", json={"upload": photo_id, "style": blend}).status_code == status


def test_a_preview_has_the_pixels_of_the_result(client: Visitor, photo_id: str, tiny_style: Path) -> None:
    call = {"upload": photo_id, "style": tiny_style.name}
    preview = client.post("/api/paint", json=call)
    shape = int(preview.headers["x-height"]), int(preview.headers["x-width"]), 4
    made = read_picture(client.post("/api/picture", json=call).content).pixels
    assert np.array_equal(np.frombuffer(preview.content, np.uint8).reshape(shape)[..., :3], made)


def test_strokes_in_empty_areas_are_painted_as_by_the_command_line(client: Visitor, tmp_path: Path) -> None:
    light = np.linspace(80, 180, 240, dtype=np.uint8)[:, None, None]
    sky = picture_from_pixels(
        np.concatenate([np.broadcast_to(light, (240, 320, 2)), np.full((240, 320, 1), 220, np.uint8)], -1)
    )
    (tmp_path / "sky.png").write_bytes(encode_picture(sky, ".png"))
    upload = client.upload((tmp_path / "sky.png").read_bytes()).json()["id"]
    made = {}
    for fill in (0, 2):
        call = {"upload": upload, "style": "great-wave", "fill": fill}
        preview = np.frombuffer(client.post("/api/paint", json=call).content, np.uint8).reshape(240, 320, 4)[..., :3]
        options = ["-s", "great-wave", "--fill", str(fill), "-o", str(tmp_path / f"{fill}.png")]
        suite.main(["image", str(tmp_path / "sky.png"), *options], standalone_mode=False)
        assert client.post("/api/picture", json=call).content == (tmp_path / f"{fill}.png").read_bytes()
        made[fill] = read_picture(tmp_path / f"{fill}.png").pixels
        assert np.array_equal(preview, made[fill])
    assert np.abs(made[2].astype(int) - made[0]).mean() > 1


def test_fine_strokes_are_painted_as_by_the_command_line(client: Visitor, photo_id: str, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PHOTO)
    shown, made = {}, {}
    for detail in (None, 0, 0.5):
        call = {"upload": photo_id, "style": "jack-pine", **({} if detail is None else {"detail": detail})}
        preview = np.frombuffer(client.post("/api/paint", json=call).content, np.uint8).reshape(300, 451, 4)[..., :3]
        options = ["-s", "jack-pine", "-o", str(tmp_path / f"{detail}.png")]
        options += [] if detail is None else ["--detail", str(detail)]
        suite.main(["image", str(tmp_path / "cat.png"), *options], standalone_mode=False)
        assert client.post("/api/picture", json=call).content == (tmp_path / f"{detail}.png").read_bytes()
        shown[detail], made[detail] = preview, read_picture(tmp_path / f"{detail}.png").pixels
        assert np.abs(preview.astype(int) - made[detail]).max() <= 1
        region = {**call, "left": 0, "top": 0, "width": 451, "height": 300}
        part = np.frombuffer(client.post("/api/region", json=region).content, np.uint8).reshape(300, 451, 4)[..., :3]
        assert np.array_equal(part, made[detail])
    assert np.abs(made[None].astype(int) - made[0]).mean() > 1
    tile = client.post("/api/paint", json={"upload": photo_id, "style": "jack-pine", "tile": True})
    assert np.array_equal(np.frombuffer(tile.content, np.uint8).reshape(300, 451, 4)[..., :3], shown[0])


def test_strokes_along_the_shapes_are_painted_as_by_the_command_line(
    client: Visitor, photo_id: str, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(PHOTO)
    made = {}
    for flow in (None, 0, 0.5):
        call = {"upload": photo_id, "style": "great-wave", **({} if flow is None else {"flow": flow})}
        options = ["-s", "great-wave", "-o", str(tmp_path / f"{flow}.png")]
        options += [] if flow is None else ["--flow", str(flow)]
        suite.main(["image", str(tmp_path / "cat.png"), *options], standalone_mode=False)
        assert client.post("/api/picture", json=call).content == (tmp_path / f"{flow}.png").read_bytes()
        made[flow] = read_picture(tmp_path / f"{flow}.png").pixels
        region = {"left": 0, "top": 0, "width": 451, "height": 300}
        for path, more in (("/api/paint", {}), ("/api/region", region)):
            shown = np.frombuffer(client.post(path, json={**call, **more}).content, np.uint8)
            assert np.array_equal(shown.reshape(300, 451, 4)[..., :3], made[flow])
    assert np.abs(made[None].astype(int) - made[0]).mean() > 1


def test_frames_have_strokes_along_the_shapes_as_the_style_says(client: Visitor, tmp_path: Path) -> None:
    frame = np.ascontiguousarray(skimage.data.coffee()[:240, :320])
    write_clip(tmp_path / "clip.mp4", iter([frame] * 3), size=(320, 240), rate=12)
    clip = client.upload((tmp_path / "clip.mp4").read_bytes(), "clip.mp4").json()["id"]
    calls = ({}, {"flow": 0}, {"flow": 1})
    own, plain, drawn_out = (
        client.post("/api/paint", json={"upload": clip, "style": "great-wave", **call}).content for call in calls
    )
    assert own == drawn_out
    assert own != plain


def test_frames_get_fine_strokes_only_if_they_are_asked_for(client: Visitor, tmp_path: Path) -> None:
    frame = np.ascontiguousarray(skimage.data.coffee()[:240, :320])
    write_clip(tmp_path / "clip.mp4", iter([frame] * 3), size=(320, 240), rate=12)
    clip = client.upload((tmp_path / "clip.mp4").read_bytes(), "clip.mp4").json()["id"]
    calls = ({}, {"detail": 0}, {"detail": 1})
    own, plain, fine = (
        client.post("/api/paint", json={"upload": clip, "style": "jack-pine", **call}).content for call in calls
    )
    assert own == plain
    assert fine != plain


def test_the_small_pictures_are_the_photo_at_another_size(client: Visitor) -> None:
    photo = np.ascontiguousarray(skimage.data.chelsea()[:200].repeat(2, 1)[:, :800])
    upload = client.upload(encode_picture(picture_from_pixels(photo), ".png")).json()["id"]
    answer = client.post("/api/photo", json={"upload": upload, "tile": True})
    tile = np.frombuffer(answer.content, np.uint8).reshape(160, 640, 4)
    assert np.abs(tile[..., :3] - 255 * resize(photo, 160, 640)).max() < 4  # levels: it is resized in bytes
    assert np.all(tile[..., 3] == 255)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"These are words. " * 300, "words.jpg", "neither a picture nor a video"),
        (b"", "empty.png", "it is empty"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "phone.heic", "HEIC"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + bytes(50), "list.mp4", "neither a picture nor a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n" + bytes(50), "list.mp4", "neither a picture nor a video"),
        (PHOTO[: len(PHOTO) // 2], "half.png", "half.png"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2_100_000), "large.png", "too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_deleted(client: Visitor, data: bytes, name: str, said: str) -> None:
    answer = client.upload(data, name)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert "/" not in answer.json()["message"].replace("A/V", "")
    assert client.upload(PHOTO).status_code == 201  # there is room again


def test_a_picture_of_too_many_pixels_is_refused(client: Visitor) -> None:
    large = encode_picture(picture_from_pixels(np.zeros((500, 500, 3), np.uint8)), ".png")
    assert "too many" in client.upload(large).json()["message"]


def test_a_file_of_too_many_bytes_is_refused_while_it_arrives(client: Visitor) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(100_000)

    assert client.post("/api/uploads", content=pieces()).status_code == 413
    assert client.upload(bytes(3_000_001)).status_code == 413


def test_only_so_many_files_are_held(client: Visitor) -> None:
    answers = [client.upload(TINY) for _ in range(LIMITS.uploads + 1)]
    assert [answer.status_code for answer in answers] == [201] * LIMITS.uploads + [413]
    client.delete(f"/api/uploads/{answers[0].json()['id']}")
    assert client.upload(TINY).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.png",
        "C:\\evil.png",
        "/etc/passwd",
        "a\0b.png",
        "\u202egnp.exe",
        "x" * 5000,
        "",
        ".",
        "..",
        "photo.png;rm",
    ],
)
def test_names_of_files_lead_nowhere(client: Visitor, name: str) -> None:
    facts = client.upload(TINY, quote(name)).json()
    assert not set(facts["name"]) & set("/\\\0")
    assert facts["name"].strip(".")
    assert len(facts["name"]) <= 255  # as file systems allow


@pytest.mark.parametrize(
    "call",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"style": 5}',
        b'{"style": "tiny", "strength": 2}',
        b'{"style": "tiny", "strength": NaN}',
        b'{"style": "tiny", "brush": "huge"}',
        b'{"style": "tiny", "fill": 2.1}',
        b'{"style": "tiny", "fill": "much"}',
        b'{"style": "tiny", "detail": 1.1}',
        b'{"style": "tiny", "detail": true}',
        b'{"style": "tiny", "flow": 1.1}',
        b'{"style": "tiny", "flow": "far"}',
        b'{"style": "tiny", "brush": 1e400}',
        b'{"style": "tiny", "mask": "../x"}',
        b'{"style": "tiny", "preserve_color": "yes"}',
        b"[" * 20_000,
        b'{"style": "' + b"x" * 40_000 + b'"}',
        b"\xff\xfe",
        b'{"style": "\\ud800"}',
    ],
)
def test_calls_that_make_no_sense_are_refused(client: Visitor, photo_id: str, call: bytes) -> None:
    call = call.replace(b"{", f'{{"upload": "{photo_id}", '.encode())
    assert client.post("/api/picture", content=call).status_code in (400, 404, 413, 422)


def test_a_region_outside_of_the_picture_is_refused(client: Visitor, photo_id: str) -> None:
    inside = {"upload": photo_id, "left": 0, "top": 0, "width": 9_999, "height": 10}
    answer = client.post("/api/region", json=inside)
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("451", "10")
    for change in ({"left": 451}, {"top": -1}, {"width": 0}, {"height": "x"}):
        assert client.post("/api/region", json={**inside, **change}).status_code == 400
