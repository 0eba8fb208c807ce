"""The port: every channel type of the contract loads by name, and a missing package is named."""

from __future__ import annotations

import sys

import pytest

from inboxwatch.notify import ChannelError, load, types
from tests.support.notices import ANA

CONTRACT = {"console", "webhook", "email", "slack", "apprise", "alertmanager"}


def test_every_type_of_the_contract_is_there_and_an_unknown_one_is_told_what_exists() -> None:
    assert set(types()) == CONTRACT
    for kind in CONTRACT:
        assert load(kind).settings.model_json_schema()["additionalProperties"] is False
    with pytest.raises(LookupError, match=r"unknown channel type 'fax'; known are alertmanager, apprise"):
        load("fax")


@pytest.mark.parametrize(("kind", "package"), [("slack", "slack_sdk.errors"), ("apprise", "apprise")])
def test_a_missing_package_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch, kind: str, package: str) -> None:
    for module in [name for name in sys.modules if name.startswith(f"inboxwatch.notify.{kind}")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LookupError, match=rf"pip install --require-hashes -r \S+/{kind}\.txt"):
        load(kind)


def test_an_error_says_whether_and_when_to_try_again() -> None:
    error = ChannelError("busy", retry_after=3)
    assert (str(error), error.permanent, error.retry_after) == ("busy", False, 3)
    assert ANA.zone.key == "Europe/London"
