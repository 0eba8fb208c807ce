"""What `check` says of the listener's certificate: for whom it is, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inboxwatch.commands.finding import Finding
from inboxwatch.engine.alarms import RENEWAL
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config

RENEW = "renew it, then reload: connections that are open stay"


def check_certificate(config: Config) -> Iterator[Finding]:
    """That the key fits is proved where the config is read."""
    web = config.web
    if web.tls is None:
        if web.url.startswith("http:") and not web.listen.loopback:
            text = f"what is sent to {web.listen} is not encrypted: tokens and buyers' names can be read on the way"
            yield Finding(
                "web", "warning", text, "give web.tls, or put a proxy with TLS in front and its address in web.url"
            )
        return
    chain, at = web.tls.chain, now()
    until = f"{chain.ends:%Y-%m-%d %H:%M} UTC"
    host = urlsplit(web.url).hostname or ""
    if chain.ends <= at:
        yield Finding("certificate", "failed", f"{chain.path.name} has ended on {until}: browsers refuse it", RENEW)
    elif chain.begins > at:
        begins = f"{chain.begins:%Y-%m-%d %H:%M} UTC"
        yield Finding(
            "certificate", "failed", f"{chain.path.name} is valid from {begins} only", "set this machine's clock"
        )
    elif chain.ends - at < RENEWAL:
        yield Finding("certificate", "warning", f"{chain.path.name} ends on {until}", RENEW)
    if web.url.startswith("http:"):
        text = f"web.url is {web.url}, and the listener speaks https: links in notices will not open"
        yield Finding("certificate", "failed", text, "write https:// in web.url, unless a proxy answers there")
    elif not chain.is_for(host):
        named = ", ".join(chain.names) or "nothing"
        text = f"is for {named}, not for {host} of web.url: browsers will warn"
        yield Finding(
            "certificate", "warning", text, "get one for that name, or set web.url, unless a proxy answers there"
        )
    key = "its key fits" if web.tls.key.resolved else "its key was not looked at: it is a secret that is not here"
    named = ", ".join(chain.names) or "no name"
    yield Finding("certificate", "ok", f"for {named}; ends on {until}; {key}")
