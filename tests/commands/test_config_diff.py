"""`config diff`: what a reload would change against the config in force, which waits it moves, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inboxwatch import config
from inboxwatch.config.changes import compared
from tests.support.installation import SECRET, Installation, command
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail

EVERY_FORM = """\
people: {ana: {name: Ana Diaz, email: ana@acme.test}}
mailboxes:
  ana: {connector: imap, address: ana@acme.test, owner: ana, host: imap.acme.test, password: hunter-of-imap}
  ben:
    connector: imap
    address: ben@acme.test
    owner: ana
    host: imap.acme.test
    auth: xoauth2
    oauth: {provider: google, client_id: us, client_secret: hunter-of-oauth, refresh_token_file: token}
routing: {fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered]
channels:
  desk: {type: webhook, url: "https://hooks.acme.test/hunter-of-hook", secret_env: HOOK}
  mail: {type: email, host: smtp.acme.test, sender: iw@acme.test, username: iw, password_command: show hunter-of-mail}
store: {url: "postgresql://iw:hunter-of-store@db.acme.test/iw"}
web: {token: hunter-of-the-web, url: "https://iw.acme.test"}
"""


def diff(home: Installation, *words: str) -> dict[str, Any]:
    done = home.command("config", "diff", *words, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_who_leaves_who_comes_what_changes_and_whose_waits_move_is_said_before_a_reload(tmp_path: Path) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    desk = {"desk": {"type": "webhook", "url": "http://127.0.0.1:9", "secret": SECRET}}
    home = Installation(tmp_path, mail.mailboxes(), channels=desk, target="1h")
    before = home.command("config", "diff")
    assert (before.returncode, "does not exist" in before.stderr or "nothing to compare" in before.stderr) == (1, True)
    with home.daemon() as daemon:
        mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test", subject="Prices"))
        (wait,) = daemon.wait(daemon.clocks, "a wait")
        assert diff(home) == {"changes": [], "departures": [], "waits_under_earlier_policies": 0}
        text = home.path.read_text(encoding="utf-8")
        new = "\n".join(line for line in text.splitlines() if not line.startswith("  ana: {"))
        new = new.replace("[ana, ben]", "[ben]").replace("first_response: 1h", "first_response: 2h")
        boxes = {name: box for name, box in mail.mailboxes().items() if name != "ana"}
        new = new.replace(json.dumps(mail.mailboxes()), json.dumps(boxes)).replace(SECRET, "another-secret-of-the-hook")
        new = new.replace("  max: {", "  lena: {name: Lena, email: lena@acme.test}\n  max: {")
        (planned := tmp_path / "planned.yaml").write_text(new, encoding="utf-8")
        found = diff(home, str(planned))
        short = {(one["section"], one["name"], one["change"], one["key"]) for one in found["changes"]}
        assert short == {
            ("people", "ana", "removed", ""),
            ("people", "lena", "added", ""),
            ("teams", "emea", "changed", "members"),
            ("mailboxes", "ana", "removed", ""),
            ("sla_policies", "default", "changed", "first_response"),
        }
        person, box = found["departures"]
        assert (person["kind"], person["name"], [one["to"] for one in person["moved"]]) == ("person", "ana", ["max"])
        assert (box["kind"], box["clocks"]) == ("mailbox", [wait["id"]])
        assert found["waits_under_earlier_policies"] == 1
        said = home.command("config", "diff", str(planned))
        assert "sla_policies default: first_response: 1h -> 2h\n" in said.stdout
        assert f"{wait['id']} goes to max" in said.stdout
        assert "values of secrets are not compared" in said.stderr
        assert daemon.clocks()[0]["owner"] == "ana", "to look is not to move"
        home.path.write_text(new, encoding="utf-8")
        assert home.command("reload").returncode == 0
        assert diff(home)["changes"] == [], "the daemon has taken it over"
    assert diff(home)["changes"] == [], "a daemon that is down has not changed it"
    for kept in tmp_path.glob("inboxwatch.db*"):
        assert SECRET.encode() not in kept.read_bytes()


def test_no_secret_is_in_what_is_kept_of_a_config_whatever_form_it_was_given_in(tmp_path: Path) -> None:
    (path := tmp_path / "inboxwatch.yaml").write_text(EVERY_FORM, encoding="utf-8")
    outline = config.load(path, secrets=False).outline
    assert "hunter" not in json.dumps(outline)
    assert outline["mailboxes"]["ben"]["oauth.refresh_token_file"] == "(secret)", "it may be no place, by mistake"
    assert outline["channels"]["desk"]["secret_env"] == "(secret)"
    assert outline["mailboxes"]["ana"]["password"] == "(secret)"


def test_the_order_of_policies_is_compared_too_and_an_entry_that_only_moves_is_none(tmp_path: Path) -> None:
    hot = "{name: hot, first_response: 1h, next_response: 1h, escalation: standard, when: {tier: hot}}"
    one, two = (
        EVERY_FORM.replace("sla_policies: [", f"sla_policies: [{first}").replace(
            "stop_conditions", f"{more}stop_conditions"
        )
        for first, more in ((f"{hot}, ", ""), (f"{hot.replace('hot', 'warm')}, {hot}, ", "# said\n"))
    )
    outlines = []
    for text in (one, two):
        (path := tmp_path / "inboxwatch.yaml").write_text(text, encoding="utf-8")
        outlines.append(config.load(path, secrets=False).outline)
    assert [str(change) for change in compared(*outlines)] == [
        'sla_policies: order: ["hot", "default"] -> ["warm", "hot", "default"]',
        "sla_policies warm: added",
    ]


def test_a_new_config_that_cannot_be_used_is_refused_with_its_problems(tmp_path: Path) -> None:
    (path := tmp_path / "inboxwatch.yaml").write_text(EVERY_FORM, encoding="utf-8")
    (new := tmp_path / "new.yaml").write_text(EVERY_FORM.replace("fallback: ana", "fallback: an"), encoding="utf-8")
    done = command("config", "diff", "-c", str(path), str(new))
    assert (done.returncode, "routing.fallback" in done.stderr) == (2, True)
