"""Texts that buyers may write into names and subjects: one list, shown to every channel."""

from __future__ import annotations

import unicodedata

HOSTILE = {
    "slack markup": "<!channel> <@U1> *x* <http://evil.test|click> &lt;!here&gt; <#C1>",
    "everyone": "@everyone @here @channel <!everyone>",
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)> & \"quotes\" 'too'",
    "html attribute": '" onmouseover="alert(1)" x=\'',
    "template": "{{ 7 * 7 }} {% raw %} {{ cycler.__init__.__globals__ }} ${7*7} #{7*7} %s %(x)s {0}",
    "rich markup": "[bold red]x[/] [link=http://evil.test]y[/link] [/nothing]",
    "markdown": "**x** [click](http://evil.test) ![y](http://evil.test/p.png) `z` # h\u2028> q",
    "mail header": "Offer\r\nBcc: victim@buyer.test\r\n\r\nbody",
    "line breaks": "one\ntwo\rthree\vfour\ffive\x85six\u2028seven\u2029eight",
    "escape sequences": "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b31m \x00\x08\x7f",
    "right to left": "invoice \u202egpj.exe\u202c \u2066\u2067\u2068x\u2069 \u200f\u200e \u061c",
    "invisible": "\u200b\ufeff\u00ad\u2060\U000e0041\U000e0042 \u3164",
    "nothing visible": "\u200b\u202e\x00",
    "lone surrogate": "caf\udce9 \ud800",
    "long": "A long subject " * 7000,
    "long without spaces": "W" * 100_000,
    "long of entities": "&<>" * 33_000,
    "long of marks": "a" + "\u0301" * 100_000,
    "long of emoji": "👩‍👩‍👧‍👦" * 14_000,
    "other scripts": "مرحبا بكم في المتجر، שלום, こんにちは, Straße, 👩🏽‍💻",
    "json": '"}],"text":"<!channel>"} \\u003c!channel\\u003e',
    "smtp": ".\r\n.\r\nQUIT\r\n",
}


def assert_harmless(shown: str, *, lines: bool = False) -> None:
    """Nothing in it moves the cursor, breaks a line, turns the reading direction or cannot be written as UTF-8."""
    shown.encode()
    for char in shown if not lines else shown.replace("\r\n", "\n").replace("\n", ""):
        category = unicodedata.category(char)
        assert category not in {"Cc", "Cs", "Zl", "Zp"}, f"control character {char!r}"
        assert category != "Cf" or char in "\u200c\u200d", f"invisible character {char!r}"
