"""Whom a message belongs to: by address, thread, company and form; ambiguity is shown, not guessed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.leads import Ambiguous, Directory
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Direction, FolderRole, Kind, Lead, LeadId, PersonId
from tests.support.messages import lead, mail, ours, take

BEA = lead("bea@buyer.test", domain="buyer.test", aliases=("bea.b@old-buyer.test",))
GUS = lead("gus.grey@gmail.com")


EMAILS = ["bo@buyer.test", "bo+x@buyer.test", "cy@buyer.test", "b.o@gmail.com", "bo@gmail.com", "cy@client.test"]
LEADS = st.builds(
    Lead,
    st.sampled_from(EMAILS).map(LeadId),
    aliases=st.lists(st.sampled_from(EMAILS), max_size=2).map(tuple),
    domain=st.sampled_from(["", "buyer.test", "other.test"]),
    provisional=st.booleans(),
)


@given(st.lists(st.tuples(LEADS, st.booleans()), max_size=12), st.randoms())
def test_a_directory_changed_lead_by_lead_is_that_of_the_leads_that_remain(
    changes: list[tuple[Lead, bool]], chance: random.Random
) -> None:
    changed, remain = Directory(), dict[LeadId, Lead]()
    for one, stays in changes:
        if stays:
            changed.add(one)
            remain[one.id] = one
        else:
            changed.drop(one.id)
            remain.pop(one.id, None)
    listed = list(remain.values())
    chance.shuffle(listed)
    anew = Directory(listed)
    assert changed.leads == anew.leads
    for email in [*EMAILS, "who@other.test"]:
        assert changed.by_address(email) == anew.by_address(email)
        assert changed.by_domain(email) == anew.by_domain(email)


@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("bea@buyer.test", "bea@buyer.test"),
        ("bea+lathes@buyer.test", "bea@buyer.test"),
        ("bea.b@old-buyer.test", "bea@buyer.test"),
        ("gusgrey@gmail.com", "gus.grey@gmail.com"),
        ("g.u.s.grey+x@googlemail.com", "gus.grey@gmail.com"),
        ("b.ea@buyer.test", None),
        ("cy@buyer.test", None),
    ],
)
def test_an_address_is_known_with_tags_ignored_dots_and_aliases(email: str, found: str | None) -> None:
    known = Directory((BEA, GUS)).by_address(email)
    assert (known and known.id) == found


def test_a_company_domain_names_its_lead_and_two_leads_make_it_ambiguous() -> None:
    assert Directory((BEA,)).by_domain("cy@mail.buyer.test") == BEA
    assert Directory((BEA, lead("cy@buyer.test"))).by_domain("dan@buyer.test") == Ambiguous(
        (LeadId("bea@buyer.test"), LeadId("cy@buyer.test"))
    )


@pytest.mark.parametrize("email", ["x@gmail.com", "x@web.de", "x@qq.com", "x@orange.fr"])
def test_a_free_mail_domain_never_names_a_company(email: str) -> None:
    domain = email.partition("@")[2]
    assert Directory((lead(f"gus@{domain}", domain=domain),)).by_domain(email) is None


def test_the_maintained_list_holds_the_great_providers_and_no_company() -> None:
    assert {"gmail.com", "gmx.de", "qq.com", "hey.com"} <= free_mail()
    assert not {"buyer.test", "ibm.com", "sap.com"} & free_mail()
    assert len(free_mail()) > 5000


def test_a_private_address_in_a_leads_thread_belongs_to_the_leads_side() -> None:
    found = take(
        mail("q1", 0), mail("q2", 20, sender="bea.private@gmail.com", subject="Re: Prices", answers="q1"), leads=(BEA,)
    )
    assert [(found[name].lead, found[name].lead_evidence) for name in ("q1", "q2")] == [
        ("bea@buyer.test", "address"),
        ("bea@buyer.test", "beside"),
    ]


def test_whom_the_lead_brings_in_is_found_whatever_the_order_in_a_batch() -> None:
    stranger = mail("q0", 0, sender="eve@consultant.test", subject="Re: Prices", answers="q1")
    assert take(stranger, mail("q1", 5), leads=(BEA,))["q0"].lead == "bea@buyer.test"


def test_two_leads_in_one_thread_leave_a_stranger_ambiguous() -> None:
    found = take(
        mail("q1", 0),
        mail("q2", 5, sender="dan@other.test", subject="Re: Prices", answers="q1"),
        mail("q3", 9, sender="eve@third.test", subject="Re: Prices", answers="q2"),
        leads=(BEA, lead("dan@other.test", domain="other.test")),
    )
    assert (found["q3"].lead, found["q3"].lead_evidence) == (None, "ambiguous")


def test_a_form_that_writes_for_a_buyer_is_read_by_its_reply_to() -> None:
    form = mail("f1", sender="Contact form <web@forms.test>", extra="Reply-To: Bea <bea@buyer.test>")
    found = take(form, leads=(BEA,))["f1"]
    assert (found.lead, found.lead_evidence) == ("bea@buyer.test", "reply_to")


def test_a_form_of_our_own_site_speaks_for_the_buyer_who_is_to_be_answered() -> None:
    form = mail("f1", sender="noreply@acme.test", to="sales@acme.test", extra="Reply-To: Cy Doe <cy@new.test>")
    found = take(form, shared=True)["f1"]
    assert (found.direction, found.verdict.kind, found.verdict.owes_reply) == (Direction.INBOUND, Kind.HUMAN, True)
    assert (found.lead, found.lead_evidence) == ("cy@new.test", "provisional")


def test_a_bounce_of_our_own_mail_system_counts_as_the_buyers() -> None:
    bounce = mail(
        "b1",
        5,
        sender="MAILER-DAEMON@mail.acme.test",
        subject="failure notice",
        extra="X-Failed-Recipients: bea@buyer.test",
    )
    found = take(ours("a1"), bounce, leads=(BEA,))["b1"]
    assert (found.direction, found.lead) == (Direction.INBOUND, "bea@buyer.test")


def test_a_stranger_in_a_leads_thread_becomes_no_lead_of_his_own_whatever_the_order_in_a_batch() -> None:
    stranger = mail("q0", 0, sender="eve@consultant.test", subject="Re: Prices", answers="q1")
    assert take(stranger, mail("q1", 5), leads=(BEA,), shared=True)["q0"].lead == "bea@buyer.test"


def test_a_rewritten_from_is_read_by_the_address_that_the_list_kept() -> None:
    message = mail(
        "m1",
        sender="'Bea Buyer' via Sales <sales@acme-groups.test>",
        extra="X-Original-From: Bea Buyer <bea@buyer.test>",
    )
    assert take(message, leads=(BEA,))["m1"].lead == "bea@buyer.test"


def test_our_message_belongs_to_its_first_recipient_who_is_a_lead_and_names_all_outside_us() -> None:
    other = lead("dan@other.test")
    found = take(ours("a1", to="x@unknown.test, bea@buyer.test, dan@other.test, ben@acme.test"), leads=(BEA, other))[
        "a1"
    ]
    assert found.lead == "bea@buyer.test"
    assert found.outside == (
        ("x@unknown.test", None),
        ("bea@buyer.test", "bea@buyer.test"),
        ("dan@other.test", "dan@other.test"),
    )


def test_unknown_people_become_provisional_leads_in_shared_mailboxes_only() -> None:
    assert take(mail("m1"), shared=True)["m1"].lead_evidence == "provisional"
    assert take(mail("m1"))["m1"].lead is None
    assert take(mail("m1", extra="List-Id: <x.test>"), shared=True)["m1"].lead is None


def test_a_bounce_belongs_to_the_lead_who_did_not_get_it() -> None:
    bounce = mail(
        "b1", 5, sender="MAILER-DAEMON@mx.test", subject="failure notice", extra="X-Failed-Recipients: bea@buyer.test"
    )
    assert take(bounce, leads=(BEA,))["b1"].lead == "bea@buyer.test"


US = Us(frozenset({"acme.test"}), {"max@private.test": PersonId("max"), "sales@partner.test": None})


@pytest.mark.parametrize(
    ("email", "answer"),
    [
        ("ana@acme.test", True),
        ("ana@mail.acme.test", True),
        ("max+x@private.test", True),
        ("sales@partner.test", True),
        ("other@partner.test", False),
        ("x@notacme.test", False),
        ("x@acme.test.evil.test", False),
        ("", False),
    ],
)
def test_which_addresses_are_ours(email: str, answer: bool) -> None:
    assert US.is_ours(email) is answer


def test_direction_is_who_wrote_to_whom() -> None:
    assert US.direction(mail("m1")) is Direction.INBOUND
    assert US.direction(ours("m2")) is Direction.OUTBOUND
    assert US.direction(ours("m3", to="ben@acme.test")) is Direction.INTERNAL
    unknown_alias = mail("m4", sender="ana@new-brand.test", to="bea@buyer.test", role=FolderRole.SENT)
    assert US.direction(unknown_alias) is Direction.OUTBOUND
