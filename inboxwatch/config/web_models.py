"""The section `web`: where it listens, how it encrypts, and by what people are let in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from inboxwatch.config.certificate import TlsConfig, readable_by_others
from inboxwatch.config.fields import (
    Address,
    CertificateFile,
    HeaderName,
    Issuer,
    Name,
    Peers,
    PositiveWallTime,
    WebAddress,
    is_loopback,
    proxy_peers,
)
from inboxwatch.settings import ConfigPath, Secret, Settings, under

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
        if key.in_file and readable_by_others(file := under(folder, key.origin)):
            raise ValueError(f"can be read by everybody on this machine: chmod o-rwx {file}")
        if "certificate" in info.data:
            TlsConfig(info.data["certificate"], key).context()
        return key


RoleName = Literal["viewer", "rep", "manager", "admin"]


class OidcRolesModel(Settings):
    """Values of `roles_claim` that give a role; where several fit, the highest is taken."""

    viewer: tuple[Name, ...] = ()
    """Reads everything, changes nothing."""
    rep: tuple[Name, ...] = ()
    """Acts on waits that concern them."""
    manager: tuple[Name, ...] = ()
    """Reviews matches and kinds, reads the audit log."""
    admin: tuple[Name, ...] = ()
    """Reloads, sends again, edits leads."""


class OidcModel(Settings):
    """People sign in at an OpenID Connect provider (authorization code flow with PKCE). Register there the redirect
    address `URL/oidc/callback`, and `URL/login` for the sign-out, with the URL of `web.url`."""

    issuer: Issuer
    """Whose word is taken; its `/.well-known/openid-configuration` says where everything is."""
    client_id: Name
    """By which the provider knows inboxwatch."""
    client_secret: Secret
    """That of the client, which the provider calls confidential."""
    claim: Name = "email"
    """Which claim names the person's address: one of `people` or of their aliases. `email` counts only where the
    provider says that it is verified; of another claim, take one that people cannot change by themselves."""
    scopes: tuple[Name, ...] = Field(default=("openid", "email", "profile"), min_length=1)
    """What is asked for; some providers want one more for groups."""
    roles_claim: Name | None = None
    """Which claim lists groups or roles; with dots where it lies within others, as Keycloak's `realm_access.roles`."""
    roles: OidcRolesModel = Field(default_factory=OidcRolesModel)
    default_role: RoleName | None = None
    """The role of whom the provider knows and neither `people` nor `roles` does. Without it they are refused."""
    lasts: PositiveWallTime = Field(default="12h", validate_default=True)
    """After how long one signs in again; who was removed at the provider is let in until then."""
    ca_file: ConfigPath | None = None
    """A PEM file of authorities to trust beside the system's, for a provider inside."""

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("lacks `openid`: without it a provider says nothing of who signs in")
        return scopes

    @field_validator("roles")
    @classmethod
    def _by_a_claim(cls, roles: OidcRolesModel, info: ValidationInfo) -> OidcRolesModel:
        if any(values for _, values in roles) and info.data.get("roles_claim") is None:
            raise ValueError("needs `roles_claim`, which says where they are listed")
        return roles


class WebModel(Settings):
    """The web server: board, API, metrics and signed links on one port."""

    listen: Address = Field(default="127.0.0.1:9842", validate_default=True)
    """Another address than loopback needs `token`."""
    url: WebAddress | None = None
    """How people reach it; links in notices begin with it."""
    token: Secret | None = Field(default=None, validate_default=True)
    """Asked for by the API, the metrics and the board; at least 16 characters, better 32 random ones. Default:
    everybody on this machine may ask, or with `proxy` or `oidc` only whom these have signed in."""
    proxy: ProxyModel | None = None
    tls: TlsModel | None = None
    oidc: OidcModel | None = None

    @field_validator("oidc")
    @classmethod
    def _comes_back(cls, oidc: OidcModel | None, info: ValidationInfo) -> OidcModel | None:
        """The provider sends browsers back to `web.url`, with a code that nobody may read on the way."""
        url, listen = info.data.get("url"), info.data.get("listen")
        encrypted = url.startswith("https:") if url else info.data.get("tls") is not None
        host = urlsplit(url).hostname or "" if url else listen.host if listen is not None else ""
        if oidc is not None and not encrypted and not is_loopback(host):
            raise ValueError("needs `web.url` to begin with https://, for the provider sends people back there")
        return oidc

    @field_validator("token")
    @classmethod
    def _closed_to_the_world(cls, token: Secret | None, info: ValidationInfo) -> Secret | None:
        listen = info.data.get("listen")
        if token is None and listen is not None and not listen.loopback:
            raise ValueError(f"is required (or `token_file`, `token_env`): other machines can reach {listen}")
        if token is not None and token.resolved and (len(text := token.reveal()) < TOKEN_LENGTH or len(set(text)) < 5):
            raise ValueError(f"can be guessed: give at least {TOKEN_LENGTH} characters (`openssl rand -hex 32`)")
        return token
