"""The listener's own certificate: read and tried with the config, so that a reload takes it over or changes nothing."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationInfo

from inboxwatch.settings import Secret, inside

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True)
class Chain:
    """A certificate with those between it and its authority, as PEM."""

    path: Path
    pem: str

    @classmethod
    def read(cls, value: Any, info: ValidationInfo) -> Chain:
        """Raises ValueError where a file holds no certificate."""
        if isinstance(value, Chain):
            return value
        path = inside(value, info)
        try:
            chain = cls(path, path.read_text(encoding="ascii"))
        except OSError as error:
            raise ValueError(f"cannot read {value}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{value} is no PEM file: it begins with -----BEGIN CERTIFICATE-----") from None
        try:
            chain.first  # noqa: B018  (read now, or refused)
        except ValueError:
            raise ValueError(f"{value} holds no certificate that can be read: write it as PEM, yours first") from None
        return chain

    @cached_property
    def first(self) -> Certificate:
        """The listener's own; the others stand behind it."""
        from cryptography.x509 import load_pem_x509_certificate

        return load_pem_x509_certificate(self.pem.encode())

    @property
    def ends(self) -> datetime:
        return self.first.not_valid_after_utc

    @property
    def begins(self) -> datetime:
        return self.first.not_valid_before_utc

    @property
    def names(self) -> tuple[str, ...]:
        """Host names and addresses that it is for; clients look at nothing else in it."""
        from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName

        try:
            found = self.first.extensions.get_extension_for_class(SubjectAlternativeName).value
        except (ExtensionNotFound, ValueError):
            return ()
        hosts = [name.lower() for name in found.get_values_for_type(DNSName)]
        return (*hosts, *(str(address) for address in found.get_values_for_type(IPAddress)))

    def is_for(self, host: str) -> bool:
        """Whether a client that asks for a host accepts it; `*` stands for one label (RFC 9525)."""
        host = host.lower()
        rest = host.partition(".")[2]
        return host in self.names or (bool(rest) and f"*.{rest}" in self.names)


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """By what the listener encrypts."""

    chain: Chain
    key: Secret

    def context(self) -> ssl.SSLContext:
        """For connections from now on; TLS 1.2 and newer. Raises ValueError where the key is none, or another's."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        # OpenSSL reads files only. These are of memory: what was checked is what is used, and no copy of the key lies
        # on a disk.
        with _memory_file(self.chain.pem) as certificate, _memory_file(self.key.reveal()) as key:
            try:
                made.load_cert_chain(certificate.path, key.path, _no_passphrase)
            except ssl.SSLError as error:
                if "KEY_VALUES_MISMATCH" in str(error):
                    raise ValueError(f"is not the key of {self.chain.path.name}") from None
                raise ValueError("is no private key that can be read: write it as PEM, without a passphrase") from None
        return made


def readable_by_others(path: Path) -> bool:
    """Whether the mode of a file, and that of every folder above it, lets anybody in."""
    try:
        whole = path.resolve(strict=True)
        return bool(whole.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents
        )
    except OSError:
        return False


def _no_passphrase() -> str:
    raise ValueError("is encrypted: write it without a passphrase")


class _memory_file:  # noqa: N801  (used as a function)
    """A text as a file that has no place; `path` leads to it while it is open."""

    def __init__(self, text: str) -> None:
        self._descriptor = os.memfd_create("inboxwatch-tls")
        os.write(self._descriptor, text.encode())
        self.path = f"/proc/self/fd/{self._descriptor}"

    def __enter__(self) -> _memory_file:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
