"""Subjects and senders of mail systems that give a message back, case folded."""

from inboxwatch.core.mail.words import either, table

SUBJECTS = table("""
    undeliverable, undelivered mail, undelivered message, undeliverable mail, undeliverable message,
    mail delivery failed, mail delivery failure, mail delivery system, delivery failure, delivery failed,
    delivery status notification, delivery notification, delivery report, delivery status, delivery problem,
    delivery error, delivery has failed, delivery unsuccessful, returned mail, returned to sender,
    returning message to sender, return to sender, returned email, returned message, message returned,
    failure notice, failure delivery, failed delivery, failed mail, failed to deliver, message not delivered,
    mail not delivered, non delivery, non-delivery, nondeliverable, nondelivery, not delivered,
    message delivery failure, message could not be delivered, message undeliverable, mail could not be delivered,
    could not be delivered, could not send, couldn't be delivered, cannot deliver, can not deliver, can't deliver,
    unable to deliver, mail undeliverable, unzustellbar, mail system error, mail error, mail failure,
    message failure, error sending, user unknown, unknown user, user not known, no such user, unknown address,
    address unknown, invalid address, mailbox full, quota exceeded, over quota, mailbox unavailable,
    warning: could not send, warning: message, delayed mail, mail delayed, delivery delayed, message delayed,
    message you sent blocked, message rejected, mail rejected, rejected mail, rejected message, blocked message,
    message blocked, email rejected, rejected posting,
    rejected:, unzustellbare, nicht zugestellt, zustellung fehlgeschlagen, fehler bei der zustellung,
    zustellungsfehler, nicht zustellbar, échec de la remise, échec de remise, non remis, non délivré,
    message non distribué, non distribuable, no se puede entregar, no entregado, no se pudo entregar, devuelto,
    error de entrega, fallo de entrega, notificación de estado de entrega, non recapitabile, mancata consegna,
    impossibile recapitare, recapito, não entregue, falha na entrega, não foi possível entregar, devolvida,
    devolução, onbestelbaar, niet bezorgd, niet afgeleverd, kan niet worden bezorgd, olevererbart, oleverans,
    gick inte att leverera, kunne ikke leveres, kan ikke leveres, ikke leveret, toimitus epäonnistui,
    ei voitu toimittaa, nie dostarczono, niedostarczona, nie można dostarczyć, nelze doručit, nedoručitelné,
    nedoručená, kézbesíthetetlen, nem kézbesíthető, недоставлено, недоставленное, не доставлено,
    не удалось доставить, ошибка доставки, αδυναμία παράδοσης, teslim edilemedi, iletilemedi, 配信不能,
    配信できません, 配信エラー, 送信失敗, 未送達, 返送, 退信, 无法投递, 無法傳遞, 無法投遞, 投递失败, 系统退信,
    반송, 배달 실패, 전송 실패, لم يتم التسليم
""")

SENDER = either(r"""
    mailer-?_?daemon
    mail-?daemon
    \bpostmaster\b
    ^postmast
    mail delivery (?:sub)?system
    mail administrator
    ^mailadmin
    ^mail-?system
    ^mail\.?delivery
    ^bounces?[@+-]
    ^double-bounce
    system administrator
    internet mail delivery
    \bmdaemon\b
    ^mmdf
    ^daemon@
    ^uucp@
    ^smtp(?:daemon|gateway|-gateway)?@
    ^exchange@
    microsoft ?exchange
    ^microsoftexchange
    ^noreply-?bounce
    mail delivery service
""")

READ = either(r"""
    (?:read|not read|gelesen|ungelesen|lu|non lu|leído|no leído|leido)\s*:
    (?:letto|non letto|gelezen|niet gelezen|lido|não lido|läst|oläst|læst)\s*:
    (?:lest|luettu|przeczytano|nie przeczytano|přečteno|prečítané|olvasott|citit|прочитано)\s*:
    (?:прочтено|okundu|已读|已讀|開封済み|읽음)\s*:
""")
"""How Exchange and Outlook begin the subjects of read receipts in their languages."""

COMPLAINT = either(r"""
    complaint about (?:a )?message from
    e-?mail feedback report
    abuse report
    spam (?:report|complaint)
    feedback loop
""")
"""How feedback loops of mailbox providers begin their subjects."""
