"""Months, weekdays and the words around a day of return, in the languages of the absence tables; case folded."""

from inboxwatch.core.mail.words import table

_MONTHS = (
    "january, jan, januar, jänner, janvier, enero, gennaio, januari, janeiro, styczen, stycznia",
    "february, feb, februar, février, febrero, febbraio, februari, fevereiro, lutego",
    "march, mar, märz, mrz, mars, marzo, maart, março, marca",
    "april, apr, avril, abril, aprile, kwietnia",
    "may, mai, mayo, maggio, mei, maio, maj, maja",
    "june, jun, juni, juin, junio, giugno, junho, czerwca",
    "july, jul, juli, juillet, julio, luglio, julho, lipca",
    "august, aug, août, agosto, augustus, augusti, sierpnia",
    "september, sep, sept, septembre, septiembre, settembre, setembro, września",
    "october, oct, okt, oktober, octobre, octubre, ottobre, outubro, października",
    "november, nov, novembre, noviembre, novembro, listopada",
    "december, dec, dez, dezember, décembre, diciembre, dicembre, dezembro, desember, grudnia",
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in table(names)}
"""Name of a month -> 1 to 12."""

_WEEKDAYS = (
    "monday, mon, montag, lundi, lunes, lunedì, maandag, segunda-feira, måndag, mandag",
    "tuesday, tue, dienstag, mardi, martes, martedì, dinsdag, terça-feira, tisdag, tirsdag",
    "wednesday, wed, mittwoch, mercredi, miércoles, mercoledì, woensdag, quarta-feira, onsdag",
    "thursday, thu, donnerstag, jeudi, jueves, giovedì, donderdag, quinta-feira, torsdag",
    "friday, fri, freitag, vendredi, viernes, venerdì, vrijdag, sexta-feira, fredag",
    "saturday, samstag, samedi, sábado, sabato, zaterdag, lördag, lørdag",
    "sunday, sonntag, dimanche, domingo, domenica, zondag, söndag, søndag",
)
WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAYS) for name in table(names)}
"""Name of a weekday -> 0 (Monday) to 6."""

UNTIL = table("""
    until and including, until, till, through, thru, up to and including, to, bis einschließlich, bis einschl,
    bis zum, bis,
    jusqu'au, jusqu'à, hasta el, hasta, fino al, fino a, tot en met, t/m, tot, até, t\\.o\\.m\\., till och med,
    til og med,
    do dnia, do
""")
"""The day that follows is the last of the absence."""

BACK = table("""
    back in the office, be back, back, returning, return, returns, will return, wieder im büro,
    wieder erreichbar, wieder da,
    wieder, zurück, ab dem, de retour, retour, reviens, regreso, regresaré, vuelvo, de vuelta, di ritorno,
    ritorno, rientro,
    terug, de volta, retorno, tillbaka, åter, tilbage, tilbake, wracam
""")
"""The day that follows is the first one back."""
