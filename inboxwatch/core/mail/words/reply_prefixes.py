"""What mail programs put before a subject.

Compiled from the locale tables of Thunderbird (`localizedRe`), Stalwart's mail-parser and the Wikipedia list of
e-mail subject abbreviations; single words only.
"""

from inboxwatch.core.mail.words import table

REPLY = frozenset(
    table("""
    re, r, ref, rif, res, aw, antw, antwort, sv, svar, vs, va, vá, válasz, odp, bls, balas, ynt, yanit, yanıt,
    cevap, atb, απ, απαντ, σχετ, rsp, resp, ats, vast, vál, þs, er, réf, rép, rép., reponse, réponse, resposta,
    respuesta, risposta, odpověď, odpoveď, odgovor, ответ, отг, на, відповідь, répondre, ang, 回复, 答复, 回覆,
    回復, 返信, 回信, 답장, 회신, رد, השב, תגובה, ตอบ, trả-lời
""")
)
"""Before an answer."""

FORWARD = frozenset(
    table("""
    fwd, fw, fs, rv, enc, vl, vb, wg, doorst, doorgestuurd, tr, trs, i, pd, πρθ, továbbítás, továbbítva, továbbít,
    ilt, i̇lt, yml, trans, weitergeleitet, transferred, forward, inoltra, inoltrato, reenv, reenviado, encaminhado,
    пересл, пересылка, преп, fi, 转发, 轉寄, 轉發, 転送, 전달, הועבר, العادة, إعادة-توجيه, chuyển-tiếp
""")
)
"""Before a message passed on."""

WAS = table("""
    was, war, était, ex, before, fue, era, ehemals, було, было, 原
""")
"""Before the old subject in brackets where a thread got a new one."""
