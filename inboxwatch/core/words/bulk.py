"""The shapes of names behind which sits a program, not a person; regular expressions over lower-case text."""

SENDER = (
    r"(?:^|[._+-])(?:no|not|do|dont|donot)[._-]*(?:not)?[._-]*reply|noreply|^nobody$|^mailman|^majordomo|^listserv|^listproc|^lyris|"
    r"(?:^|[._+-])(?:newsletters?|e?news|notifications?|notify|notifier|alerts?|mailings?|bulletins?|announce|announcements?|"
    r"digest|unsubscribe|bounces?|auto(?:mated|mailer|reply|responder|confirm)?|robot|bot|daemon|cron|root|www-?data|apache|nagios|"
    r"jenkins|bugzilla|jira|rss\w*|feeds|promo|promotions?|offers|deals|specials|campaigns?|\w*updates?|reminders?|remind|"
    r"confirmation|subscriptions?|subscribers?|subscribe|e?mailer|donot\w*|sweeps\w*|sweepstakes|oracle|backup|monitoring|"
    r"syslog|logwatch)(?:$|[._+-]|\d)"
)
"""Local parts."""

HOST = (
    r"^(?:e|em|e-?mails|email|mailings?|mailer|news|newsletters?|lists?|listserv|info|reply|bounces?|mkt|marketing|promo|campaigns?|updates?|"
    r"notifications?|notify|alerts?|ummail\d*|email\d+)\.(?:[^.]+\.)+[a-z]+$|(?:^|\.)(?:newsletters?|listserv|mailings?|"
    r"bounces?|imakenews|mailchimp|sendgrid|mailgun|constantcontact|exacttarget|cheetahmail|roving|lyris)\."
)
"""Host names of mailing services, or the hosts that companies keep for mailings."""

NAME = r"newsletter|\bdigest\b|mailing list|no-?reply|notifications?\b|\balerts?\b|mailer\b|auto(?:mated|matic)|do not reply|\bbulletin\b|listmanager|(?:^|\W)(?:daily|weekly)\b"
"""Display names."""

ENVELOPE = r"(?:^|[.@_+-])bounces?(?:[.@_+=-]|\d|$)|^owner-|-(?:owner|request|errors|admin|outgoing)@|-bounces?@|(?:^|[.@_+-])(?:no-?reply|mailer|listserv|return)(?:[.@_+=-]|$)|[+=-][^@]*=[^@]*\.[a-z]{2,}@|^(?:prvs=)?[a-z0-9]+-[0-9a-f]{16,}@"
"""Envelope addresses (Return-Path) of lists and mailings."""
