"""The config: what the contract shows loads, and everything that cannot work is refused, all at once, with its path."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxwatch import config
from inboxwatch.config.policies import restore
from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.routing import ToLeadOwner, ToMailboxOwner, ToPerson, ToTeam
from inboxwatch.core.sla.hours import ALWAYS
from inboxwatch.core.sla.policy import Reassign

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad_configs").glob("*.yaml"))
SHIPPED = HERE.parents[1] / "config"
CONTRACT = (HERE / "contract.yaml").read_text()
"""The example of the contract, word by word."""
MINIMAL = """
people:
  ana: {name: Ana Diaz, email: ana@acme.test}
routing: {fallback: ana}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered]
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(text: str) -> Path:
        path = tmp_path / "inboxwatch.yaml"
        path.write_text(text)
        return path

    return written


def problems(path: Path, **options: bool) -> list[str]:
    with pytest.raises(config.ConfigError) as refused:
        config.load(path, **options)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_config_is_refused_with_exactly_the_problems_at_its_top(path: Path, monkeypatch: Any) -> None:
    """Lines of `#!` are the problems; `...` at their end leaves the rest of the message to others."""
    monkeypatch.delenv("INBOXWATCH_TEST_UNSET", raising=False)
    expected = [line.removeprefix("#! ") for line in path.read_text().splitlines() if line.startswith("#! ")]
    told = [problem.replace(str(path), "FILE") for problem in problems(path)]
    assert [
        want if want.endswith("...") and have.startswith(want.removesuffix("...")) else have
        for want, have in zip(expected, told, strict=True)
    ] == expected


def test_ten_mistakes_yield_ten_problems_with_their_paths(write: Any) -> None:
    text = CONTRACT
    for right, wrong in (
        ("timezone: Europe/London", "timezone: Europe/Lodnon"),
        ("calendar: office, manager: max", "calendar: ofice, manager: max"),
        ("lead: max", "lead: mx"),
        ("port: 1143", "port: 99999"),
        ("look_back: 30d", "look_bcak: 30d"),
        ("privacy: headers", "privacy: header"),
        ("fallback: max  ", "fallback: sales@acme.test"),
        ("first_response: 15bm", "first_response: 15"),
        ("at: 50%", "at: half"),
        ("type: webhook", "type: webhok"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    told = problems(write(text), secrets=False)
    assert [problem.partition(":")[0] for problem in told] == [
        "calendars.office.timezone",
        "people.ana.calendar",
        "teams.emea.lead",
        "mailboxes.ana.port",
        "history.look_bcak",
        "privacy",
        "routing.fallback",
        "sla_policies[0].first_response",
        "escalation_policies.standard.steps[0].at",
        "channels.desk.type",
    ]


def test_the_contracts_example_loads_as_it_stands(write: Any, monkeypatch: Any) -> None:
    for variable in ("ANA_PASSWORD", "HOOK_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.setenv(variable, f"xoxb-{variable}")
    path = write(CONTRACT)
    loaded = config.load(path)

    ana, max_ = (loaded.people[id_] for id_ in loaded.people)
    assert (ana.name, ana.email, ana.aliases, ana.manager, ana.slack_id) == (
        "Ana Diaz",
        "ana@acme.test",
        ("a.diaz@acme.test",),
        "max",
        "U012AB3CD",
    )
    assert (ana.skills, ana.languages) == (frozenset({"enterprise"}), ("en", "es"))
    assert ana.calendar is loaded.calendars["office"]
    assert max_.leave == ((date(2026, 8, 3), date(2026, 8, 14)),)
    assert (loaded.teams["emea"].members, loaded.teams["emea"].lead) == (("ana",), "max")

    assert loaded.us.is_ours("anybody@acme.test")
    assert loaded.us.person("a.diaz@acme.test") == "ana"
    assert loaded.us.person("sales@acme.test") is None

    own, shared = loaded.mailboxes.values()
    assert (own.connector, own.owner, own.team, own.shared, own.poll_every) == (
        "imap",
        "ana",
        None,
        False,
        timedelta(minutes=1),
    )
    assert own.settings.password.reveal() == "xoxb-ANA_PASSWORD"  # type: ignore[attr-defined]  # the connector's own
    assert (shared.connector, shared.owner, shared.team, shared.shared) == ("maildir", None, "emea", True)
    assert loaded.leads["known"].settings.path == path.parent / "leads.csv"  # type: ignore[attr-defined]  # the same

    assert (loaded.look_back, loaded.unknown_senders, loaded.privacy) == (timedelta(days=30), "shared", "headers")
    assert [rule.assign for rule in loaded.rules] == [
        ToLeadOwner(),
        ToTeam("emea", frozenset({"enterprise"}), "load"),
        ToMailboxOwner(),
    ]
    assert loaded.rules[1].when == {"mailbox": frozenset({"sales"}), "language": frozenset({"es"})}
    assert loaded.fallback == "max"

    hot, default = loaded.policies
    assert (hot.name, hot.when, str(hot.first_response), str(hot.next_response), str(hot.follow_up)) == (
        "hot",
        {"tier": frozenset({"hot"})},
        "15bm",
        "30bm",
        "16bh",
    )
    assert (default.name, default.when, default.follow_up) == ("default", {}, None)
    assert hot.calendar == loaded.calendars["office"]
    assert hot.escalation == default.escalation == loaded.escalations["standard"]
    ladder = hot.escalation
    assert [(str(step.at), step.notify, step.reassign) for step in ladder.steps] == [
        ("50%", ("owner",), None),
        ("100%", ("owner", "manager", "slack:#sales-escalations"), None),
        ("100% + 30bm", ("manager", "desk"), Reassign.FALLBACK),
    ]
    assert ladder.repeat is not None
    assert (str(ladder.repeat.every), ladder.repeat.times) == ("1bh", 3)
    assert (str(ladder.acknowledge_for), ladder.in_hours_only, str(ladder.blind_grace)) == ("30m", True, "15m")

    assert loaded.stop_conditions == {
        "answered",
        "dismissed",
        "meeting_accepted",
        "opted_out",
        "lead_closed",
        "activity",
        "max_rounds",
    }
    assert {name: channel.type for name, channel in loaded.channels.items()} == {
        "desk": "webhook",
        "slack": "slack",
        "mail": "email",
    }
    assert (loaded.notify_by, loaded.it_alerts) == (("slack", "mail"), ("mail:it@acme.test",))
    assert loaded.store_url.reveal() == f"sqlite:///{path.parent}/inboxwatch.db"
    assert (str(loaded.web.listen), loaded.web.url) == ("127.0.0.1:9842", "http://127.0.0.1:9842")


def test_admins_digests_and_rates_are_read_and_have_sane_defaults(write: Any) -> None:
    plain = config.load(write(MINIMAL))
    assert (plain.admins, plain.daily_digests) == (frozenset(), True)
    channels = "channels: {desk: {type: console, rate: 30/m}, all: {type: console}}"
    told = config.load(write(f"{MINIMAL}admins: [ana]\ndigests: {{daily: false}}\n{channels}\n"))
    assert (told.admins, told.daily_digests) == (frozenset({PersonId("ana")}), False)
    rates = {name: channel.settings.rate for name, channel in told.channels.items()}  # type: ignore[attr-defined]  # Paced
    assert (rates["desk"].apart, rates["all"]) == (2.0, None)


def test_the_offices_of_the_example_close_as_it_says(write: Any) -> None:
    office = config.load(write(CONTRACT), secrets=False).calendars["office"]
    told = [
        (f"{one.day:%d %b}", f"{one.end - one.start}" if one.open else one.reason)
        for one in office.spans(datetime(2026, 12, 23, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))
    ]
    assert told == [
        ("23 Dec", "4:00:00"),
        ("23 Dec", "4:30:00"),
        ("24 Dec", "closed"),
        ("25 Dec", "Christmas Day"),
        ("26 Dec", "Boxing Day"),
        ("27 Dec", "no hours on Sunday"),
        ("28 Dec", "Boxing Day (observed)"),
        ("29 Dec", "4:00:00"),
        ("29 Dec", "4:30:00"),
        ("30 Dec", "4:00:00"),
        ("30 Dec", "4:30:00"),
        ("31 Dec", "3:30:00"),
        ("01 Jan", "New Year's Day"),
    ]


def test_holidays_are_known_in_any_year(write: Any) -> None:
    """The years are worked out when asked for: a back-test may go back far, and a daemon run for long."""
    text = (
        MINIMAL
        + "calendars: {x: {timezone: Europe/Berlin, hours: {mon-sun: ['00:00-24:00']}, holidays: {country: de}}}"
    )
    holidays = config.load(write(text)).calendars["x"].holidays
    assert {year: holidays(date(year, 10, 3)) for year in (1989, 1995, 2026, 2050)} == {
        1989: None,
        1995: "German Unity Day",
        2026: "German Unity Day",
        2050: "German Unity Day",
    }


def test_a_config_says_only_what_must_be_said(write: Any) -> None:
    loaded = config.load(write(MINIMAL))
    assert list(loaded.channels) == list(loaded.notify_by) == ["console"]
    assert loaded.it_alerts == ("fallback",)
    assert (loaded.look_back, loaded.unknown_senders, loaded.privacy) == (timedelta(days=30), "shared", "headers")
    assert loaded.policies[0].calendar is ALWAYS
    ladder = loaded.escalations["standard"]
    assert (str(ladder.acknowledge_for), ladder.in_hours_only, str(ladder.blind_grace), ladder.repeat) == (
        "30m",
        True,
        "15m",
        None,
    )
    assert (str(loaded.web.listen), loaded.web.url, loaded.web.token) == (
        "127.0.0.1:9842",
        "http://127.0.0.1:9842",
        None,
    )


def test_people_are_reached_by_every_channel_where_no_order_is_given(write: Any) -> None:
    text = MINIMAL + 'channels: {desk: {type: webhook, url: "http://127.0.0.1/"}, screen: {type: console}}\n'
    assert config.load(write(text)).notify_by == ("desk", "screen")


def test_every_form_of_assignment_and_reassignment_is_read(write: Any) -> None:
    rules = "[{assign: ana, when: {tier: [Hot, 1]}}, {assign: {team: emea}}]"
    steps = "[{at: 0%, notify: [ana], reassign: next}, {at: 1%, notify: [team_lead], reassign: ana}]"
    text = MINIMAL.replace("{fallback:", f"{{rules: {rules}, fallback:").replace("[{at: 100%, notify: [owner]}]", steps)
    loaded = config.load(write(text + "teams: {emea: {members: [ana]}}\n"))
    assert [rule.assign for rule in loaded.rules] == [ToPerson(loaded.fallback), ToTeam("emea")]
    assert loaded.rules[0].when == {"tier": frozenset({"hot", "1"})}
    assert [step.reassign for step in loaded.escalations["standard"].steps] == [Reassign.NEXT, "ana"]


def test_secrets_print_as_placeholders(write: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOOK_SECRET", "hunter-env")
    (tmp_path / "token").write_text("hunter-file-of-the-token\n")
    loaded = config.load(
        write(
            MINIMAL
            + 'channels: {desk: {type: webhook, url: "http://127.0.0.1/hunter-url", secret_env: HOOK_SECRET}}\n'
            + 'web: {listen: "0.0.0.0:9842", token_file: token}\n'
            + 'store: {url: "postgresql+psycopg://inboxwatch:hunter-store@127.0.0.1/inboxwatch"}\n'
        )
    )
    assert loaded.web.token is not None
    assert loaded.web.token.reveal() == "hunter-file-of-the-token"
    assert "hunter" not in f"{loaded!r} {loaded}"


def test_no_problem_quotes_a_secret(write: Any) -> None:
    text = MINIMAL + 'store: {url: "mysql://hunter"}\nweb: {token: [hunter], token_env: hunter2}\n'
    told = problems(write(text))
    assert len(told) == 2
    assert "hunter" not in " ".join(told).replace("token_env", "")


def test_offline_a_secret_that_cannot_be_had_is_left_open(write: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    text = MINIMAL + 'channels: {desk: {type: webhook, url: "http://127.0.0.1/", secret_env: HOOK_SECRET}}\n'
    assert problems(write(text)) == [
        "channels.desk.secret_env: the environment variable that it names is not set; the name of a variable belongs "
        "here, never the secret itself (line 8)"
    ]
    secret = config.load(write(text), secrets=False).channels["desk"].settings.secret  # type: ignore[attr-defined]  # the channel's own
    assert not secret.resolved
    with pytest.raises(RuntimeError, match="the environment variable was not resolved"):
        secret.reveal()


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ("sqlite:///state/x.db", "sqlite:///{folder}/state/x.db"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg://db/inboxwatch", "postgresql+psycopg://db/inboxwatch"),
    ],
)
def test_a_relative_store_lies_beside_the_config(write: Any, given: str, resolved: str) -> None:
    path = write(f'{MINIMAL}store: {{url: "{given}"}}\n')
    assert config.load(path).store_url.reveal() == resolved.format(folder=path.parent)


def test_the_version_of_a_policy_is_that_of_its_calendar_and_ladder_too(write: Any) -> None:
    """Rule 21: what would move an instant makes another version, and nothing else does."""

    def versions(text: str) -> list[str]:
        return [policy.version for policy in config.load(write(text), secrets=False).policies]

    first = versions(CONTRACT)
    assert len(set(first)) == 2
    assert versions(re.sub(r" +#.*", "", CONTRACT).replace("Ana Diaz", "Ana D.")) == first
    for moved in (
        CONTRACT.replace("13:30-18:00", "13:30-17:00"),
        CONTRACT.replace("at: 50%", "at: 60%"),
        CONTRACT.replace("subdivision: ENG", "subdivision: SCT"),
    ):
        assert not set(versions(moved)) & set(first)
    assert versions(CONTRACT.replace("15bm", "20bm"))[1] == first[1]


def test_a_policy_is_restored_from_its_document_though_its_people_have_left(write: Any) -> None:
    old = config.load(write(CONTRACT), secrets=False).policies
    assert tuple(restore(policy.document) for policy in old) == old


@pytest.mark.parametrize("name", ["inboxwatch.yaml", "minimal.yaml"])
def test_the_configs_we_ship_load(name: str) -> None:
    assert config.load(SHIPPED / name, secrets=False).policies


def test_the_reference_config_is_what_the_command_prints() -> None:
    assert (SHIPPED / "inboxwatch.yaml").read_text() == config.example()


def test_the_leads_we_ship_belong_to_the_reference_config() -> None:
    people = config.load(SHIPPED / "inboxwatch.yaml", secrets=False).people
    rows = list(csv.DictReader((SHIPPED / "leads.csv").open(newline="")))
    assert list(rows[0]) == ["email", "name", "company", "domain", "owner", "tier", "status"]
    assert {row["owner"] for row in rows} <= {*people, ""}


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert problems(missing) == [f"{missing}: cannot be read: No such file or directory"]
    (latin := tmp_path / "latin.yaml").write_bytes("people: {josé: }".encode("latin-1"))
    assert problems(latin) == [f"{latin}: is not UTF-8 (byte 12)"]


def test_the_schema_knows_every_key_of_the_reference_and_of_the_contract(write: Any) -> None:
    schema = config.schema()
    assert schema["$schema"].endswith("2020-12/schema")
    for path in (SHIPPED / "inboxwatch.yaml", SHIPPED / "minimal.yaml", HERE / "contract.yaml"):
        assert list(_unknown(config.document.read(path).data, schema, schema)) == []
    assert list(_unknown({"mailboxes": {"x": {"connector": "imap", "hots": "x"}}}, schema, schema)) == ["hots"]
    assert list(_unknown({"web": {"token_fil": "x"}}, schema, schema)) == ["token_fil"]


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, key)
        yield from _places(below, (*place, key))


EXAMPLE = config.document.read(HERE / "contract.yaml").data
words = st.sampled_from(
    ["", "ana", "max", "owner", "office", "sales", ":", "mail:", "30m", "4bh", "100%", "2026-02-30"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words | st.text(max_size=5)
junk = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(_places(EXAMPLE))), junk)
def test_whatever_stands_at_a_key_is_read_or_refused_and_never_crashes(
    write: Any, place: tuple[Any, ...], value: Any
) -> None:
    data = json.loads(json.dumps(EXAMPLE))
    *above, last = place
    reduce(lambda at, key: at[key], above, data)[last] = value
    with contextlib.suppress(config.ConfigError):
        config.load(write(json.dumps(data)), secrets=False)


def _unknown(value: Any, node: dict[str, Any], root: dict[str, Any]) -> Any:
    """The keys of a value that no branch of a schema allows."""
    nodes = list(_branches(node, root))
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, {"anyOf": [one["items"] for one in nodes if "items" in one]}, root)
    if not isinstance(value, dict):
        return
    kinds = [one for one in nodes if _kind(one, value)] or nodes
    for key, below in value.items():
        named = [one["properties"][key] for one in kinds if key in one.get("properties", {})]
        free = [one["additionalProperties"] for one in kinds if isinstance(one.get("additionalProperties"), dict)]
        if named or free:
            yield from _unknown(below, {"anyOf": named or free}, root)
        else:
            yield key


def _branches(node: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in node:
        yield from _branches(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _branches(branch, root)
    yield node


def _kind(node: dict[str, Any], value: dict[str, Any]) -> bool:
    constants = {key: one["const"] for key, one in node.get("properties", {}).items() if "const" in one}
    return bool(constants) and all(value.get(key, constant) == constant for key, constant in constants.items())
