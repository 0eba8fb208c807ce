"""How mail programs and people announce an absence or an automatic answer.

Compiled from the built-in texts of Exchange, Outlook.com, Gmail, Notes, GroupWise and of vacation programs in the
languages they ship, and from public word lists (Stalwart, SpamAssassin's locale names); parts of subjects, case folded.
"""

from inboxwatch.core.mail.words import table

AUTOMATIC = table("""
    auto reply, auto-reply, autoreply, auto response, auto-response, autoresponse, auto respond, autoresponder,
    automatic reply, automatic response, automated reply, automated response, auto-responder, automatische antwort,
    automatische reaktion, automatisch antwoord, automatische reactie, antwort automatisch, réponse automatique,
    reponse automatique, risposta automatica, respuesta automática, respuesta automatica, resposta automática,
    resposta automatica, resposta automàtica, automatiskt svar, automatisk svar, autosvar, automaattinen vastaus,
    automatická odpověď, automatická odpoveď, automatyczna odpowiedź, automatikus válasz, răspuns automat,
    raspuns automat, автоматический ответ, автоответ, автоматична відповідь, αυτόματη απάντηση, otomatik yanıt,
    otomatik yanit, balasan otomatis, jawaban otomatis, trả lời tự động, tự động trả lời, 自动回复, 自動回覆,
    自動返信, 自動応答, 자동 응답, 자동 회신, 자동응답, رد تلقائي, מענה אוטומטי, תשובה אוטומטית, ตอบกลับอัตโนมัติ,
    स्वचालित उत्तर, autom. antwort, automatisk besvarelse, avtomatski odgovor, automatski odgovor,
    samodejni odgovor, samodejni odziv, automaatvastus, automaatne vastus, automatinis atsakymas, automātiska atbilde,
    automātiskā atbilde, автоматичен отговор, аутоматски одговор, автоматски одговор, аўтаматычны адказ,
    автоматты жауап, автомат хариу, odpowiedź automatyczna, balasan automatik, jawapan automatik, sjálfvirkt svar,
    erantzun automatikoa, resposta automatizada, respuesta automatizada, përgjigje automatike, outomatiese antwoord,
    ateb awtomatig, freagra uathoibríoch, tweġiba awtomatika, automatesch äntwert, avtomatik cavab, avtomatik javob,
    awtomatikong tugon, jibu otomatiki, thư trả lời tự động, risposta automatizzata, réponse automatisée,
    automatický odpověď, automatisches antwortschreiben, 自动答复, 自動答覆, 自動回復, 自動回答, پاسخ خودکار,
    الرد التلقائي, رد آلي, خودکار جواب, ավտոմատ պատասխան, ავტომატური პასუხი, स्वतः उत्तर, स्वत: उत्तर,
    স্বয়ংক্রিয় উত্তর, தானியங்கு பதில், การตอบกลับอัตโนมัติ
""")
"""The subject names an automatic answer."""

ABSENT = table("""
    out of office, out-of-office, outofoffice, out of the office, away from office, away from the office,
    away from my mail, away from my desk, away from my email, away from my e-mail, on vacation, on holiday,
    on annual leave, on leave, on maternity leave, on parental leave, on paternity leave, vacation reply,
    vacation message, vacation response, absence notice, abwesenheit, abwesenheitsnotiz, abwesenheitsmeldung,
    abwesenheitsassistent, abwesenheitsbenachrichtigung,
    abwesend, nicht im büro, nicht im buero,
    im urlaub, außer haus, ausser haus, urlaubsbenachrichtigung, absence du bureau, absent du bureau,
    absente du bureau, message d'absence, avis d'absence, en congé, en vacances, je suis absent, est absent,
    est absente, est en congés, fuera de oficina, está ausente, se encuentra ausente, è assente, inte på kontoret,
    není v kanceláři, nie je v kancelárii, nincs az irodában,
    fuera de la oficina, estoy fuera, estaré ausente, estare ausente, de vacaciones, periodo de vacaciones,
    no estaré, fora do escritório, fora do escritorio, ausência do escritório, estou de férias,
    ausência temporária, fuori sede, fuori ufficio, assenza, in ferie, afwezig, niet aanwezig, met vakantie,
    met verlof, frånvaro, frånvarande, på semester, fraværende, ikke på kontoret, fravær, ikke til stede, poissa,
    lomalla, nieobecność, nieobecnosc, poza biurem, mimo kancelář, mimo kancelár, nepřítomnost, neprítomnosť,
    irodán kívül, házon kívül, szabadságon, în concediu, вне офиса, в отпуске, отсутствие, отсутствую,
    у відпустці, εκτός γραφείου,
    ofis dışında, ofis disinda, izinli, izindeyim, di luar kantor, sedang cuti, vắng mặt, nghỉ phép, 休假, 外出,
    不在, 不在办公室, 不在辦公室, 부재중, 휴가, خارج المكتب, في إجازة, מחוץ למשרד, בחופשה, ไม่อยู่ที่ทำงาน,
    कार्यालय से बाहर, izven pisarne, van ureda
""")
"""The subject says that its author is away."""

ABSENT_HEADS = frozenset(
    table("""
    absence, absences, absent, away, away notice, ooo, oof, vacation, on leave, urlaub, ferien, congé, congés, vacances,
    ausencia, ausente, vacaciones, ausência, férias, assente, ferie, afwezigheid, vakantie, semester, ferier, ferie,
    loma, poissaolo, urlop, dovolená, szabadság, отпуск, odsutnost
""")
)
"""What stands alone before the colon and the subject that is answered; people begin subjects with it as well."""

RECEIVED = table("""
    we have received your, we've received your, we received your, your message has been received,
    your email has been received, your e-mail has been received, thank you for your message,
    thank you for your email, thank you for your e-mail, thank you for contacting, thanks for contacting,
    thank you for your inquiry, thank you for your enquiry, your request has been received,
    acknowledgement of receipt, acknowledgment of receipt, notice of receipt, we got your,
    thank you for writing, thanks for writing, thank you for your recent, thanks for your message,
    thanks for your email, thanks for your e-mail, thank you for getting in touch, thanks for getting in touch,
    your inquiry has been received, your enquiry has been received, your request was received,
    confirmation of receipt, receipt of your, ontvangstbevestiging,
    empfangsbestätigung, eingangsbestätigung, ihre anfrage ist eingegangen, vielen dank für ihre nachricht,
    vielen dank für ihre anfrage, accusé de réception, accuse de reception, nous avons bien reçu, acuse de recibo,
    hemos recibido su, conferma di ricezione, abbiamo ricevuto, confirmação de recebimento, recebemos sua,
    recebemos a sua, potwierdzenie otrzymania, potwierdzenie odbioru, kvittering for modtagelse, vi har modtaget,
    vi har mottagit, vi har mottatt
""")
"""A system confirms that it got something."""

RECEIVED_HEADS = frozenset(
    table("""
    request received, ticket received, ticket created, ticket opened, new ticket created, support ticket opened,
    support request received, support case opened, case created, inquiry received, enquiry received,
    your ticket has been received, your request has been received, your ticket has been created,
    anfrage erhalten, anfrage eingegangen, ihre anfrage ist eingegangen, ticket erstellt, ticket eröffnet,
    ticket eingegangen, demande reçue, demande enregistrée, ticket créé, solicitud recibida, ticket creado,
    richiesta ricevuta, ticket aperto, aanvraag ontvangen, verzoek ontvangen, solicitação recebida,
    zgłoszenie przyjęte, zgłoszenie zarejestrowane, ärende mottaget, ärende skapat, henvendelse mottatt,
    henvendelse modtaget, заявка принята, заявка зарегистрирована, запрос получен, talebiniz alındı
""")
)
"""What help desks write in brackets or before the subject that they got."""

MOVED = table("""
    my email address has changed, my e-mail address has changed, my address has changed, change of email address,
    change of e-mail address, new email address, new e-mail address, email address change,
    cambio de direccion de correo, cambio de dirección de correo, neue e-mail-adresse, neue mailadresse,
    nouvelle adresse e-mail, nuovo indirizzo e-mail, no longer with, no longer at, no longer works,
    has left the company, left the company, no longer employed
""")
"""The author moved or left."""

FILLERS = table("""
    notice, message, reply, response, assistant, auto, automatic, automated, notification, re, is, mail, email, e-mail,
    nachricht, antwort, notiz, meldung, réponse, respuesta, risposta, svar, and, und, mensagem, the, your, from, of
""")
"""Words that may stand beside them in a prefix."""

BY = table("""
    from, by, von, de, du, di, da, van, från, fra, od, от
""")
"""What leads to whose automatic answer it is."""

TO = table("to, for, of, auf, zu, à, a, op, til, till")
"""What leads to what it answers, where nothing else stands in the subject."""

POSSESSIVE = table("""
    your, our, my, the, this, ihr, ihre, ihrem, ihres, unser, unsere, mein, meine, votre, notre, mon, su, nuestro, mi,
    vostro, nostro, mio, uw, onze, mijn, a, an, der, die, das, dem, den, einer, einem, eine, la, le, les, un, une, el,
    los, las, una, il, lo, gli, o, os, as, het, een
""")
"""What leads to a thing that somebody writes about, not to whose answer it is: articles, and words of belonging."""

MESSAGES = table("""
    message, messages, mail, mails, e-mail, email, inquiry, enquiry, request, letter, note, contact, nachricht,
    anfrage, schreiben, demande, courriel, mensaje, correo, consulta, messaggio, richiesta, bericht, mensagem
""")
"""Things that are answered."""

GATEWAY_TAGS = table("""
    fw external, fw extern, from external, mail external, sender external,
    external, ext, extern, externe, externo, esterno, caution, warning, suspicious, spam, suspected spam, possible spam,
    bulk, encrypted, secure, sicher, internet, outside, achtung, attention, extérieur, vorsicht, avertissement,
    avviso, cuidado, aviso, waarschuwing, varning, advarsel, varoitus, uwaga, ekstern, eksternt, ulkoinen, ulkopuolinen,
    zewnętrzny, zewnętrzna, externí, externý, külső, extérieure, vanjski, zunanji, väline, išorinis, ārējs, harici, dış,
    eksternal, внешний, внешнее, внешняя, внимание, зовнішній, зовнішня, увага, външен, εξωτερικό, 外部, 外部邮件,
    外部郵件, 社外, 社外メール, 外部メール, 외부, 외부메일, خارجي, חיצוני, ภายนอก, bên ngoài
""")
"""Warnings of gateways before a colon."""

ASKING = table("""
    question, questions, please, quote, urgent, rückfrage, frage, fragen, bitte, pregunta, domanda, vraag, dúvida,
    fråga, pytanie, вопрос
""")
"""Words by which a person asks for something in a subject."""

FIRST_PERSON = table("""
    i, i'm, we, my, our, who, when, while, before, until, after, if, can, could, ich, wir, mein, unser, wer, wann, wenn,
    je, nous, yo, nosotros, io, noi, ik, wij, jag, vi, jeg, next, this, tomorrow
""")
"""Words of an author's own sentence about an absence."""
