"""The photos that ship: each is named with its terms, and all together they are small."""

from __future__ import annotations

from stylecli.photos import JUDGING_PHOTOS, LEARNING_PHOTOS, PREVIEW_PHOTO, SAMPLE_PHOTO


def test_every_photo_that_ships_is_named_with_its_terms() -> None:
    folder = SAMPLE_PHOTO.parent
    sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
    photos = [*LEARNING_PHOTOS.glob("*.jpg"), *JUDGING_PHOTOS.glob("*.jpg"), SAMPLE_PHOTO]
    assert len(photos) == 15
    assert sorted(folder.rglob("*.jpg")) == sorted(photos)
    assert [photo for photo in photos if photo.relative_to(folder).as_posix() not in sources] == []
    assert sum(photo.stat().st_size for photo in photos) < 2_000_000
    assert PREVIEW_PHOTO in photos
