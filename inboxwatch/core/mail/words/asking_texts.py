"""How people ask for something. Regular expressions over case-folded text on one line."""

from inboxwatch.core.mail.words import either

ASKS = either(r"""
    \b(?:could|can|would|will|do|does|did|is|are|how|when|what|which|where|why|who|may|shall) [^.?!]{3,200}[?]
    \b(?:könn(?:t)?en|haben|ist|sind|wann|wie|was|welche[rs]?|wo|warum|wer|gibt) [^.?!]{3,200}[?]
    \b(?:pourriez|pouvez|avez|est-ce|quand|quel(?:le)?s?|combien|comment) [^.?!]{3,200}[?]
    \b(?:podría|puede|pueden|tiene|cuándo|cuánto|cuál|cómo|qué) [^.?!]{3,200}[?]
    \b(?:potrebbe|può|quando|quanto|quale|come) [^.?!]{3,200}[?]
    \b(?:kunt|kunnen|kan|heeft|wanneer|hoeveel|welke) [^.?!]{3,200}[?]
    please (?:quote|call me|let (?:me|us) have|offer|advise)
    please send (?:us|me) (?:a|an|your|the) (?:\w+ ){0,2}…
        (?:quot|offer|price|list|catalog|brochure|invoice|contract|sample)
    (?:i|we) (?:need|want|require|would like|are looking for|am looking for) (?:a|an|your|the|to|some|\d+)
    bitte (?:senden|schicken|machen|geben|rufen) sie (?:uns|mir|mich)
    (?:merci de|veuillez) (?:me|nous) (?:envoyer|faire)
    пришлите
    proszę o (?:ofert|przesłanie|wycen)
    vill gärna ha
    [?？]\s*$
    お?見積
""")
"""Somebody asks for something: who does waits for an answer, whatever else they write. A cue, no proof."""

GENERAL = either(r"""
    if you (?:have|need|want|would|wish|are)
    questions?\s?[?]
    how did we do
    need (?:more )?help[?]
    did you know
""")
"""What begins the questions of standard letters."""
