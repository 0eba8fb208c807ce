"""What mail systems say that give a message back. Regular expressions over case-folded text on one line."""

from inboxwatch.core.mail.words import either

RETURNED = either(r"""
    could not be delivered
    couldn'?t be delivered
    (?:was|were|been|be) (?:not|un)\s?(?:able to be )?deliver
    not delivered
    undeliver
    unable to deliver
    delivery (?:\w+ ){0,3}fail
    failed to deliver
    user unknown
    unknown user
    no such user
    unknown (?:recipient|address|local)
    (?:recipient|address|mailbox|user|account|domain) (?:\w+ ){0,3}…
        (?:rejected|not found|does not exist|doesn'?t exist)
        (?:unavailable|disabled|invalid)
    not a valid (?:user|address|recipient|mailbox|e-?mail)
    over quota
    quota exceeded
    permanent (?:fatal )?error
    returned to (?:you|sender)
    mailer-daemon
    \b5\d\d[ -]5\.\d\.\d
    \b55\d[ -]
    (?<!no )virus(?:es)? (?:\w+ ){0,3}(?:found|detected)
    (?:contain(?:s|ed|ing)?|infected (?:with|by)) (?:\w+ ){0,3}virus
    virus in (?:your|the) (?:message|mail)
    nicht zugestellt
    unzustellbar
    n'a pas (?:pu être|été) (?:remis|délivr|distribu)
    no (?:se )?(?:ha podido|pudo) (?:ser )?entreg
    non (?:è stato|può essere) (?:possibile )?(?:consegn|recapit)
    не (?:может|могло|удалось|было) (?:быть )?доставл
    odrzucon
""")
"""A mail system gives a message back."""

RETURNED_MAYBE = either(r"""
    virus
    (?:recipient|address|mailbox|user|account|domain|box|postfach) (?:\w+ ){0,4}(?:full|no room|voll)
    (?:has|have|was|were|been|being|message|mail) (?:\w+ ){0,3}…
        (?:rejected|blocked|refused|bounced|quarantined|returned)
""")
"""Words that mail systems use and people too: they count from a mail system's own address."""

OF_MAIL = either(r"""
    [^\s@]@[a-z0-9-]+\.
    recipient
    mail ?server
    \bsmtp\b
    mailbox
    user unknown
    unknown user
    no such user
    \b[45]\d\d[ -][45]\.\d\.\d
    mailer-daemon
    your (?:e-?mail|message|mail)\b
    (?:e-?mail|message|mail) (?:\w+ ){0,4}(?:could|was|has|is|cannot|can't|couldn't)
    virus
    empfänger
    ihre (?:nachricht|e-?mail)
    destinat[aá]ri
    votre (?:message|courriel)
    su (?:mensaje|correo)
    сообщени
    wiadomoś
""")
"""What those texts speak of where it was mail that was not delivered."""

SERVICE_BOUNCE = either(r"""
    \\?"(?:notificationtype|eventtype|event|type|record_?type)\\?"\s*:\s*…
        \\?"(?:bounce|bounced|dropped|hardbounce|softbounce|delivery|delivered)\\?"
""")
"""Fates of messages as mailing services report them by mail: JSON of Amazon SES and its like."""
