"""Certificates of a test's own authority, as files that a config names."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme


@dataclass
class Authority:
    """Issues certificates into a folder, each with its key, which its owner alone can read."""

    folder: Path
    made: trustme.CA = field(default_factory=trustme.CA)
    certificate_name: str = "certificate.pem"
    key_name: str = "key.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / self.certificate_name

    @property
    def key(self) -> Path:
        return self.folder / self.key_name

    @property
    def config(self) -> str:
        """The mapping `web.tls`."""
        return f"{{certificate: {self.certificate.name}, key_file: {self.key.name}}}"

    def issue(self, *names: str, ends: datetime | None = None) -> bytes:
        """Writes a new pair over the old one; returns the certificate as DER."""
        pair = self.made.issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=ends)
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
        self.key.touch(mode=0o600)
        self.key.write_bytes(pair.private_key_pem.bytes())
        return ssl.PEM_cert_to_DER_cert(pair.cert_chain_pems[0].bytes().decode())

    def trusting(self) -> ssl.SSLContext:
        """Of a client that knows this authority."""
        context = ssl.create_default_context()
        self.made.configure_trust(context)
        return context
