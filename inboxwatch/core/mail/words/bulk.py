"""The shapes of names behind which sits a program, not a person; lower case.

Role names that small companies read by hand (orders, invoices, marketing, info) are left out on purpose.
"""

from inboxwatch.core.mail.words import either, table

SENDER = frozenset(
    table("""
    newsletter, newsletters, news, enews, notification, notifications, notify, notifier, alert, alerts, mailing,
    mailings,
    bulletin, bulletins, announce, announcement, announcements, digest, unsubscribe, bounce, bounces, auto, automated,
    automailer, autoreply, autoresponder, autoconfirm, robot, bot, daemon, cron, root, www, wwwdata, apache,
    nagios, jenkins,
    bugzilla, jira, rss, rssfeed, rssfeeds, feeds, promo, promotion, promotions, offers, deals, specials, campaign,
    campaigns, update, updates, reminder, reminders, remind, confirmation, subscription, subscriptions, subscriber,
    subscribers, subscribe, mailer, emailer, backup, monitoring, syslog, logwatch, noreply, donotreply, dontreply,
    mailman,
    majordomo, listserv, listproc, lyris, nobody
""")
)
"""Words of a local part, as dots, dashes, underscores, plus signs and digits divide it."""

NO_REPLY = r"no[._-]?reply|not[._-]?reply|(?:^|[._-])(?:auto|rss)(?:reply|mail|notif|feed)|updates(?:$|[._+-])"
"""Such words run together."""

HOST = frozenset(
    table("""
    e, em, email, emails, mailing, mailings, mailer, news, newsletter, newsletters, list, lists, listserv, reply,
    bounce,
    bounces, mkt, marketing, promo, campaign, campaigns, update, updates, notification, notifications, notify,
    alert, alerts
""")
)
"""First labels of the hosts that companies keep for mailings."""

SERVICE = frozenset(
    table("""
    newsletter, newsletters, listserv, mailing, mailings, bounce, bounces, mailchimp, sendgrid, mailgun,
    constantcontact,
    exacttarget, cheetahmail, roving, lyris
""")
)
"""Labels at any place of a host name: mailing services and software."""

NAME = either(r"""
    newsletter
    \bdigest\b
    mailing list
    no-?reply
    notifications?\b
    \balerts?\b
    mailer\b
    auto(?:mated|matic)
    do not reply
    \bbulletin\b
    listmanager
    (?:^|\W)(?:daily|weekly)\b
""")
"""Display names."""

ENVELOPE = either(r"""
    (?:^|[.@_+-])bounces?(?:[.@_+=-]|\d|$)
    ^owner-
    -(?:owner|request|errors|admin|outgoing)@
    -bounces?@
    (?:^|[.@_+-])(?:no-?reply|mailer|listserv|return)(?:[.@_+=-]|$)
    [+=-][^@]*=[^@]*\.[a-z]{2,}@
    ^[a-z0-9]+-[0-9a-f]{16,}@
""")
"""Envelope addresses (Return-Path) of lists and mailings."""
