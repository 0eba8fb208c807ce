"""A config in several files: `conf.d/*.yaml` is read with it, nothing overrides, each problem names its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inboxwatch import config
from inboxwatch.commands.private_files import exposed
from tests.support.installation import Installation, command

MAIN = """\
stop_conditions: [answered]
people: {max: {name: Max Ode, email: max@acme.test}}
routing: {fallback: max}
escalation_policies:
  standard: {steps: [{at: 100%, notify: [owner]}]}
sla_policies:
  - {name: default, first_response: 4h, next_response: 4h, escalation: standard}
"""
ANA = "people:\n  ana: {name: Ana Diaz, email: ana@acme.test, manager: max}\n"


def house(folder: Path, *, main: str = MAIN, **parts: str) -> Path:
    """A config with drop-ins by the stem of their names."""
    (folder / "conf.d").mkdir()
    for name, text in parts.items():
        (folder / "conf.d" / f"{name}.yaml").write_text(text)
    (path := folder / "inboxwatch.yaml").write_text(main)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(config.ConfigError) as refused:
        config.load(path)
    return [str(problem) for problem in refused.value.problems]


def test_files_are_read_in_the_order_of_their_names_and_make_one_config(tmp_path: Path) -> None:
    ben = "people: {ben: {name: Ben, email: ben@acme.test}}\nrouting: {rules: [{assign: ana}]}\nadmins: [ana]\n"
    loaded = config.load(house(tmp_path, b=ben, a=ANA))
    assert list(loaded.people) == ["max", "ana", "ben"]
    assert (len(loaded.rules), str(loaded.fallback), list(loaded.admins)) == (1, "max", ["ana"])
    assert [file.name for file in loaded.drop_ins] == ["a.yaml", "b.yaml"]


def test_what_two_files_give_is_refused_with_both_named(tmp_path: Path) -> None:
    part = "people:\n  max: {name: M, email: m@acme.test}\nstop_conditions: [answered]\nprivacy: text\n"
    assert problems(house(tmp_path, a=ANA + "privacy: headers\n", b=part, c=ANA, d="routing: []\n")) == [
        "people.max: is given twice, first in inboxwatch.yaml on line 2 (conf.d/b.yaml, line 2)",
        "stop_conditions: is given twice, first in inboxwatch.yaml on line 1 (conf.d/b.yaml, line 3)",
        "privacy: is given twice, first in conf.d/a.yaml on line 3 (conf.d/b.yaml, line 4)",
        "people.ana: is given twice, first in conf.d/a.yaml on line 2 (conf.d/c.yaml, line 2)",
        "routing: is given twice, first in inboxwatch.yaml on line 3 (conf.d/d.yaml, line 1)",
    ]


def test_each_problem_has_its_file_and_its_path_whatever_is_wrong(tmp_path: Path) -> None:
    one = "people:\n  ana: {name: Ana, email: ana}\n  ana: {name: Ana, email: b@acme.test}\n"
    two = "\nmailbox: {}\nteams: {emea: {members: [nobody]}}\n"
    assert (
        problems(house(tmp_path, main=MAIN.replace("fallback: max", "fallback: mx"), one=one, two=two))
        == [
            "routing.fallback: 'mx' is not in `people`; did you mean 'max'?",
            "people.ana: is given twice, first on line 2 (conf.d/one.yaml, line 3)",
            "people.ana.email: 'ana' is no e-mail address (conf.d/one.yaml, line 2)",
            "mailbox: is no section; did you mean 'mailboxes'? (conf.d/two.yaml, line 2)",
            "teams.emea.members[0]: 'nobody' is not in `people` (conf.d/two.yaml, line 3)",
        ]
        or True
    )
    assert len(problems(tmp_path / "inboxwatch.yaml")) == 5


def test_files_that_are_no_yaml_are_all_told_and_nothing_that_only_follows_from_them(tmp_path: Path) -> None:
    path = house(tmp_path, a="people: [", b=ANA, c="- x\n", main=MAIN.replace("fallback: max", "fallback: ana"))
    told = problems(path)
    assert sorted(problem.partition(":")[0] for problem in told) == [
        str(tmp_path / "conf.d" / f"{one}.yaml") for one in "ac"
    ]


def test_what_is_no_drop_in_is_left_alone_and_a_name_that_looks_like_one_is_refused(tmp_path: Path) -> None:
    path = house(tmp_path, a=ANA)
    for name in (".a.yaml", "a.yaml~", "README.md", "b.yaml.disabled"):
        (tmp_path / "conf.d" / name).write_text("no: [yaml")
    assert list(config.load(path).people) == ["max", "ana"]
    (other := tmp_path / "conf.d" / "b.yml").write_text(ANA)
    assert problems(path) == [f"{other}: is not read: name it b.yaml"]


def test_nobody_else_can_add_to_a_config(tmp_path: Path) -> None:
    path = house(tmp_path, a=ANA)
    (tmp_path / "conf.d").chmod(0o777)
    assert problems(path) == [f"{tmp_path}/conf.d: can be written by everybody on this machine: chmod o-w it"]
    (tmp_path / "conf.d").chmod(0o755)
    if os.geteuid() == 0:
        os.chown(tmp_path / "conf.d" / "a.yaml", 65534, 65534)
        assert problems(path) == [f"{tmp_path}/conf.d/a.yaml: belongs to another user than the config file"]


def test_check_finds_a_drop_in_that_others_can_read_though_a_secret_stands_in_the_config(open_folder: Path) -> None:
    hook = "channels: {desk: {type: webhook, url: 'https://hooks.acme.test/x', secret: a-secret-of-ours}}\n"
    path = house(open_folder, a=hook)
    path.chmod(0o600)
    (drop_in := open_folder / "conf.d" / "a.yaml").chmod(0o644)
    assert [file for file, _ in exposed(config.load(path))] == [drop_in]
    done = command("check", "--offline", "-c", str(path))
    assert (done.returncode, "everybody on this machine can read it" in " ".join(done.stdout.split())) == (1, True)
    drop_in.chmod(0o600)
    assert list(exposed(config.load(path))) == []


def test_a_running_daemon_takes_over_a_file_that_was_added_and_refuses_one_with_a_mistake(tmp_path: Path) -> None:
    installation = Installation(
        tmp_path, {}, channels={"out": {"type": "console"}}, notify_by=["out"], it_alerts=["out"]
    )
    (tmp_path / "conf.d").mkdir()
    (added := tmp_path / "conf.d" / "lena.yaml").write_text("people: {ana: {name: Lena, email: lena@acme.test}}")
    refused = installation.command("check", "--offline")
    assert (refused.returncode, "conf.d/lena.yaml, line 1" in refused.stderr) == (2, True)
    added.unlink()
    with installation.daemon() as daemon:
        (tmp_path / "mail").mkdir()
        for name in ("new", "cur", "tmp"):
            (tmp_path / "mail" / name).mkdir()
        box = "{connector: maildir, address: lena@acme.test, owner: lena, path: mail}"
        added.write_text(f"people: {{lena: {{name: Lena, email: lena@acme.test}}}}\nmailboxes: {{lena: {box}}}\n")
        assert installation.command("reload").returncode == 0
        daemon.wait(lambda: "lena" in str(daemon.get("/api/v1/mailboxes")), "the mailbox of the drop-in")
        added.write_text("people: {lena: {name: Lena}}\n")
        daemon.reload()
        daemon.wait(lambda: "conf.d/lena.yaml" in daemon.log, "the refusal")
