"""The shapes of addresses behind which sits a program, not a person: the local part, lower case."""

SENDER = (
    r"(?:^|[._+-])(?:no|not|do|dont|donot)[._-]*(?:not)?[._-]*reply|noreply|^nobody$|^mailman|^majordomo|^listserv|^listproc|"
    r"(?:^|[._+-])(?:newsletters?|news-?letter|notifications?|notify|notifier|alerts?|mailing|mailings|bulletins?|announce|announcements?|digest|"
    r"unsubscribe|bounces?|auto(?:mated|mailer|reply|responder|confirm)?|robot|bot|daemon|cron|root|www-data|apache|nagios|jenkins|bugzilla|jira|rss|"
    r"marketing|promo|promotions?|offers?|deals?|specials?|campaigns?|updates?|reminders?|invoices?|receipts?|statements?|orders?|shipping|shipment|confirm|confirmation|"
    r"subscriptions?|subscribe|membership|e?mailer|customer-?service|webmaster|postmaster|system|service-?desk|delivery)(?:$|[._+-]|\d)"
)
