"""Who of the known buyers a message belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from inboxwatch.core.domain_names import folded_address, folded_domain
from inboxwatch.core.mail.words.freemail import FREE_MAIL
from inboxwatch.core.model import Lead, LeadId

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Providers that deliver `a.b@` to `ab@`."""
_DASHED = frozenset({"yahoo.com", "ymail.com", "rocketmail.com"})
"""Providers whose disposable addresses are `name-tag@`."""
MAX_REMEMBERED = 20_000
"""Addresses whose company is kept."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several leads share what was looked at; shown, never guessed."""

    leads: tuple[LeadId, ...]
    """Sorted. Of a directory that holds some leads only: at least two of them, and every one it was asked to hold."""


@lru_cache(maxsize=4096)
def plain_address(email: str) -> str:
    """An address without what its provider ignores: plus tags everywhere, dots and `googlemail` at Google."""
    local, at, domain = folded_address(email.strip()).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    elif domain in _DASHED:
        local = local.partition("-")[0]
    return local + at + domain


def claimed_addresses(lead: Lead) -> set[str]:
    """Every key under which a lead is found by address, as written and plain."""
    written = [lead.id, *lead.aliases]
    return {email.lower() for email in written} | {plain_address(email) for email in written}


def claimed_domains(lead: Lead) -> set[str]:
    """Every domain that a lead stands for, those of free-mail providers included; a provisional lead stands for none.

    A provisional lead was made from a stranger's mail: its company is not known to be a buyer.
    """
    if lead.provisional:
        return set()
    return {folded_domain(lead.domain), folded_domain(lead.id.rpartition("@")[2])} - {""}


def address_keys(email: str) -> set[str]:
    """The keys of `claimed_addresses` under which an address is looked up."""
    return {email, plain_address(email)}


def company_domains(email: str, free_mail: frozenset[str]) -> Iterator[str]:
    """The keys of `claimed_domains` under which an address is looked up: its domain and each parent; no free mail."""
    domain = folded_domain(email.rpartition("@")[2])
    while "." in domain and domain not in free_mail:
        yield domain
        domain = domain.partition(".")[2]


class Directory:
    """Leads, found by address or by company domain: all there are, or those that some addresses can concern."""

    def __init__(self, leads: Iterable[Lead] = (), free_mail: frozenset[str] = FREE_MAIL) -> None:
        self.leads: dict[LeadId, Lead] = {}
        self._free = free_mail
        self._by_address: dict[str, Lead] = {}
        self._shared: dict[str, dict[LeadId, Lead]] = {}
        """Addresses that several leads claim."""
        self._by_domain: dict[str, dict[LeadId, Lead]] = {}
        self._companies: dict[str, Lead | Ambiguous | None] = {}
        """What `by_domain` has found, until something changes: each address of a batch is asked for several times."""
        for lead in leads:
            self.add(lead)

    def add(self, lead: Lead) -> None:
        """Adds or replaces a lead.

        Of several leads that claim one address, the one whose id it is has it, else the one whose id sorts first,
        whatever the order in which they were added.
        """
        self.drop(lead.id)
        self._companies.clear()
        self.leads[lead.id] = lead
        for email in claimed_addresses(lead):
            holder = self._by_address.setdefault(email, lead)
            if holder is not lead:
                self._shared.setdefault(email, {holder.id: holder})[lead.id] = lead
                self._award(email)
        for domain in self._domains(lead):
            self._by_domain.setdefault(domain, {})[lead.id] = lead

    def drop(self, id: LeadId) -> None:  # noqa: A002  (the word of the field)
        """Forgets a lead, if it is known."""
        lead = self.leads.pop(id, None)
        if lead is None:
            return
        self._companies.clear()
        for email in claimed_addresses(lead):
            if email in self._shared:
                del self._shared[email][id]
                self._award(email)
            else:
                del self._by_address[email]
        for domain in self._domains(lead):
            del self._by_domain[domain][id]
            if not self._by_domain[domain]:
                del self._by_domain[domain]

    def _award(self, email: str) -> None:
        claims = self._shared[email]
        self._by_address[email] = min(claims.values(), key=lambda lead: (lead.id != email, lead.id))
        if len(claims) == 1:
            del self._shared[email]

    def _domains(self, lead: Lead) -> set[str]:
        """The company domains that a lead stands for."""
        return claimed_domains(lead) - self._free

    def get(self, id: LeadId) -> Lead | None:  # noqa: A002  (the word of the field)
        return self.leads.get(id)

    def is_free_mail(self, email: str) -> bool:
        """Whether an address belongs to a provider where anybody can open one: its domain names no company."""
        return email.rpartition("@")[2] in self._free

    def by_address(self, email: str) -> Lead | None:
        """The lead who owns an address, tags and ignored dots aside."""
        return self._by_address.get(email) or self._by_address.get(plain_address(email))

    def by_domain(self, email: str) -> Lead | Ambiguous | None:
        """The lead of the company whose mail domain (or a parent of it) an address has; never for free mail.

        Several leads of one company make it ambiguous which of them.
        """
        if email not in self._companies:
            if len(self._companies) >= MAX_REMEMBERED:
                self._companies.clear()
            self._companies[email] = self._company_of(email)
        return self._companies[email]

    def _company_of(self, email: str) -> Lead | Ambiguous | None:
        for domain in company_domains(email, self._free):
            if found := self._by_domain.get(domain):
                return next(iter(found.values())) if len(found) == 1 else Ambiguous(tuple(sorted(found)))
        return None

    def same_company(self, email: str, lead: LeadId) -> bool:
        """Whether an address has the company domain of a lead."""
        known = self.leads.get(lead)
        if known is None or self.is_free_mail(email):
            return False
        domain = folded_domain(email.rpartition("@")[2])
        ours = folded_domain(known.domain or lead.rpartition("@")[2])
        return bool(ours) and ours not in self._free and (domain == ours or domain.endswith("." + ours))

    def side_of(self, email: str) -> tuple[str, bool]:
        """The side of an address, by itself: its company, else the person; and whether it is that of a known lead.

        Provisional leads are none: whether they were made already depends on what was read first.
        """
        found = self.by_address(email)
        if found is None or found.provisional:
            company = self.by_domain(email)
            found = self.leads[company.leads[0]] if isinstance(company, Ambiguous) else company
        domain = folded_domain((found.domain if found else "") or (found.id if found else email).rpartition("@")[2])
        if not domain or domain in self._free:
            return (found.id if found else plain_address(email)), found is not None
        return domain, found is not None

    def attribute(
        self, email: str, *, thread: frozenset[LeadId] = frozenset(), reply_to: Iterable[str] = ()
    ) -> tuple[LeadId | None, str]:
        """The lead that an address outside us belongs to, and the evidence for it.

        `thread`: the leads that its thread already has, which tell colleagues apart; `reply_to`: the answer addresses
        that the message names. Evidence: address, alias, reply_to, thread, domain, none, or ambiguous.
        """
        if lead := self.by_address(email):
            return lead.id, "address" if folded_address(email) == folded_address(lead.id) else "alias"
        for other in reply_to:
            if lead := self.by_address(other):
                return lead.id, "reply_to"
        company = self.by_domain(email)
        if thread:
            colleagues = [one for one in thread if self.same_company(email, one)]
            if len(colleagues) == 1:
                return colleagues[0], "thread"
            (first, *others) = thread
            if not others and isinstance(company, Ambiguous) and first in company.leads:
                return first, "thread"
        if isinstance(company, Lead):
            return company.id, "domain"
        return None, "ambiguous" if isinstance(company, Ambiguous) or len(thread) > 1 else "none"
