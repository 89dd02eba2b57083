from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.editors.spool.client import fetch, submit
from tests.support.spools import Serve, job_for, left_in, with_alpha


def test_nothing_is_left_when_the_client_has_its_answer(spool: Path, served: Serve, photo: NDArray[np.uint8]) -> None:
    pixels = with_alpha(photo)
    identifier = submit(spool, pixels.tobytes(), job_for(pixels))
    served()
    fetch(spool, identifier, timeout=0)
    assert left_in(spool) == set()


def test_a_client_that_waits_in_vain_cancels_its_job(spool: Path, served: Serve) -> None:
    identifier = submit(spool, bytes(16), {"style": "tiny", "width": 2, "height": 2})
    with pytest.raises(MediaError, match="no answer"):
        fetch(spool, identifier, timeout=0)
    assert served() == ["cancelled"]
