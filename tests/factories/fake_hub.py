"""A fake Hugging Face hub on the loopback address: one dataset with its files in memory."""

import hashlib
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

REPO, COMMIT, OTHER = "museum/fish", "0123456789abcdef0123456789abcdef01234567", "f" * 40
INCOMPLETE_BODY = b"never sent whole"
"""The server sends only the first bytes of a file with this content."""


@contextmanager
def serve(files, *, broken=()):
    """The environment for a process that downloads; `files` maps paths to bytes.

    Files in `broken` are listed but cannot be downloaded. The server stops at the end of the block.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.files, server.broken, server.ended = files, broken, threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield make_environment(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_environment(endpoint):
    """The environment of this process with another hub and without settings for the real one."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    variables = {name: value for name, value in variables.items() if not name.lower().endswith("_proxy")}
    return variables | {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def log_message(self, *_):
        pass

    def _answer(self, with_body):
        path = unquote(urlparse(self.path).path).split("/")
        files = self.server.files
        if path[:5] == ["", "api", "datasets", *REPO.split("/")] and path[5] == "revision":
            commit = path[6] if path[6] == OTHER else COMMIT
            self._send_json({"id": REPO, "sha": commit, "siblings": []}, commit)
        elif path[:5] == ["", "api", "datasets", *REPO.split("/")] and path[5] == "tree":
            tree = [{"type": "file", "path": p, "size": len(b), "oid": "0" * 40} for p, b in files.items()]
            self._send_json(tree, path[6])
        else:
            commit, file = path[5], "/".join(path[6:])
            if file in files and file not in self.server.broken:
                self._send(files[file], commit, with_body)
            else:
                self.send_error(404)

    def _send_json(self, value, commit):
        self._send(json.dumps(value).encode(), commit, with_body=True)

    def _send(self, body, commit, with_body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if with_body and body == INCOMPLETE_BODY:
            self.wfile.write(body[:5])
            self.wfile.flush()
            self.server.ended.wait()
        elif with_body:
            self.wfile.write(body)
