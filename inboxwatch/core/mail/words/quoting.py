"""How mail programs mark a quoted original.

Compiled from the locale tables of Thunderbird and from the languages of Outlook.
"""

from inboxwatch.core.mail.words import table

ORIGINAL = table("""
    original, origine, originale, oorspronk, oprindelig, opprinnelig, ursprung, ursprünglich, alkuperäinen, исходн,
    eredeti, původní, pôvodná, orijinal, özgün, forward, weitergeleitet, transféré, reenviado, encaminhada,
    inoltrato, doorgestuurd, vidarebefordrat, videresendt, przekazan, oryginal, пересл, переадрес, 原始, 元の,
    転送, 转发, 轉寄, 원본, 전달, الأصل
""")
"""Words inside `-----Original Message-----` and its translations, case folded."""

_FROM = table("""
    from, von, de, da, van, från, fra, lähettäjä, od, от, από, kimden, gönderen, feladó, expéditeur, mittente,
    remitente, 发件人, 寄件者, 差出人, 보낸사람, 보낸 사람, من, от кого, від
""")
_DATE = table("""
    sent, date, gesendet, datum, envoyé, enviado, enviado el, inviato, verzonden, skickat, sendt, dato, lähetetty,
    odesláno, wysłano, data, отправлено, дата, ημερομηνία, στάλθηκε, tarih, gönderilme, elküldve, dátum, am, le,
    fecha,
    päivämäärä, надіслано, 发送时间, 日期, 寄件日期, 傳送時間, 送信日時, 日付, 보낸날짜, 보낸 날짜, 날짜, التاريخ
""")
_TO = table("""
    to, an, à, para, a, aan, till, til, vastaanottaja, pro, do, кому, προς, kime, címzett, 收件人, 收件者, 宛先,
    받는사람,
    받는 사람, إلى, cc, kopie, copie, копия, cópia, kopia
""")
_SUBJECT = table("""
    subject, betreff, objet, asunto, assunto, oggetto, onderwerp, ämne, emne, aihe, předmět, temat, тема, θέμα, konu,
    tárgy, 主题, 主旨, 件名, 제목, الموضوع
""")

HEADER_NAMES = {
    name: role
    for role, names in (("from", _FROM), ("date", _DATE), ("to", _TO), ("subject", _SUBJECT))
    for name in names
}
"""The header lines that Outlook and others write above a quoted original: name, case folded -> its role."""

WROTE = table("""
    wrote, writes, schrieb, a écrit, escribió, escribiu, escreveu, ha scritto, ha escrit, ha scribite, ha scrit,
    schreef, skreau, skrev, skreiv, skrifaði, kirjoitti, kirjutas, napsal, napísal, napisał, napisal, napisao, pisze,
    piše, написа, написал, напісаў, пишет, пише, írta, a scris, έγραψε, yazdı, yozdi, rakstīja, rašė, shkroi,
    menulis, membalas, đã viết, scríobh, sgrìobh, ysgrifennodd, skrivet eo bet gant, idatzi zuen, жазған, წერს,
    գրել է, כתב, كتب, เขียน, បានសរសេរ, 写道, 寫道, 写于, のメール, さんは書きました, 쓴 글, 작성
""")
"""In the line above a quoted original, beside its author, case folded; mostly from the tables of Thunderbird."""
