"""The SOAP around what the double of Exchange answers."""

from __future__ import annotations

from aiohttp import web

MESSAGES = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"


def done(operation: str, content: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}'
        f"</m:{operation}ResponseMessage>"
    )


def failed(operation: str, code: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>{code} was the answer.</m:MessageText>'
        f"<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
        f"</m:{operation}ResponseMessage>"
    )


def fault(code: str, back_off: int) -> str:
    return (
        f'<s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:{code}</faultcode>'
        f"<faultstring>{code} was the answer.</faultstring><detail>"
        '<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">'
        f"{code}</e:ResponseCode>"
        f'<t:MessageXml><t:Value Name="BackOffMilliseconds">{back_off}</t:Value></t:MessageXml></detail></s:Fault>'
    )


def streamed(content: str) -> bytes:
    """One of the documents that follow each other in a streaming answer."""
    body = f"<m:GetStreamingEventsResponse><m:ResponseMessages>{done('GetStreamingEvents', content)}"
    return envelope(f"{body}</m:ResponseMessages></m:GetStreamingEventsResponse>").encode()


def envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:m="{MESSAGES[1:-1]}" xmlns:t="{TYPES[1:-1]}"><s:Header>'
        '<t:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" '
        'Version="V2017_07_11"/></s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def answer(body: str, status: int = 200) -> web.Response:
    text = envelope(body).encode("utf-8", "replace")
    return web.Response(status=status, body=text, content_type="text/xml", charset="utf-8")
