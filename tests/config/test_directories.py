"""What members of directories become in a config: people, their mailboxes and teams, by the rule of the directory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.directories.google import GoogleDirectorySettings
from connectors.mail.graph import GraphSettings
from connectors.mail.imap import ImapSettings
from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.config.members import with_members
from inboxwatch.core.membership import KnownMember, Member
from inboxwatch.core.model import PersonId
from tests.support.staff import RULES

JOINED = datetime(2026, 5, 4, tzinfo=UTC)
IMAP = "connector: imap, host: imap.acme.test, master_user: reader"


def load(folder: Path, directories: str, rules: str = RULES) -> Config:
    path = folder / "inboxwatch.yaml"
    path.write_text(f"{rules}\ndirectories:\n  staff: {directories}\n", encoding="utf-8")
    return configuration.load(path)


def known(person: str, address: str = "", **words: str) -> KnownMember:
    email = address or f"{person}@acme.test"
    return KnownMember("staff", PersonId(person), Member(email, email, **words), JOINED)  # type: ignore[arg-type]


def test_a_member_is_a_person_who_owns_the_mailbox_that_is_read_by_the_rule(tmp_path: Path) -> None:
    directory = f"{{source: csv, path: staff.csv, manager: max, mailboxes: {{{IMAP}, password: secret-of-the-master}}}}"
    config = with_members(load(tmp_path, directory), [known("ana", name="Ana Diaz", team="emea"), known("ben")])
    box = config.mailboxes["ana"]  # type: ignore[index]
    assert (box.address, box.owner, box.connector, box.shared) == ("ana@acme.test", "ana", "imap", False)
    assert isinstance(box.settings, ImapSettings)
    assert box.settings.master_user == "reader"
    assert config.people[PersonId("ana")].name == "Ana Diaz"
    assert config.people[PersonId("ana")].manager == "max"
    assert config.teams["emea"].members == ("ana",)
    assert config.us.addresses["ben@acme.test"] == "ben"


def test_a_manager_may_be_listed_after_who_is_led_by_id_or_by_address(tmp_path: Path) -> None:
    members = [known("ana", manager="cy@acme.test"), known("ben", manager="cy"), known("cy", manager="cy")]
    config = with_members(load(tmp_path, "{source: csv, path: staff.csv, manager: max}"), members)
    assert [config.people[PersonId(one)].manager for one in ("ana", "ben", "cy")] == ["cy", "cy", "max"]
    assert config.mailboxes == {}, "without `mailboxes` they are people only"


def test_each_has_their_own_settings_and_secrets_where_the_rule_says_so(tmp_path: Path) -> None:
    for name in ("ana", "ben"):
        (tmp_path / name).write_text(f"password of {name}", encoding="utf-8")
    rule = '{connector: imap, host: "imap.{domain}", username: "{user}", password_file: "{id}"}'
    written = load(tmp_path, f"{{source: csv, path: staff.csv, mailboxes: {rule}}}")
    config = with_members(written, [known("ana"), known("ben"), known("cy")])
    found = {name: box.settings for name, box in config.mailboxes.items()}
    assert {name: (one.host, one.username, one.password.reveal()) for name, one in found.items()} == {  # type: ignore[attr-defined]
        name: ("imap.acme.test", name, f"password of {name}") for name in ("ana", "ben")
    }
    ((who, why),) = config.unusable_members
    assert who.person == "cy"
    assert "No such file" in why


@pytest.mark.parametrize("address", ["../../etc@acme.test", "a/b@acme.test", ".@acme.test", "a b@acme.test"])
def test_an_address_that_would_lead_elsewhere_is_put_into_no_path(tmp_path: Path, address: str) -> None:
    written = load(tmp_path, '{source: csv, path: staff.csv, mailboxes: {connector: maildir, path: "mail/{user}"}}')
    config = with_members(written, [known("x", address)])
    assert config.mailboxes == {}
    assert len(config.unusable_members) == 1


def test_a_secret_that_all_share_is_asked_for_once(tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    (tmp_path / "secret.sh").write_text(f"echo x >> {tally}\necho secret-of-the-master\n", encoding="utf-8")
    rule = f'{{{IMAP}, username: "{{user}}", password_command: "sh {tmp_path}/secret.sh"}}'
    written = load(tmp_path, f"{{source: csv, path: staff.csv, mailboxes: {rule}}}")
    config = with_members(written, [known(f"p{number}") for number in range(20)])
    assert len(config.mailboxes) == 20
    assert tally.read_text(encoding="utf-8") == "x\n"


def test_what_the_config_names_itself_stands_above_the_list(tmp_path: Path) -> None:
    rules = RULES.replace("people:", "people:\n  ana: {name: Ana, email: a.diaz@acme.test, aliases: [ana@acme.test]}")
    rules += "teams: {emea: {members: [max]}}\nmailboxes:\n"
    rules += "  info: {connector: maildir, path: info, address: info@acme.test, team: emea}\n"
    rules += "  ana: {connector: maildir, path: ana, address: a.diaz@acme.test, owner: ana}\n"
    written = load(tmp_path, f"{{source: csv, path: staff.csv, mailboxes: {{{IMAP}, password: secret-of-all}}}}", rules)
    listed = [
        known("info"),
        known("ana"),
        known("ad", "a.diaz@acme.test", team="emea"),
        known("max", "other@acme.test"),
    ]
    config = with_members(written, listed)
    assert config.people.keys() == written.people.keys(), "the person is the one of the config"
    assert {name: box.connector for name, box in config.mailboxes.items()} == {
        "info": "maildir", "ana": "maildir", "staff.ana": "imap",
    }  # fmt: skip
    assert config.mailboxes["staff.ana"].owner == "ana"  # type: ignore[index]
    assert config.teams["emea"].members == ("max", "ana")
    assert [one.person for one, _ in config.unusable_members] == ["info", "max"]


def test_a_group_logs_in_as_the_mailboxes_do_unless_it_says_otherwise(tmp_path: Path) -> None:
    mailboxes = "mailboxes: {connector: graph, tenant: acme.test, client_id: reader, client_secret: secret-of-reader}"
    same = load(tmp_path, f"{{source: graph, group: sales@acme.test, {mailboxes}}}").directories["staff"].settings
    other = (
        f"{{source: graph, group: sales@acme.test, client_id: lister, client_secret: secret-of-lister, {mailboxes}}}"
    )
    apart = load(tmp_path, other).directories["staff"].settings
    assert isinstance(same, GraphSettings)
    assert isinstance(apart, GraphSettings)
    assert [(one.tenant, one.client_id, one.client_secret and one.client_secret.reveal()) for one in (same, apart)] == [
        ("acme.test", "reader", "secret-of-reader"),
        ("acme.test", "lister", "secret-of-lister"),
    ]


@pytest.mark.parametrize(
    ("directory", "problem"),
    [
        ("{source: csv}", "directories.staff.path: is required"),
        ("{source: ldap, path: x}", "staff.source: unknown connector 'ldap'; known are csv, dovecot, ews, google,"),
        ("{source: csv, path: x, mailboxes: {connector: imap}}", "directories.staff.mailboxes.host: is required"),
        ("{source: csv, path: x, mailboxes: {connector: maildir, path: y, owner: max}}", "owner: is no known key"),
        ("{source: csv, path: x, shrink_limit: 0.2}", "directories.staff.shrink_limit: 0.2 is no share"),
        ("{source: csv, path: x, manager: nobody}", "directories.staff.manager: 'nobody' is not in `people`"),
        ("{source: ews, group: x}", "directories.staff.group: 'x' is no e-mail address"),
        ("{source: ews, group: x@acme.test, auth: kerberos}", "give `url` and a login, here or in `mailboxes`"),
        ("{source: google, group: x}", "directories.staff.admin: is required"),
        ("{source: google, group: x, admin: a@acme.test}", "give `service_account`, here or in `mailboxes`"),
        ("{source: graph, group: x, client_secret: y-secret}", "give `tenant` and `client_id`, here or in `mailboxes`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_directory_is_told_with_its_path(tmp_path: Path, directory: str, problem: str) -> None:
    with pytest.raises(configuration.ConfigError, match="directories") as refused:
        load(tmp_path, directory)
    assert any(problem in str(one) for one in refused.value.problems), refused.value


def test_a_google_directory_takes_the_key_of_its_mailboxes(tmp_path: Path) -> None:
    key = "service_account: secret-key-of-ours, token_url: 'https://t.acme.test/token'"
    mailboxes = f"{{connector: gmail, {key}, scope: readonly}}"
    config = load(tmp_path, f"{{source: google, unit: /Sales, admin: a@acme.test, mailboxes: {mailboxes}}}")
    settings = config.directories["staff"].settings
    assert isinstance(settings, GoogleDirectorySettings)
    assert (settings.admin, settings.token_url) == ("a@acme.test", "https://t.acme.test/token")
    assert settings.service_account is not None
    assert settings.service_account.reveal() == "secret-key-of-ours"


def test_members_of_a_directory_that_the_config_does_not_name_are_nobody(tmp_path: Path) -> None:
    written = load(tmp_path, "{source: csv, path: staff.csv}")
    assert with_members(written, [replace(known("ana"), directory="other")]).people.keys() == {"max"}


def test_the_secrets_of_a_directory_and_of_its_mailboxes_are_not_in_what_is_noted_of_a_config(tmp_path: Path) -> None:
    mailboxes = f"{{{IMAP}, password: secret-of-the-master}}"
    written = load(tmp_path, f"{{source: csv, path: staff.csv, mailboxes: {mailboxes}}}")
    noted = written.outline["directories"]["staff"]
    assert noted["mailboxes.master_user"] == "reader"
    assert "secret-of-the-master" not in str(written.outline)
