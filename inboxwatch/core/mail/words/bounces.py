"""Subjects and senders of mail systems that give a message back, case folded."""

from inboxwatch.core.mail.words import either, table

SUBJECTS = table("""
    undeliverable, undelivered mail, undelivered message, undeliverable mail, undeliverable message,
    mail delivery failed, mail delivery failure, mail delivery system, delivery status notification,
    message delivery failure, message not delivered, message could not be delivered, message undeliverable,
    mail could not be delivered, mail not delivered, mail undeliverable, returned mail, returning message to sender,
    failure notice, mail system error, user unknown, unknown user, user not known, no such user,
    warning: could not send, warning: message, delayed mail, mail delayed, message you sent blocked,
    message rejected, mail rejected, rejected mail, rejected message, blocked message, message blocked,
    email rejected, rejected posting, nondeliverable, nondelivery, unzustellbar, unzustellbare,
    non recapitabile, onbestelbaar, olevererbart, kézbesíthetetlen, nem kézbesíthető, nedoručitelné,
    nie można dostarczyć, niedostarczona, недоставленное, αδυναμία παράδοσης, 配信不能, 配信できません, 配信エラー,
    退信, 无法投递, 無法傳遞, 無法投遞, 投递失败, 系统退信, échec de la remise, échec de remise,
    non remis :, no se puede entregar:, kan ikke leveres:, não entregue:, impossibile recapitare:,
    message non distribué, non distribuable, notificación de estado de entrega
""")
"""What only mail systems write at the beginning of a subject."""

SUBJECTS_MAYBE = table("""
    delivery failure, delivery failed, delivery notification, delivery report, delivery status, delivery problem,
    delivery error, delivery has failed, delivery unsuccessful, returned to sender, return to sender, returned email,
    returned message, message returned, failure delivery, failed delivery, failed mail, failed to deliver,
    non delivery, non-delivery, not delivered, could not be delivered, could not send, couldn't be delivered,
    cannot deliver, can not deliver, can't deliver, unable to deliver, mail error, mail failure, message failure,
    error sending, unknown address, address unknown, invalid address, mailbox full, quota exceeded, over quota,
    mailbox unavailable, delivery delayed, message delayed, rejected:, nicht zugestellt, zustellung fehlgeschlagen,
    fehler bei der zustellung, zustellungsfehler, nicht zustellbar, non remis, non délivré, no se puede entregar,
    no entregado, no se pudo entregar, devuelto, error de entrega, fallo de entrega, mancata consegna,
    impossibile recapitare, recapito, não entregue, falha na entrega, não foi possível entregar, devolvida,
    devolução, niet bezorgd, niet afgeleverd, kan niet worden bezorgd, oleverans, gick inte att leverera,
    kunne ikke leveres, kan ikke leveres, ikke leveret, toimitus epäonnistui, ei voitu toimittaa, nie dostarczono,
    nelze doručit, nedoručená, недоставлено, не доставлено, не удалось доставить, ошибка доставки, teslim edilemedi,
    iletilemedi, não é possível entregar, não pôde ser entregue, ikke leverbar, niedostarczalne, nie dostarczona,
    не удается доставить, не вдалося доставити, недоставлене, ei toimitettavissa, ei voida toimittaa, nelivrabil,
    nedoručiteľné, ni mogoče dostaviti, nije moguće isporučiti, αδύνατη η παράδοση, no se ha podido entregar,
    no s'ha pogut lliurar, 传递失败, 未传递, 无法送达, 未送达, 傳遞失敗, 無法送達, 配信できませんでした, 배달되지 않음,
    배달할 수 없음, không gửi được, ส่งไม่ได้, לא ניתן למסירה, تعذر التسليم,
    送信失敗, 未送達, 返送, 반송, 배달 실패, 전송 실패, لم يتم التسليم
""")
"""What buyers write of goods and invoices as well: a mail system's sender, path or report must stand beside it."""

SENDER = either(r"""
    mailer-?_?daemon
    mail-?daemon
    \bpost[._-]?master\b
    ^postmast
    mail delivery (?:sub)?system
    ^mail-?system
    ^mail\.?delivery
    ^bounces?[@+-]
    ^double-bounce
    internet mail delivery
    \bmdaemon\b
    ^mmdf
    ^daemon@
    ^uucp@
    ^smtp(?:daemon|gateway|-gateway)@
    microsoft exchange
    ^microsoftexchange
    ^noreply-?bounce
    mail delivery service
""")
"""Addresses and names that only mail systems bear."""

SENDER_MAYBE = either(r"""
    mail administrator
    ^mailadmin
    system administrator
    ^smtp@
    ^exchange@
""")
"""Those that persons bear too: a phrase of mail systems or a null return path must stand beside it."""

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
