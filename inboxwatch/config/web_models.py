"""The section `web`: where it listens, how it encrypts, and by what people are let in."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from inboxwatch.config.certificate import TlsConfig, readable_by_others
from inboxwatch.config.fields import Address, CertificateFile, HeaderName, Peers, WebAddress, proxy_peers
from inboxwatch.settings import Secret, Settings

TOKEN_LENGTH = 16
"""Characters that a token has at least."""


class ProxyModel(Settings):
    """A proxy in front that signs people in and names them in a header."""

    header: HeaderName
    """Its value is a person's id or e-mail address. The proxy must set or drop it on every request."""
    peers: tuple[Peers, ...] = Field(alias="from", min_length=1)
    """From where the header is believed."""

    @field_validator("peers")
    @classmethod
    def _not_the_internet(cls, peers: tuple[Peers, ...]) -> tuple[Peers, ...]:
        return proxy_peers(peers)


class TlsModel(Settings):
    """By what the listener encrypts (TLS 1.2 and newer). A reload reads the files again; open connections stay."""

    certificate: CertificateFile
    """A PEM file: the certificate, then those between it and its authority."""
    key: Secret
    """The certificate's private key, as PEM and without a passphrase; mostly `key_file`. A file that everybody on the
    machine can read is refused."""

    @field_validator("key")
    @classmethod
    def _fits(cls, key: Secret, info: ValidationInfo) -> Secret:
        if not key.resolved:
            return key
        folder: Path = (info.context or {}).get("folder", Path())
        if key.in_file and readable_by_others(file := folder / Path(key.origin).expanduser()):
            raise ValueError(f"can be read by everybody on this machine: chmod o-rwx {file}")
        if "certificate" in info.data:
            TlsConfig(info.data["certificate"], key).context()
        return key


class WebModel(Settings):
    """The web server: board, API, metrics and signed links on one port."""

    listen: Address = Field(default="127.0.0.1:9842", validate_default=True)
    """Another address than loopback needs `token`."""
    url: WebAddress | None = None
    """How people reach it; links in notices begin with it."""
    token: Secret | None = Field(default=None, validate_default=True)
    """Asked for by the API, the metrics and the board; at least 16 characters, better 32 random ones. Default:
    everybody on this machine may ask, or with `proxy` only whom it has signed in."""
    proxy: ProxyModel | None = None
    tls: TlsModel | None = None

    @field_validator("token")
    @classmethod
    def _closed_to_the_world(cls, token: Secret | None, info: ValidationInfo) -> Secret | None:
        listen = info.data.get("listen")
        if token is None and listen is not None and not listen.loopback:
            raise ValueError(f"is required (or `token_file`, `token_env`): other machines can reach {listen}")
        if token is not None and token.resolved and (len(text := token.reveal()) < TOKEN_LENGTH or len(set(text)) < 5):
            raise ValueError(f"can be guessed: give at least {TOKEN_LENGTH} characters (`openssl rand -hex 32`)")
        return token
