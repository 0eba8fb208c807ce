"""Content types of MIME parts that machines write: their bytes may be read in every privacy mode."""

from __future__ import annotations

WHOLE = {"message/delivery-status", "message/global-delivery-status", "message/disposition-notification",
         "message/global-disposition-notification", "text/calendar", "text/rfc822-headers",
         "message/rfc822-headers", "message/feedback-report"}  # fmt: skip
"""Machine parts that are read as they are."""
RETURNED = {"message/rfc822", "message/global"}
"""A returned message: of these only the header is read, and only inside a multipart/report."""
