"""What mailings and services say to many. Regular expressions over case-folded text on one line.

Written from the standard texts of list managers and mailing services, not from any one mail.
"""

from inboxwatch.core.mail.words import cues, either

UNSUBSCRIBE = either(r"""
    unsubscri
    opt[- ]?out
    (?:to be|wish to be|want to be|be) removed from
    remove (?:yourself|me|your (?:name|address))
    stop receiving
    no longer wish to receive
    (?:don'?t|do not) (?:want|wish) to receive
    (?:cancel|change|manage|modify|edit|update) your (?:subscription|preferences|profile|newsletter)
    (?:change|manage|modify|edit|update) your e-?mail (?:preferences|settings|options)
    preference cent
    email preferences
    abmelden
    abbestellen
    austragen
    newsletter.{0,30}abbestell
    désabonn
    désinscri
    se désinscrire
    ne plus recevoir
    darse de baja
    cancelar (?:la |su )?suscripci
    dejar de recibir
    cancellar(?:si|ti)
    disiscri
    annulla l'iscrizione
    cancelar (?:a )?(?:inscri|subscri)
    descadastr
    afmelden
    uitschrijven
    avregistrera
    avprenumerera
    avmeld
    framelding
    afmeld
    peruuta tilaus
    wypis
    rezygna|zrezygnowa
    odhlásit
    leiratkoz
    отписаться
    отписки
    відписатися
    aboneliğ
    üyelikten
    退订
    取消订阅
    取消訂閱
    配信停止
    配信解除
    購読解除
    수신거부
    إلغاء الاشتراك
    berhenti berlangganan
""")
"""A way out of a mailing."""

MAILING = cues(
    {
        "a way out of the mailing": UNSUBSCRIBE,
        "why it was sent": r"""
        you(?:'re| are| have been| were)? (?:receiv(?:ing|ed)|getting|sent|got) this …
            (?:e-?mail|newsletter|message|mailing)
            (?:update|notice)
        this (?:e-?mail|message|newsletter|mailing) (?:was|is|has been) (?:being )?sent (?:to|from|by)
        this (?:e-?mail|message|newsletter|mailing) (?:was|is|has been) (?:being )?(?:mailed|delivered) (?:to|from|by)
        you are subscribed
        you (?:have )?subscribed
        because you (?:are|have|signed|registered|opted|subscribed)
        as a (?:registered|valued|subscriber)
        diese (?:e-?mail|nachricht) (?:wurde|erhalten)
        sie erhalten diese
        vous recevez ce
        recibe este
        ricevi questa
        u ontvangt deze
        você (?:está )?receb
        otrzymuj(?:esz|ą państwo) (?:ten|tę|to)
        du (?:får|fick) detta (?:mejl|mail|nyhetsbrev|utskick)
        du (?:får|modtager|mottar) denne
        вы получили это
        saat tämän
        ezt a(?:z e-?mailt| levelet| hírlevelet)[^.]{0,30}kap
        tento e-?mail (?:jste|ste)
        bu e-?postayı
        您收到(?:此|这封|這封)
        会員の方に
        (?:ご登録|登録いただいた)[^。]{0,20}お送り
    """,
        "a web copy": r"""
        view (?:this|it|the)?[^.]{0,30}(?:in|with) (?:your |a )?(?:web )?browser
        view (?:as|the) web ?page
        web version
        having trouble (?:viewing|reading)
        can'?t (?:see|read|view) this
        click here to (?:view|read)
        im browser (?:ansehen|anzeigen|öffnen)
        (?:not|isn'?t|aren'?t) (?:being )?(?:display|show|render)(?:ed|ing|s)? (?:properly|correctly)
        in your (?:web |internet )?browser
        version en ligne
        ver en (?:el|su) navegador
    """,
        "a copyright line": r"""
        (?:copyright|©|\(c\))[^.]{0,30}(?:19|20)\d\d
        all rights reserved
        alle rechte vorbehalten
        tous droits réservés
    """,
        "a newsletter's words": r"""
        newsletter
        nyhetsbrev|nyhedsbrev|nieuwsbrief|uutiskirje|hírlevél|biuletyn|zpravodaj
        рассылк
        メールマガジン|メルマガ
        this issue
        in this week
        (?:weekly|daily|monthly) (?:update|digest|edition|report|e-?mail|news|picks)
        subscriber
        mailing list
        subscription
    """,
        "a notice to subscribers": r"""
        privacy (?:policy|statement)
        terms (?:of (?:use|service)|and conditions)
        datenschutz
        forward (?:this|it) to a friend
        tell a friend
        sponsor
        advertis
    """,
        "an offer": r"""
        click here
        order (?:now|today|online)
        buy now
        shop now
        special offer
        limited time
        free shipping
        save (?:up to )?\$?\d
        register (?:now|today)
        sign up
        learn more
        read more
        full story
        more details
    """,
    }
)
"""What newsletters and mailings say."""

LIST_FOOTER = either(r"""
    \n_{20,}\n[^\n]{1,200}mailing list
    \n-- ?\nto unsubscribe from this list
    \n-- ?\nyou received this message because you are subscribed to the google groups
""")
"""Where a discussion list's own footer begins: what follows was not written by the sender."""

ACCOUNT_STEP = either(r"""
    (?:activate|verify|confirm|validate|reset|change|complete|finish) (?:\w+ ){0,4}…
        (?:account|address|e-?mail|domain|password|registration|subscription|it)\b
    (?:click|open|visit|follow|use|go to) (?:\w+ ){0,4}(?:link|https?://|url)
    https?://
    \b(?:verification|sign[- ]?in|log[- ]?in|security|confirmation|access|one[- ]time|single[- ]use) …
        (?:code|pass ?code|password|pin)\b
    (?:bestätigungs|sicherheits|zugangs|anmelde|verifizierungs)-?code
    code de (?:vérification|sécurité|connexion)
    código de (?:verificación|seguridad|acceso|verificação)
    codice di (?:verifica|sicurezza|accesso)
    (?:bestätigen|aktivieren) sie
    (?:klicken|öffnen|folgen) sie (?:\w+ ){0,4}link
    (?:confirmez|activez|cliquez)
    (?:confirme|active|haga clic)
    (?:confermare|attivare|clicca)
    (?:bevestig|activeer|klik)
    verificatiecode|beveiligingscode|inlogcode
    código de (?:segurança|acesso|confirmação)
    kod (?:weryfikacyjny|bezpieczeństwa|potwierdz)
    (?:verifierings|säkerhets|engångs)kod
    (?:verifiserings|sikkerheds|sikkerhets|engangs|bekræftelses)kode
    vahvistuskoodi
    ověřovací kód|overovací kód
    код (?:подтверждения|безопасности|доступа)
    doğrulama kodu
    (?:認証|確認)コード
    验证码|驗證碼
    인증 ?번호
""")
"""A step to take at a service."""

ACCOUNT_DENIAL = either(r"""
    if you (?:did not|didn'?t|have not|haven'?t) (?:\w+ ){0,3}…
        (?:request|ask|sign|register|create|subscrib|make|initiate|enter|expect this)
    if (?:that|this|it) was(?: not|n'?t) you
    if (?:that|this|it) was you\b[^.]{0,60}\. if (?:not|it wasn'?t|this wasn'?t)\b
    (?:someone|somebody) (?:\([^)]{0,60}\) )?(?:has |have )?(?:asked|requested) (?:us )?(?:to|that) (?:\w+ ){0,3}…
        (?:your|this) (?:e-?mail|address)
    (?:someone|somebody)\b[^.]{0,60}\bregistered\b[^.]{0,60}\. if (?:not|that)\b
    (?:tell us|let us know) if (?:that|this|it) was(?: not|n'?t)
    (?:someone|somebody) (?:\w+ ){0,3}(?:entered|used|registered|requested|may have) (?:\w+ ){0,3}…
        (?:your|this) (?:e-?mail|address)
    (?:someone|somebody) (?:else )?(?:\w+ ){0,3}(?:requested|asked for|registered|done so)
    wenn sie (?:dies|diese|sich|das) (?:\w+ ){0,4}nicht (?:angefordert|angemeldet|beantragt|registriert)
    falls sie (?:dies|diese|sich|das) (?:\w+ ){0,4}nicht (?:angefordert|angemeldet|beantragt|registriert)
    si vous n'(?:avez|êtes) pas (?:\w+ ){0,3}(?:demand|inscri|à l'origine|effectu)
    si (?:usted )?no (?:ha|has|solicit|fue)
    se non (?:hai|ha) (?:richiest|effettuat)
    als (?:u|je) (?:dit|deze|zich) (?:\w+ ){0,3}niet (?:heb|hebt|heeft|aangevraagd)
    se (?:você )?não (?:foi você|solicitou|pediu|fez)
    jeśli to nie (?:ty|państwo)|jeśli nie (?:prosi|wysyła|zakłada)
    om du inte (?:har )?(?:begärt|beställt|försökt)|om det inte var du
    hvis du ikke (?:har )?(?:bedt|bestilt|forsøgt|forsøkt)|hvis det ikke var dig|hvis det ikke var deg
    jos et (?:itse )?(?:pyytänyt|tilannut)
    pokud jste (?:o )?(?:\w+ )?ne(?:žádali|požádali)
    если вы (?:\w+ ){0,2}не (?:запрашивали|регистрировались|делали)|если это были не вы
    (?:bu isteği )?siz yapmadıysanız
    心当たりがない
    如非本人|如果(?:这)?不是您
    본인이 요청하지
""")
"""What services say to whoever did not ask for the account: no person writes it to another."""
