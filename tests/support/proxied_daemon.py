"""The daemon of a small sales team behind a proxy that signs people in."""

from __future__ import annotations

from pathlib import Path

from inboxwatch import config as configuration
from tests.support.in_process_daemon import InProcessDaemon

TOKEN = "sesame-open-please"  # a test's own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HEADER = "X-Forwarded-User"
ANA, BEN = {HEADER: "ana"}, {HEADER: "Ben@acme.test"}
PUBLIC = "https://watch.acme.test"


class Proxied(InProcessDaemon):
    """A daemon whose config believes a proxy at `peers`, and has one wait."""

    def __init__(self, folder: Path, peers: str, token: str) -> None:
        super().__init__(folder, token=token, origin=PUBLIC)
        text = self.path.read_text(encoding="utf-8")
        proxy = f"proxy: {{header: {HEADER}, from: {peers}}}"
        text = text.replace("web: {", f"web: {{{proxy}, ") + "admins: [ana, ben]\n"
        self.path.write_text(text, encoding="utf-8")
        self.config = configuration.load(self.path)
        self.lead("bo@buyer.test", owner="max")
        self.mail("bo@buyer.test", "ana@acme.test")

    @property
    def wait(self) -> str:
        return self.only_wait("bo@buyer.test")

    @property
    def owner(self) -> str | None:
        with self.store.reading() as tx:
            row = tx.clocks.get(self.wait)
        assert row is not None
        return row.owner
