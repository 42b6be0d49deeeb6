"""An HTTP server on loopback for tests of downloads: it resumes, and has the faults that a test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REDIRECT = "/moved"
"""The path that is redirected to `Server.redirect_to`."""


class Server(ThreadingHTTPServer):
    """Serves `files` by name. The lists hold faults, one for each request that is still to come."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.files: dict[str, bytes] = {}
        self.redirect_to = ""
        # Path, Range and If-Range of every request so far.
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.statuses: list[int] = []  # HTTP statuses to fail with
        self.cuts: list[int] = []  # bytes after which the connection breaks
        self.silences: list[float] = []  # seconds before the answer
        self.ranges = True  # whether Range is honoured
        self.lengths = True  # whether Content-Length is sent
        self.etag = '"first"'  # empty: none is sent


class _Handler(BaseHTTPRequestHandler):
    """Serves `server.files`, with Range and ETag, and the faults that a test asked for."""

    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        if self.path == REDIRECT:
            self.send_response(302)
            self.send_header("Location", f"/{server.redirect_to}")
            self.end_headers()
            return
        time.sleep(server.silences.pop(0) if server.silences else 0)
        body = server.files.get(self.path[1:])
        if server.statuses or body is None:
            self.send_error(server.statuses.pop(0) if server.statuses else 404)
            return
        start = self.begin(body)
        if start is None:
            return
        piece = body[start:]
        if server.cuts:
            piece = piece[: server.cuts.pop(0)]
        with suppress(ConnectionError):  # the client may have closed the connection
            self.wfile.write(piece)
        self.close_connection = True

    def begin(self, body: bytes) -> int | None:
        """Send the head of the answer; returns where the body begins."""
        server, asked = self.server, self.headers.get("Range")
        current = self.headers.get("If-Range") in (None, server.etag)
        start = (
            int(asked.removeprefix("bytes=").rstrip("-"))
            if asked and server.ranges and current
            else 0
        )
        if start >= len(body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        return start

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server in a thread."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
