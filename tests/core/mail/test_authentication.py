"""Who really sent a message, by what our own servers wrote on it, and by nothing that the sender could write."""

from __future__ import annotations

import pytest

from inboxwatch.core.mail.authentication import sent_by
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.proof import Standing
from tests.support.messages import ours

US = Us(frozenset({"acme.test"}))
NAMED = Us(frozenset({"acme.test"}), {}, frozenset({"stamps.gateway.test"}))
DAY = "Mon, 02 Mar 2026 09:00:00 +0000"
OUTSIDE = f"Received: from evil.test (evil.test [203.0.113.9]) by mx.acme.test with ESMTPS id 1; {DAY}"
GOOGLE = (
    f"Received: by 2002:a05:6a10:b0 with SMTP id x; {DAY}\n"
    f"Received: from mail.sender.test (mail.sender.test. [203.0.113.9]) by mx.google.com with ESMTPS id y; {DAY}"
)
MICROSOFT = (
    "Received: from AM0PR01.eurprd01.prod.outlook.com (2603:10a6:208::1) by "
    f"VI1PR01.eurprd01.prod.outlook.com with HTTPS; {DAY}"
)


def standing(*lines: str, us: Us = US) -> Standing:
    """That of a message in Ana's name under these header lines, the newest first."""
    return sent_by(ours("a1@acme.test", extra="\n".join(lines)), us)[0]


def stamp(results: str, name: str = "mx.acme.test") -> str:
    return f"Authentication-Results: {name}; {results}"


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("dmarc=fail (p=REJECT) header.from=acme.test; spf=fail smtp.mailfrom=evil.test", Standing.FAILED),
        ("spf=pass smtp.mailfrom=x@evil.test; dkim=pass header.d=evil.test; dmarc=fail", Standing.FAILED),
        ("spf=fail smtp.mailfrom=ana@acme.test; dkim=none", Standing.FAILED),
        ("dkim=fail (body hash did not verify) header.d=acme.test", Standing.FAILED),
        ("spf=softfail smtp.mailfrom=acme.test", Standing.FAILED),
        ("spf=pass smtp.mailfrom=x@evil.test; dkim=none; dmarc=none", Standing.FOREIGN),
        ("dkim=pass header.d=evil.test", Standing.FOREIGN),
        ("spf=pass smtp.mailfrom=x@notacme.test", Standing.FOREIGN),
        ("spf=pass smtp.mailfrom=x@evil.test smtp.helo=acme.test", Standing.FOREIGN),
        ("dmarc=pass header.from=evil.test", Standing.UNKNOWN),
        ("dmarc=pass header.from=acme.test", Standing.VERIFIED),
        ("dmarc=bestguesspass action=none header.from=acme.test", Standing.VERIFIED),
        ("spf=pass smtp.mailfrom=ana@acme.test", Standing.VERIFIED),
        ("spf=pass smtp.mailfrom=bounces.acme.test; dkim=fail header.d=acme.test", Standing.VERIFIED),
        ("spf=fail smtp.mailfrom=list.test; dkim=pass header.i=@mail.acme.test", Standing.VERIFIED),
        ("spf=none; dkim=none; dmarc=none", Standing.UNKNOWN),
        ("spf=temperror smtp.mailfrom=acme.test; dkim=neutral; dmarc=permerror", Standing.UNKNOWN),
        ("none", Standing.UNKNOWN),
    ],
)
def test_our_own_stamp_says_whether_the_senders_domain_sent_it(results: str, expected: Standing) -> None:
    assert standing(OUTSIDE, stamp(results)) is expected
    assert standing(stamp(results), OUTSIDE) is expected, "a server may stamp above or below its Received line"


def test_no_evidence_is_no_failure() -> None:
    assert standing() is Standing.UNKNOWN
    assert standing(OUTSIDE) is Standing.UNKNOWN


@pytest.mark.parametrize("name", ["mx.evil.test", "acme.test.evil.test", "notacme.test", "mx.google.com"])
@pytest.mark.parametrize("result", ["pass", "fail"])
def test_a_stamp_of_any_other_server_says_nothing(name: str, result: str) -> None:
    assert standing(OUTSIDE, stamp(f"dmarc={result} header.from=acme.test", name)) is Standing.UNKNOWN


def test_a_forged_stamp_in_our_servers_name_below_its_own_says_nothing() -> None:
    bad, good = stamp("dmarc=fail header.from=acme.test"), stamp("dmarc=pass header.from=acme.test")
    assert standing(OUTSIDE, bad, good) is Standing.FAILED
    assert standing(bad, OUTSIDE, f"Received: from a by b; {DAY}", good) is Standing.FAILED
    assert standing(OUTSIDE, stamp("spf=fail smtp.mailfrom=evil.test"), stamp("dmarc=pass", "x.test"), good) is (
        Standing.FAILED
    )


@pytest.mark.parametrize(
    "planted",
    [
        'smtp.mailfrom="; dmarc=pass header.from=acme.test"@evil.test',
        "(sender <(x>; dmarc=pass header.from=acme.test ) smtp.mailfrom=x@evil.test",
        "(a (b) ; dmarc=pass header.from=acme.test ) smtp.mailfrom=x@evil.test",
        "(never closed; dmarc=pass header.from=acme.test",
    ],
)
def test_results_that_a_sender_planted_in_a_quoted_string_or_a_comment_are_none(planted: str) -> None:
    assert standing(OUTSIDE, stamp(f"spf=pass {planted}")) is Standing.FOREIGN


def test_the_stamps_of_google_and_microsoft_are_known_by_the_server_that_took_the_message_in() -> None:
    passed = "dkim=pass header.i=@acme.test header.s=g; spf=pass smtp.mailfrom=ana@acme.test; dmarc=pass (p=NONE)"
    assert standing(GOOGLE, stamp(passed, "mx.google.com")) is Standing.VERIFIED
    assert standing(GOOGLE, stamp("dmarc=fail header.from=acme.test", "mx.google.com")) is Standing.FAILED
    failed = (
        "spf=fail (sender IP is 203.0.113.9) smtp.mailfrom=acme.test; dkim=none header.d=none;dmarc=fail action=none"
    )
    assert standing(MICROSOFT, f"Authentication-Results: {failed}") is Standing.FAILED
    assert standing(MICROSOFT, f"Authentication-Results: {failed.replace('fail', 'pass')}") is Standing.VERIFIED
    assert standing(OUTSIDE, f"Authentication-Results: {failed}") is Standing.UNKNOWN, "no Microsoft server took it in"


def test_mail_inside_exchange_needs_no_stamp_and_its_mark_counts_from_exchange_alone() -> None:
    internal = "X-MS-Exchange-Organization-AuthAs: Internal"
    assert standing(MICROSOFT, internal) is Standing.VERIFIED
    onsite = (
        "Received: from EX1.acme.test (10.1.1.1) by EX2.acme.test (10.1.1.2) with Microsoft SMTP Server"
        f" (version=TLS1_2) id 15.1.2507; {DAY}"
    )
    assert standing(onsite, internal) is Standing.VERIFIED
    bad = stamp("dmarc=fail header.from=acme.test")
    assert standing(OUTSIDE, internal, bad) is Standing.FAILED, "whoever sends to another server can write it"


def test_what_one_of_us_sent_by_login_is_ours_whatever_else_was_found() -> None:
    login = (
        f"Received: from [10.0.0.2] (dsl.isp.test [203.0.113.5]) by mail.acme.test (Postfix) with ESMTPSA id 1; {DAY}"
    )
    assert standing(login) is Standing.VERIFIED
    assert standing(login, stamp("spf=fail smtp.mailfrom=acme.test; dkim=none")) is Standing.VERIFIED
    behind = f"Received: from mail.acme.test (localhost [127.0.0.1]) by mail.acme.test with LMTP id 2; {DAY}"
    assert standing(behind, login) is Standing.VERIFIED
    assert standing(OUTSIDE, login) is Standing.UNKNOWN, "below a hop from outside anybody may have written it"
    theirs = login.replace("mail.acme.test", "smtp.mass-host.test")
    assert standing(theirs) is Standing.UNKNOWN, "a login at a provider is that of any of its customers"


def test_mail_whose_way_begins_at_a_server_of_ours_is_ours() -> None:
    relay = f"Received: from x (smtp.acme.test [198.51.100.7]) by mx.acme.test with ESMTPS id 1; {DAY}"
    assert standing(relay) is Standing.VERIFIED
    assert standing(f"Received: from printer ([192.168.1.9]) by mx.acme.test with ESMTP id 1; {DAY}") is (
        Standing.VERIFIED
    )
    gateway = f"Received: from gw ([192.168.1.2]) by mx.acme.test with ESMTP id 1; {DAY}"
    assert standing(gateway, OUTSIDE) is Standing.UNKNOWN
    assert standing(gateway, OUTSIDE, stamp("dmarc=fail header.from=acme.test")) is Standing.FAILED


@pytest.mark.parametrize(
    "helo", ["smtp.acme.test", "([10.0.0.1])", "[10.0.0.1]", "by", "(smtp.acme.test", "localhost", "with", "for"]
)
def test_what_a_stranger_calls_itself_never_makes_it_a_server_of_ours(helo: str) -> None:
    hop = f"Received: from {helo} (evil.test [203.0.113.9]) by mx.acme.test with ESMTP id 1 for <ana@acme.test>; {DAY}"
    assert standing(hop) is Standing.UNKNOWN
    named = Us(frozenset({"acme.test"}), {}, frozenset({"mx.acme.test"}))
    assert standing(hop, us=named) is Standing.FOREIGN


def test_a_name_that_a_server_could_not_prove_is_none() -> None:
    hop = f"Received: from x (smtp.acme.test [203.0.113.9] (may be forged)) by mx.acme.test with ESMTP; {DAY}"
    assert standing(hop) is Standing.UNKNOWN


def test_where_the_config_names_the_stamp_mail_from_outside_must_bear_it() -> None:
    assert standing(OUTSIDE, us=NAMED) is Standing.FOREIGN
    good = stamp("dmarc=pass header.from=acme.test", "stamps.gateway.test")
    assert standing(OUTSIDE, good, us=NAMED) is Standing.VERIFIED
    assert standing(OUTSIDE, stamp("dmarc=pass header.from=acme.test"), us=NAMED) is Standing.FOREIGN
    assert standing(us=NAMED) is Standing.UNKNOWN, "a copy without any server's line did not come from outside"
    login = f"Received: from pc ([192.168.1.9]) by mail.acme.test with ESMTPSA id 1; {DAY}"
    assert standing(login, us=NAMED) is Standing.VERIFIED


def test_hostile_headers_cost_no_more_than_others() -> None:
    for junk in ("(" * 4000, '"' * 4000, "[" * 4000, "spf=pass;" * 400, "by " * 1500, "(a [1.1.1.1]" * 300):
        assert standing(f"Received: from {junk} by mx.acme.test; {DAY}", stamp(junk)) is not Standing.FAILED
