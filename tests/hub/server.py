"""A server on loopback: the part of the hub's interface that its client uses, and plain files with all their faults."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Files = dict[str, bytes]


@dataclass
class Server:
    """What is on it, what was asked of it, and what goes wrong.

    Attributes:
        url: its address.
        commits: (repository, revision) -> its files.
        heads: repository -> its newest revision.
        pages: path -> status, headers, content.
        cut: how many times a GET of a path ends in the middle.
        broken: paths whose GET gives a status 500.
        together: paths whose GETs wait until as many are there as their barrier asks for.
        requests: what was asked, oldest first.
    """

    url: str = ""
    commits: dict[tuple[str, str], Files] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    together: dict[str, threading.Barrier] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def commit(self, repo: str, files: Files) -> str:
        """Add files to a repository; the new revision."""
        files = self.commits.get((repo, "main"), {}) | files
        revision = _sha1(repr(sorted(files.items())).encode())
        self.commits[repo, revision] = self.commits[repo, "main"] = files
        self.heads[repo] = revision
        return revision


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@contextmanager
def serve() -> Iterator[Server]:
    state = Server()

    class Handler(_Handler):
        server_state = state

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: Server

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def do_POST(self) -> None:
        state = self.server_state
        state.requests.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            repo = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            state.commits.setdefault((repo, "main"), {})
            self._json({"url": f"{state.url}/{repo}"})
        elif self.path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            files = json.loads(body)["files"]
            self._json(
                {"files": [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]}
            )
        elif found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            lines = [json.loads(line) for line in body.splitlines()]
            added = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            revision = state.commit(found[1], added)
            self._json({"commitUrl": f"{state.url}/{found[1]}/commit/{revision}", "commitOid": revision})
        else:
            self._answer(404, {"X-Error-Code": "RepoNotFound"}, b"")

    def _get(self) -> None:
        state = self.server_state
        state.requests.append(f"{self.command} {self.path}")
        if self.path in state.together:
            state.together[self.path].wait(timeout=60)
        if self.command == "GET" and state.cut.get(self.path):
            state.cut[self.path] -= 1
            status, headers, content = self._page()
            self._answer(status, headers | {"Content-Length": str(len(content))}, content[: len(content) // 2])
            self.close_connection = True
        elif self.command == "GET" and self.path in state.broken:
            self._answer(500, {}, b"")
        else:
            self._answer(*self._page())

    def _page(self) -> tuple[int, dict[str, str], bytes]:
        state = self.server_state
        if self.path in state.pages:
            return state.pages[self.path]
        if found := re.match(r"/api/models/(.+)/revision/main", self.path):
            about: dict[str, Any] = {"id": found[1], "sha": state.heads.get(found[1]), "siblings": [], "tags": []}
            return 200, {"Content-Type": "application/json"}, json.dumps(about).encode()
        found = re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", self.path)
        if found is None:
            return 404, {}, b"nothing here"
        repo, revision, name = found.groups()
        if (repo, "main") not in state.commits:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        if (repo, revision) not in state.commits:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        files = state.commits[repo, revision]
        commit = {"X-Repo-Commit": state.heads.get(repo, "") if revision == "main" else revision}
        if name not in files:
            return 404, commit | {"X-Error-Code": "EntryNotFound"}, b""
        return 200, commit | {"ETag": f'"{_sha1(files[name])}"'}, files[name]

    def _json(self, content: Any) -> None:
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(content).encode())

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            # Who has read enough goes away.
            with suppress(ConnectionError):
                self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
