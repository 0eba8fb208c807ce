"""Words that stand before a number that tells one matter from another: parts, versions, tickets, orders.

Written by hand in the languages of the other tables; single words, case folded.
"""

from inboxwatch.core.mail.words import table

NUMBERED = frozenset(
    table("""
    part, pt, teil, partie, parte, deel, del, osa, část, časť, część, rész, parça, часть, частина, μέρος, section,
    chapter, kapitel, chapitre, capítulo, capitolo, hoofdstuk, volume, vol, band, tome, tomo, page, seite, step,
    schritt, round, runde, take, draft, entwurf, batch, lot, charge, los, lesson, lektion, episode, season, phase,
    v, ver, vers, version, versión, versione, versie, rev, revision, rc, r, release, patch, build, sprint,
    no, nr, num, numéro, número, numero, nummer, number, n, id, ref, case, fall, caso, dossier, ticket, tickets,
    issue, bug, incident, inc, req, request, anfrage, demande, solicitud, task, job, vorgang, zaak, ärende, sak,
    order, bestellung, auftrag, commande, pedido, ordine, bestelling, zamówienie, tilaus, заказ, invoice, rechnung,
    facture, factura, fattura, faktura, lasku, offer, angebot, offre, oferta, offerta, quote, rfq, tender,
    day, tag, jour, week, woche, kw, semaine, semana, month, monat, q, quarter, quartal, h, fy
    """)
)
"""`part-2`, `v3` and `ticket 12` number something; `list-2` is a name."""
