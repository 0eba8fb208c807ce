"""A webhook's target on loopback that keeps every POST and fails as told; it runs on a thread of its own.

with WebhookSink() as sink:
    sink.answer = lambda post: 503 if len(sink.posts) < 3 else 200
    breach = sink.wait(lambda post: "breach" in post.reasons)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.waiting import PATIENCE


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """One POST as it came in."""

    at: datetime
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    raw: bytes
    body: dict[str, Any] = field(compare=False)

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def reasons(self) -> list[str]:
        return [clock["reason"] for clock in self.body["clocks"] if "reason" in clock]

    def signed_with(self, secret: str) -> bool:
        expected = hmac.new(secret.encode(), self.raw, hashlib.sha256).hexdigest()
        return self.headers.get("x-inboxwatch-signature") == f"sha256={expected}"


class WebhookSink:
    """`posts` are all that came, `accepted` those answered with a 2xx status."""

    def __init__(self) -> None:
        self.posts: list[WebhookPost] = []
        self.accepted: list[WebhookPost] = []
        self.answer: Callable[[WebhookPost], int] = lambda post: 200
        """The status for a POST; it may block, and it may raise to hang up without an answer."""
        self.words: Callable[[WebhookPost], bytes] = lambda post: b""
        """What an answer says."""
        self._news = threading.Condition()
        self._open = 0
        """Connections whose request was not answered yet."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                post = WebhookPost(datetime.now(UTC), self.path, headers, raw, json.loads(raw))
                with sink._news:
                    sink.posts.append(post)
                    sink._news.notify_all()
                try:
                    status = sink.answer(post)
                except ConnectionError:
                    self.close_connection = True
                    return
                if status < 300:
                    with sink._news:
                        sink.accepted.append(post)
                        sink._news.notify_all()
                try:
                    self.send_response(status)
                    words = sink.words(post)
                    self.send_header("Content-Length", str(len(words)))
                    self.end_headers()
                    self.wfile.write(words)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Tests want a quiet server."""

        class Server(ThreadingHTTPServer):
            def process_request(self, request: Any, client_address: Any) -> None:
                with sink._news:
                    sink._open += 1
                super().process_request(request, client_address)

            def shutdown_request(self, request: Any) -> None:
                super().shutdown_request(request)
                with sink._news:
                    sink._open -= 1
                    sink._news.notify_all()

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, wanted: Callable[[WebhookPost], bool], timeout: float = PATIENCE) -> WebhookPost:
        """The first accepted POST that is wanted, or an AssertionError that shows what came instead."""
        with self._news:
            self._news.wait_for(lambda: any(map(wanted, self.accepted)), timeout)
            found = next(filter(wanted, self.accepted), None)
        assert found is not None, (
            f"not posted in {timeout} s; posted: {[(p.type, p.key, p.reasons) for p in self.posts]}"
        )
        return found

    def drain(self) -> None:
        """Returns once all that was sent so far has been received; connections are taken in the order they came."""
        with socket.create_connection(("127.0.0.1", self._server.server_port)) as last:
            last.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            last.recv(1)
        with self._news:
            assert self._news.wait_for(lambda: self._open == 0, PATIENCE), f"{self._open} requests stay open"

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[WebhookPost]:
        """All POSTs, accepted or not, once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.posts) >= count, timeout), self.posts
            return list(self.posts)
