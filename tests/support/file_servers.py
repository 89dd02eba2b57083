"""Plain file servers, as any web host has them."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A plain file server; some are told to isolate the page, which allows threads."""

    isolates = False

    def end_headers(self) -> None:
        if self.isolates:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Isolating(Quiet):
    isolates = True


@contextmanager
def file_server(folder: Path, kind: type[Quiet] = Quiet) -> Iterator[str]:
    """Serve a folder to this machine; gives the address."""
    handler = functools.partial(kind, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
