"""The shapes of names behind which sits a program, not a person; lower case.

Role names that small companies read by hand (orders, invoices, marketing, info) are left out on purpose.
"""

from inboxwatch.core.mail.words import either, table

SENDER = frozenset(
    table("""
    newsletter, newsletters, enews, notification, notifications, notify, notifier, alerts, mailing, mailings,
    digest, unsubscribe, bounces, automated, automailer, autoreply, autoresponder, autoconfirm, wwwdata, nagios,
    bugzilla, jira, rss, rssfeed, rssfeeds, subscriber, subscribers, subscribe, emailer, monitoring, syslog,
    logwatch, noreply, donotreply, dontreply, mailman, majordomo, listserv, listproc, alerting
""")
)
"""Words of a local part, as dots, dashes, underscores, plus signs and digits divide it, that no person bears."""

SENDER_MAYBE = frozenset(
    table("""
    alert, bounce, daemon, cron, apache, jenkins, mailer, lyris, news, root, robot, bot, auto, www, bulletin,
    announce, announcement, announcements, promo, promotion, promotions, specials, offers, deals, campaign,
    campaigns, update, updates, reply, replies, reminder, reminders, remind, confirmation, subscription,
    subscriptions, feeds, backup, nobody, oracle, postgres, mysql, tomcat, zabbix, list, icinga, splunk
""")
)
"""Words that are surnames and trades too: they tell where nobody's name stands beside them."""

BESIDE = frozenset(
    table("""
    admin, administrator, api, app, build, ci, chat, cloud, daily, deploy, dev, git, info, jobs, list, mail, email,
    marketing, no, order, orders, release, report, reports, sales, security, server, service, services, shop, slack,
    status, store, support, system, team, test, web, weekly, monthly, online, member, members, account, accounts,
    the, confirm, receipt, receipts, invoice, invoices, billing, response, responder, delivery, shipping, shipment,
    tracking, payment, payments, verify, user, users, ticket, tickets, crm, erp
""")
)
"""Words that name no person, beside which those above keep their weight."""

SURNAMES = frozenset(table("daily, store, list, jenkins, root, bot, cron, mailer, alert, bounce"))
"""Those of both that are borne as surnames."""

NO_REPLY = either(r"""
    noreply
    (?:^|[._+-])no[._-]reply
    not[._-]?(?:reply|respond)
    nicht[._-]?antworten|keine[._-]?antwort
    ne[._-]?pas[._-]?repondre
    no[._-]?(?:responder|respondas?|contestar)
    non?[._-]?rispond(?:ere|a)
    n[aã]o[._-]?respond(?:er|a)
    niet[._-]?(?:be)?antwoorden|geen[._-]?antwoord
    svara[._-]?(?:ej|inte)|(?:ej|inte)[._-]?svara
    (?:ikke|intet)[._-]?svar
    (?:ei|ala)[._-]?vasta
    nie[._-]?odpowiada
    ne[._-]?odpov[ie]
    ne[._-]?valaszol
    nu[._-]?raspund
    (?:yanit|cevap)[._-]?(?:lama|verme)
    (?:^|[._-])(?:auto|rss)(?:reply|mail|notif|feed)
    updates(?:$|[._+-])
""")
"""Such words run together."""

HOST = frozenset(
    table("""
    mailing, mailings, mailer, news, newsletter, newsletters, listserv, bounce, bounces, mkt, promo, campaign,
    campaigns, notification, notifications, notify, alert, alerts, lists
""")
)
"""First labels of the hosts that companies keep for mailings."""

HOST_MAYBE = frozenset(
    table("""
    e, em, email, emails, list, reply, marketing, update, updates
""")
)
"""First labels that universities and firms also give to people's mailboxes."""

SERVICE = frozenset(
    table("""
    newsletter, newsletters, listserv, mailing, mailings, bounce, bounces, mailchimp, sendgrid, mailgun,
    constantcontact,
    exacttarget, cheetahmail, roving, lyris
""")
)
"""Labels at any place of a host name: mailing services and software."""

SUFFIXES = frozenset(
    table("""
    ac, asso, co, com, edu, firm, gen, go, gob, gouv, gov, gv, ind, info, ltd, mil, ne, net, nom, or, org, plc, sch
""")
)
"""Second labels below which countries register names (`co.uk`): what stands before one is the owner's own domain."""

NAME = either(r"""
    newsletter
    \bdigest\b
    mailing list
    no-?reply
    notifications?\b
    do not reply
    \bbulletin\b
    listmanager
    (?:^|\W)(?:daily|weekly)\b
""")
"""Display names."""

NAME_MAYBE = either(r"""
    \balerts?\b
    mailer\b
    auto(?:mated|matic)
""")
"""Words of display names that trades and products bear as well."""

ENVELOPE = either(r"""
    (?:^|[.@_+-])bounces?(?:[.@_+=-]|\d|$)
    ^owner-
    -(?:owner|request|errors|admin|outgoing)@
    -bounces?@
    (?:^|[.@_+-])(?:no-?reply|mailer|listserv|return)\d*(?:[.@_+=-]|$)
    ^(?:dev-?null|null|nobody|nirvana|blackhole)@
    ^[a-z0-9]+-[0-9a-f]{16,}@
""")
"""Envelope addresses (Return-Path) of lists and mailings."""

CODED_ADDRESS = r"[+=-][^@=]*+=[^@]*\.[a-z]{2,}@"
"""Another address written into the local part of an envelope address (VERP)."""

PERSONAL_PROGRAM = either(r"""
    thunderbird
    microsoft (?:office )?outlook
    ^outlook
    apple mail
    (?:iphone|ipad) mail
    ^evolution
    ^kmail
    ^mutt
    ^neomutt
    ^claws
    ^sylpheed
    ^alpine
    ^pine
    ^roundcube
    ^squirrelmail
    ^horde
    ^zimbra
    ^gnus
    ^mew\b
    ^the bat
    ^lotus notes
    ^k-9 mail
    ^fairemail
    ^em client
    ^emclient
    ^airmail
    ^spark
    ^mailmate
    ^postbox
    ^seamonkey
    ^aerc
    ^nmh|^mh-e
    ^foxmail
    ^coremail
    ^nine\b
    ^bluemail
    ^open-xchange
    ^sogo
    ^zoho mail
    ^git-send-email
    ^groupwise
    ^novell groupwise
    ^eudora
    ^qualcomm
""")
"""How the mail programs of persons begin their X-Mailer or User-Agent, lower case."""

SENDING_PROGRAM = either(r"""
    phpmailer
    ^php\b
    swift ?mailer
    ^aspmail
    ^aspnetemail
    ^sendemail
    ^mime::lite
    ^mailchimp
    ^mailgun
    ^cdo\b
    ^nodemailer
    ^jmail
    ^persits
    ^wordpress
    ^drupal
    ^symfony
    ^laminas|^zend
    ^groupmail
    ^lyris
    ^worldmerge
    ^aureate
    ^interspire
    ^sendy
    ^mautic
    ^acymailing
""")
"""How programs that send without a person begin their X-Mailer, lower case; web forms are among them."""

ACCOUNT_WORDS = frozenset(
    table("""
    confirm, verify, validate, activate, password, code, passcode, link, sign, login, bestätigen, bestätigung,
    aktivierung, passwort, activation, confirmation, passe, confirma, active, activa, verifica, conferma, attiva,
    bevestig, signin, log, confirmez, sicherheitscode, bestätigungscode, zugangscode, anmeldecode, vérification,
    sécurité, verificación, seguridad, verifica, sicurezza, verificatiecode, beveiligingscode, verificação, segurança,
    weryfikacyjny, verifieringskod, säkerhetskod, engångskod, verifiseringskode, sikkerhedskode, vahvistuskoodi,
    подтверждения, doğrulama, 認証コード, 確認コード, 验证码, 驗證碼
""")
)
"""One of these stands in each of the subjects below."""

ACCOUNT_SUBJECT = either(r"""
    ^(?:please )?(?:confirm|verify|validate|activate) your (?:\w+ )?…
        (?:e-?mail|account|registration|subscription|sign-?up)
    ^(?:reset|change) your password
    ^(?:your )?password (?:reset|change|recovery)
    ^your password (?:was|has been) (?:reset|changed)
    \b(?:verification|sign[- ]?in|log[- ]?in|security|one[- ]time) (?:code|passcode|link)…
        (?=[ .:#-]*(?:$|\d)| (?:is|for your|to (?:sign|log))\b)
    ^new (?:sign|log)[- ]?in (?:to|from|on)\b
    ^(?:ihr |dein )?(?:sicherheits|bestätigungs|zugangs|anmelde)code[ .:#-]*(?:$|\d)
    ^(?:votre |ton )?code de (?:vérification|sécurité|connexion)[ .:#-]*(?:$|\d)
    ^(?:su |tu )?código de (?:verificación|seguridad)[ .:#-]*(?:$|\d)
    ^(?:il tuo )?codice di (?:verifica|sicurezza)[ .:#-]*(?:$|\d)
    ^(?:je |uw )?(?:verificatie|beveiligings)code[ .:#-]*(?:$|\d)
    ^(?:o )?(?:seu )?código de (?:verificação|segurança)[ .:#-]*(?:$|\d)
    ^(?:twój )?kod weryfikacyjny[ .:#-]*(?:$|\d)
    ^(?:din )?(?:verifierings|säkerhets|engångs)kod[ .:#-]*(?:$|\d)
    ^(?:din )?(?:verifiserings|sikkerheds)kode[ .:#-]*(?:$|\d)
    ^vahvistuskoodi(?:si)?[ .:#-]*(?:$|\d)
    ^(?:ваш )?код подтверждения[ .:#-]*(?:$|\d)
    ^doğrulama kodu(?:nuz)?[ .:#-]*(?:$|\d)
    ^(?:認証コード|確認コード|验证码|驗證碼)[ .:：#-]*(?:$|\d)
    ^bestätigen sie ihre
    ^(?:bestätigung ihrer|aktivierung ihres) (?:e-?mail|registrierung|anmeldung|kontos|benutzerkontos)
    ^(?:ihr )?neues passwort
    ^passwort (?:zurücksetzen|ändern|vergessen)
    ^(?:activation|confirmation) de votre (?:compte|adresse|inscription)
    ^confirmez votre (?:compte|adresse|inscription|e-?mail)
    ^réinitialisation (?:de votre|du) mot de passe
    ^(?:confirma|active|activa|verifica) (?:tu|su) (?:cuenta|correo|dirección)
    ^(?:conferma|attiva|verifica) (?:il tuo|la tua) (?:account|indirizzo|e-?mail)
    ^bevestig (?:uw|je) (?:e-?mail|account|aanmelding)
""")
"""Subjects of account mail, case folded; where text may be read it decides."""

CAMPAIGN_FIELD = r"(?:^|:)[^:]*(?:campaign|newsletter|marketing|promo|broadcast|mailing|bulk)[^:]*(?::|$)"
"""Fields of a Feedback-ID by which a sender tells that it counts a mailing."""
