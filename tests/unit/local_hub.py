"""A Hugging Face hub with one model, on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fetch_base

HUB_ID = "org/small"
COMMIT = "0123456789abcdef" * 2 + "01234567"
# In the repository besides the model's own files; nobody should download them.
OTHERS = {"flax_model.msgpack": b"1", "model.fp32-00001-of-00002.safetensors": b"2"}


class _Hub(BaseHTTPRequestHandler):
    """The three things that snapshot_download asks for: the commit, the files, their content."""

    protocol_version = "HTTP/1.1"

    def __init__(self, files: dict[str, bytes], requests: list[str], *arguments):
        self.files, self.requests = files, requests
        super().__init__(*arguments)

    def do_GET(self):
        self.requests.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        name = path.rpartition("/")[2]
        if path == f"/{HUB_ID}/resolve/{COMMIT}/{name}" and name in self.files:
            self.answer(self.files[name], {"ETag": f'"{_etag(self.files[name])}"'})
        elif path == f"/api/models/{HUB_ID}/tree/{COMMIT}":
            self.answer(json.dumps([_listed(*file) for file in self.files.items()]).encode())
        elif path in (f"/api/models/{HUB_ID}", f"/api/models/{HUB_ID}/revision/main"):
            self.answer(json.dumps({"id": HUB_ID, "sha": COMMIT, "siblings": []}).encode())
        else:
            self.answer(b"{}", {"X-Error-Code": "RepoNotFound"}, 404)

    do_HEAD = do_GET

    def answer(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200):
        self.send_response(status)
        length = {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT}
        for key, value in (length | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def hub_of(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a model directory as `org/small`; give the address, and the requests as they come."""
    files = OTHERS | {path.name: path.read_bytes() for path in directory.iterdir()}
    requests: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, files, requests))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def find_in_new_process(
    endpoint: str, cache: Path, hub_id: str = HUB_ID
) -> subprocess.CompletedProcess[str]:
    """Print find_model's answer; huggingface_hub reads its address and cache on import only."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS"))}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "no_proxy": "127.0.0.1"}
    environment["PYTHONPATH"] = str(Path(fetch_base.__file__).parent)
    call = "import sys; from whisper_terms.model_files import *; print(find_model(sys.argv[1]))"
    command = [sys.executable, "-c", call, hub_id]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def _etag(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _listed(name: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(content), "oid": _etag(content)}
