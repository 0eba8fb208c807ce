"""From the settings of an Exchange login to an account: whose turns it shares, and where its tokens come from."""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

from connectors.mail.entra import Application, Entra, entra
from connectors.mail.ews.account import Access, EwsAccount, EwsLogin
from connectors.mail.ews.settings import EwsLoginSettings
from connectors.mail.quota_turns import MailboxTurns, turns

_TOKEN_LIMIT = 30.0
"""Seconds for an answer of Entra."""


def account_of(settings: EwsLoginSettings, access: Access, address: str) -> EwsAccount:
    """An account for one mailbox, or for what is asked of the server itself; no IO."""
    login = EwsLogin(
        settings.url,
        settings.auth,
        settings.username,
        settings.password,
        access,
        settings.version,
        settings.connections,
        settings.ca_file,
    )
    whose = (settings.url, settings.username, settings.client_id)
    its_turns = MailboxTurns(settings.retry_for, lambda: turns(whose, settings.connections))
    tokens = functools.cache(lambda: _tokens(settings)) if settings.auth == "oauth" else None
    return EwsAccount(login, address, its_turns, tokens)


def _tokens(settings: EwsLoginSettings) -> Entra:
    return entra(
        Application(
            settings.login_url,
            settings.tenant,
            settings.client_id,
            settings.client_secret,
            settings.certificate,
            f"https://{urlsplit(settings.url).netloc}/.default",
            settings.ca_file,
            _TOKEN_LIMIT,
        )
    )
