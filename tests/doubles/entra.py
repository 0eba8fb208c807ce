"""A double of Microsoft Entra's token endpoint: client credentials by secret or by a certificate's signed assertion."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from inboxwatch import now as instant
from tests.doubles.https_server import KIND, HttpsServer

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
PRINCIPAL = "99999999-8888-7777-6666-555555555555"
SECRET = "s3cr3t~of~the~application"
_ERRORS = {
    "AADSTS7000215": ("invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request "
                      "is the client secret value, not the client secret ID."),
    "AADSTS700016": ("unauthorized_client", "Application with this identifier was not found in the directory."),
    "AADSTS700027": ("invalid_client", "The certificate with identifier used to sign the client assertion is not "
                     "registered on application."),
    "AADSTS7000222": ("invalid_client", "The provided client secret keys for app are expired."),
}  # fmt: skip


@dataclass
class EntraServer:
    """One tenant with one application."""

    roles: list[str] = field(default_factory=list)
    """Application permissions consented to for the tenant."""
    lifetime: int = 3600
    certificate: bytes | None = None
    """PEM: the application's certificate."""
    expired: bool = False
    """The client secret has expired."""
    tokens: dict[str, float] = field(default_factory=dict)
    """Valid tokens and their ends, by `time.monotonic`."""

    def __post_init__(self) -> None:
        self.server = HttpsServer(self._take)

    def revoke(self) -> None:
        self.tokens.clear()

    def accepts(self, authorization: str) -> bool:
        return self.tokens.get(authorization.removeprefix("Bearer "), 0.0) > time.monotonic()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        tenant, _, rest = request.path.strip("/").partition("/")
        if tenant != TENANT:
            return _refused("AADSTS90002", "invalid_tenant", f"Tenant '{tenant}' not found.")
        if rest.endswith("openid-configuration"):
            request[KIND] = "discovery"
            base = f"{self.server.url}/{TENANT}/oauth2/v2.0"
            return web.json_response(
                {
                    "token_endpoint": f"{base}/token",
                    "authorization_endpoint": f"{base}/authorize",
                    "issuer": f"{self.server.url}/{TENANT}/v2.0",
                }
            )
        request[KIND] = "token"
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            return _refused("AADSTS70003", "unsupported_grant_type", "Only client credentials.")
        if form.get("client_id") != CLIENT_ID:
            return _refused("AADSTS700016")
        if "client_assertion" in form:
            if not self._signed(form["client_assertion"]):
                return _refused("AADSTS700027")
        elif form.get("client_secret") != SECRET:
            return _refused("AADSTS7000215")
        elif self.expired:
            return _refused("AADSTS7000222")
        return web.json_response({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": self._token()})

    def _signed(self, assertion: str) -> bool:
        assert self.certificate is not None
        key = x509.load_pem_x509_certificate(self.certificate).public_key()
        try:
            claims = jwt.decode(
                assertion,
                key,  # type: ignore[arg-type]  # trustme's keys are of a kind that PyJWT takes
                ["RS256", "PS256"],
                audience=f"{self.server.url}/{TENANT}/oauth2/v2.0/token",
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims["iss"] == claims["sub"] == CLIENT_ID)

    def _token(self) -> str:
        claims = {"appid": CLIENT_ID, "oid": PRINCIPAL, "tid": TENANT, "jti": secrets.token_hex(8)}
        if self.roles:
            claims["roles"] = self.roles  # type: ignore[assignment]  # a list among texts
        token = jwt.encode(claims, "a key that nobody checks, as long as it must be", "HS256")
        self.tokens[token] = time.monotonic() + self.lifetime
        return token


def certificate(lasts: timedelta = timedelta(days=400)) -> str:
    """A self-signed certificate and its private key, as `openssl req -x509` writes them."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "inboxwatch")])
    now = instant.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + lasts)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + made.public_bytes(serialization.Encoding.PEM)).decode()


def _refused(code: str, error: str = "", words: str = "") -> web.Response:
    known_error, known_words = _ERRORS.get(code, (error, words))
    trace = "Trace ID: 0a1b Correlation ID: 2c3d Timestamp: 2026-11-20 10:00:00Z"
    body = {
        "error": known_error,
        "error_description": f"{code}: {known_words} {trace}",
        "error_codes": [int(code.removeprefix("AADSTS"))],
    }
    return web.Response(
        status=401 if known_error == "invalid_client" else 400, text=json.dumps(body), content_type="application/json"
    )
