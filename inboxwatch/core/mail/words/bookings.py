"""What booking services write to a host as subject once somebody has booked; case folded."""

from inboxwatch.core.mail.words import either

BOOKED = either(r"""
    ^new (?:event|booking|meeting|appointment)(?: booked| scheduled)?\s*[:–—-]
    \bhas (?:just )?(?:booked|scheduled) (?:a |an )?(?:new )?(?:meeting|call|demo|appointment|event|slot|time)\b
    \b(?:meeting|call|demo|appointment|event) booked (?:with|by)\b
    \bbooked (?:a |an )?(?:meeting|call|demo|appointment|slot|time) with you\b
    ^neue[rs]? (?:termin|buchung|terminbuchung|ereignis)\s*[:–—-]
    \bhat (?:einen|ihren|den) termin (?:mit ihnen )?(?:gebucht|vereinbart)\b
    ^nouve(?:au|l|lle) (?:rendez-vous|événement|réservation)\s*[:–—-]
    \ba réservé un (?:rendez-vous|créneau|appel)\b
    ^nuev[oa] (?:evento|reserva|cita|reunión)\s*[:–—-]
    \bha (?:reservado|agendado) una (?:reunión|cita|llamada)\b
    ^nuov[oa] (?:evento|prenotazione|appuntamento|riunione)\s*[:–—-]
    \bha prenotato (?:un appuntamento|una riunione|una chiamata)\b
    ^nieuwe (?:afspraak|boeking|reservering)\s*[:–—-]
    \bheeft een (?:afspraak|gesprek) (?:geboekt|ingepland)\b
    ^nov[oa] (?:evento|agendamento|reserva|reunião)\s*[:–—-]
    \bagendou uma (?:reunião|chamada)\b
""")
"""Parts of subjects. A wish (`booking request`), a reminder and a change say none of these."""

OTHERWISE = either(r"""
    request|reminder|cancel|reschedul|anfrage|erinnerung|storn|abgesagt|verschoben|demande|rappel|annul|solicitud
    recordatorio|richiesta|promemoria|aanvraag|herinnering|geannuleerd|pedido|solicitação|lembrete
""")
"""What makes it none, wherever it stands."""
