"""Who in a thread belongs to which buyer's side: a function of the thread's whole mail, whatever came in first.

To a side belong the lead, whoever has the lead's company domain, who wrote in the thread to the side's knowledge, and
whom the side brought in. A third party is whom we alone chose: a supplier we forward to, the drop box of a CRM, the
private address of a colleague. They are nobody's side, whoever else is among the recipients.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from inboxwatch.core.model import Direction, Kind, LeadId, MessageId
from inboxwatch.core.sla.timeline import Mail, Party


class Sides:
    """The sides of one thread, told by its mail in the order of time.

    `strangers` are provisional leads. That a stranger is one may depend on which mail was read first, so in a thread
    with a buyer they are judged like any unknown address; they found a side of their own only where nothing says whose
    they are.
    """

    def __init__(self, mails: Iterable[Mail], strangers: Collection[LeadId] = frozenset()) -> None:
        self._mails: Sequence[Mail] = [one for one in mails if one.kind is not Kind.BOUNCE]
        self._by_id = {one.id: one for one in self._mails}
        self._strangers = strangers
        self._members: dict[str, tuple[str, LeadId]] = {}
        """Address -> (side, lead)."""
        self.leads: dict[str, LeadId] = {}
        """Side -> the lead of its that was seen first."""
        unknown = False
        for mail in self._mails:
            for party in _outside(mail):
                if (own := self.own(party)) is not None:
                    self._enrol(party.email, own)
                else:
                    unknown = True
        while unknown and (founders := _Reading(self).founders()):
            for party in founders:
                assert party.side is not None and party.lead is not None  # noqa: S101  (founders have both)
                self._enrol(party.email, (party.side, party.lead))

    def own(self, party: Party) -> tuple[str, LeadId] | None:
        """The (side, lead) of a known lead, or of somebody known to be of a lead's company; needs no thread."""
        if party.side is None or party.lead is None or party.lead in self._strangers:
            return None
        return party.side, party.lead

    def of(self, party: Party) -> tuple[str, LeadId] | None:
        """The (side, lead) of somebody outside us, or None: a third party, or nobody's."""
        found = self.own(party) or self._members.get(party.email)
        if found is None and (side := self._company(party)) is not None:
            found = side, self.leads[side]
        return found

    def is_stranger(self, party: Party) -> bool:
        """Whether somebody is a provisional lead."""
        return party.side is not None and party.lead in self._strangers

    def mails(self) -> Sequence[Mail]:
        return self._mails

    def read(self, id: MessageId | None) -> Mail | None:  # noqa: A002  (the word of the field)
        """A mail of the thread, or None where it was not read."""
        return self._by_id.get(id) if id is not None else None

    def join(self, party: Party, side: str) -> None:
        """Puts somebody on a side."""
        if party.email:
            self._members.setdefault(party.email, (side, self.leads[side]))

    def _enrol(self, email: str, own: tuple[str, LeadId]) -> None:
        self._members.setdefault(email, own)
        self.leads.setdefault(*own)

    def _company(self, party: Party) -> str | None:
        """The side whose company's domain, or one below it, an address has; sides of one person are no domains."""
        if party.side in self.leads:
            return party.side
        domain = party.email.rpartition("@")[2]
        while "." in domain:
            if domain in self.leads:
                return domain
            domain = domain.partition(".")[2]
        return None


class _Reading:
    """One reading of a thread, with the sides that are known by then."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._wrote: dict[MessageId, str] = {}
        """Mail -> the side that wrote it."""
        self._waiting: dict[MessageId, Party] = {}
        """Mail of authors for whom nobody has vouched so far."""
        self._appeared: set[str] = set()
        self._third: set[str] = set()
        self._present = False
        """A side has written or received something."""
        self._founders: list[tuple[Party, ...]] = []

    def founders(self) -> tuple[Party, ...]:
        """Puts everybody on the side that is told; returns those who found the next side, if any."""
        for mail in self._sides.mails():
            if mail.direction is Direction.INBOUND:
                self._inbound(mail)
            elif mail.direction is Direction.OUTBOUND:
                self._outbound(mail)
        for parties in self._founders:
            if left := tuple([one for one in parties if self._side(one) is None]):
                return left
        return ()

    def _inbound(self, mail: Mail) -> None:
        author = mail.sender
        side = self._side(author) or self._vouched(mail)
        if side is None:
            self._unvouched(mail)
            return
        self._bring_in(author, side)
        self._wrote[mail.id] = side
        if mail.parent in self._waiting:
            # The side answers what a stranger wrote.
            self._bring_in(self._waiting.pop(mail.parent), side)
            self._wrote[mail.parent] = side
        for party in mail.recipients:
            if self._side(party) is None and party.email not in self._third:
                self._bring_in(party, side)

    def _unvouched(self, mail: Mail) -> None:
        """A mail of a third party or of those with whom it talks; else one that waits for a side's answer."""
        author, parent = mail.sender, self._sides.read(mail.parent)
        if parent is not None:
            told = parent.recipients if parent.direction is Direction.OUTBOUND else (parent.sender,)
            if told and all(party.email in self._third for party in told):
                self._third.add(author.email)
        others = [party.email for party in mail.recipients if self._side(party) is None]
        if author.email in self._third:
            self._third.update(others)
            return
        self._waiting[mail.id] = author
        self._found(author)
        self._appeared.update((author.email, *others))

    def _outbound(self, mail: Mail) -> None:
        reached = next((side for party in mail.recipients if (side := self._side(party)) is not None), None)
        self._present |= reached is not None
        # What we answer may have brought in whom we answer along with the side: nobody has read it.
        unread = mail.parent is not None and self._sides.read(mail.parent) is None
        new = [one for one in mail.recipients if self._side(one) is None and one.email not in self._appeared]
        for party in new:
            if reached is not None and unread and party.email not in self._third:
                self._bring_in(party, reached)
            elif self._present:
                self._third.add(party.email)
        if not self._present:
            self._found(*new)

    def _vouched(self, mail: Mail) -> str | None:
        """The side to whose knowledge somebody wrote: it receives the mail, or what the mail answers was its own."""
        if mail.sender.email in self._third:
            return None
        parent = self._sides.read(mail.parent)
        told = list(mail.recipients)
        if parent is not None:
            if (side := self._wrote.get(parent.id)) is not None:
                return side
            told += parent.recipients if parent.direction is Direction.OUTBOUND else ()
        return next((side for party in told if (side := self._side(party)) is not None), None)

    def _side(self, party: Party) -> str | None:
        found = self._sides.of(party)
        return found[0] if found is not None else None

    def _bring_in(self, party: Party, side: str) -> None:
        self._sides.join(party, side)
        self._present = True

    def _found(self, *parties: Party) -> None:
        if strangers := tuple(filter(self._sides.is_stranger, parties)):
            self._founders.append(strangers)


def _outside(mail: Mail) -> tuple[Party, ...]:
    """Everybody outside us whom a mail names."""
    return (mail.sender, *mail.recipients) if mail.direction is Direction.INBOUND else mail.recipients
