"""What forms, shops and lead portals write when somebody fills them in; case folded."""

from inboxwatch.core.mail.words import table

SUBJECT = table("""
    contact form, form entry, new contact, new request, new message via, received a new message, filled out your form,
    filled in your form, web form, webform, contact request, form submission, new submission, new enquiry, new inquiry,
    enquiry from, inquiry from, enquiry via, inquiry via, new lead, lead from, new message from, message from your,
    quote request, request for quote, request a quote, quotation request, callback request, website enquiry,
    website inquiry, from your website, from your site, from your web, product enquiry, product inquiry,
    customer enquiry,
    kontaktformular, anfrage über, anfrage von, neue anfrage, kontaktanfrage, formulaire de contact, nouvelle demande,
    demande de contact, demande de devis, formulario de contacto, nueva consulta, nuevo mensaje de, modulo di contatto,
    nuova richiesta, contactformulier, nieuwe aanvraag, formulário de contato, formulário de contacto, novo contato,
    kontaktformulär, kontaktskjema, kontaktformular fra, formularz kontaktowy, お問い合わせ,
    form response, new form response, new response, new entry, booking request, viewing request, test drive request,
    neue einsendung, formularantwort, formulareingang, webanfrage, objektanfrage, anfrage aus, nachricht über,
    nachricht von ihrer, réponse au formulaire, nouvelle réponse, nouveau message de, demande d'information,
    message depuis votre, respuesta del formulario, nueva respuesta, nueva solicitud, solicitud de contacto,
    solicitud de presupuesto, nuovo messaggio da, richiesta di contatto, richiesta di preventivo, richiesta dal sito,
    formulierinzending, nieuwe inzending, nieuw bericht van, offerteaanvraag, nova mensagem de, novo pedido,
    pedido de orçamento, nowe zapytanie, zapytanie ze strony, ny förfrågan, förfrågan från, ny henvendelse,
    henvendelse fra, uusi yhteydenotto, yhteydenottolomake, nový dotaz, kontaktní formulář, kontaktný formulár,
    kapcsolatfelvétel, űrlap, formular de contact, iletişim formu, заявка с сайта, новая заявка, сообщение с сайта,
    форма обратной связи, 网站留言, 询盘, 詢價, 문의
""")
"""Parts of subjects."""

SENDERS = table("""
    form, forms, webform, webforms, formular, formulaire, formulario, contactform, lead, leads, enquiry, enquiries,
    inquiry, inquiries, submission, submissions, website, wordpress
""")
"""Words of the addresses from which they send."""

LABELS = table("""
    name, full name, first name, last name, your name, e-?mail, e-?mail address, your e-?mail, phone, phone number,
    telephone, mobile, company, company name, message, your message, comments?, enquiry, inquiry, question, subject,
    vorname, nachname, firma, telefon, nachricht, ihre nachricht, nom, prénom, société, téléphone, nombre, apellidos?,
    empresa, teléfono, mensaje, nome, cognome, azienda, telefono, messaggio, naam, bedrijf, telefoon, bericht,
    mensagem, telefone, namn, företag, meddelande, お名前, 会社名
""")
"""What stands before each thing filled in; regular expressions."""

ROLES = table("""
    support, info, service, sales, reply, replies, contact, help, helpdesk, team, office, hello, marketing, press, care,
    customercare, customerservice, feedback, billing, admin
""")
"""First words of addresses that mailings and tickets name for their answers."""
