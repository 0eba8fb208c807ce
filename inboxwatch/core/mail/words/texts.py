"""What programs write into the text of a mail. Regular expressions over case-folded text on one line.

Written from the standard texts of mail systems, list managers and mailing services, not from any one mail.
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
    rezygna
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

_THING = r"(?:e-?mail|message|mail|reply|response|answer|notification|acknowledge?ment|notice)"
_END = (
    r"(?=\W*(?:$|[.,;:!)*\]<|-]"
    r"|(?:and|from|to|sent|that|because|please|was|is|by|in|regarding|confirming|generated|so|do)\b))"
)

_THIS_IS = (
    r"this (?:is|was) an? (?:automat\w+|auto[- ]?generated|computer[- ]generated|system[- ]generated)"
    rf"(?: \w+){{0,2}} {_THING}"
)

MACHINE = either(rf"""
    {_THIS_IS}
    (?:e-?mail|message|mail|reply|response|notice) (?:\w+ ){{0,4}}(?:automatically|computer|system|auto)[- ]generated
    ^\W*(?:automatically|computer|system|auto)[- ]generated
    automat(?:ic|ed) {_THING}{_END}
    autorespon(?:se|der){_END}
    auto-?reply{_END}
    (?:e-?mail|message|mail|reply|response) (?:\w+ ){{0,4}}(?:generated|sent) automatically
    automatisch (?:generierte|erstellte|versandte|erzeugte) (?:e-?mail|nachricht|antwort|mail)
    (?:e-?mail|nachricht|antwort|mail) (?:\w+ ){{0,3}}automatisch (?:generiert|erstellt|versandt|erzeugt|versendet)
    automatische (?:antwort|nachricht|e-?mail)(?!-|\w)
    (?:message|courriel|e-?mail|réponse) (?:\w+ ){{0,4}}(?:généré|envoyé)e? automatiquement
    (?:message|réponse) automatique{_END}
    (?:mensaje|correo|respuesta) (?:\w+ ){{0,4}}(?:generado|enviado|generada|enviada) automáticamente
    (?:mensaje|respuesta) automátic[oa]{_END}
    (?:messaggio|risposta|e-?mail|mail) (?:\w+ ){{0,4}}(?:generat|inviat)[ao] automaticamente
    (?:messaggio|risposta) automatic[oa]{_END}
    (?:bericht|e-?mail|mail) (?:\w+ ){{0,3}}automatisch (?:gegenereerd|verzonden|verstuurd)
    automatisch(?:e)? (?:gegenereerd(?:e)?|verzonden) (?:bericht|e-?mail)
    automatisch (?:bericht|antwoord){_END}
    (?:mensagem|e-?mail|resposta) (?:\w+ ){{0,4}}(?:gerad|enviad)[ao] automaticamente
    (?:mensagem|resposta) automática{_END}
    (?:meddelande|svar|mejl|mail|e-post)\w* (?:\w+ ){{0,4}}automatiskt
    automatiskt (?:svar|meddelande|genererat|mejl|utskick)
    automatisk (?:svar|genereret|generert|besked|melding)
    (?:wiadomość|mail|odpowiedź) (?:\w+ ){{0,4}}(?:wygenerowan|wysłan)\w* automatycznie
    automatycznie (?:wygenerowan|wysłan)
    automatyczna (?:odpowiedź|wiadomość)
    automaticky (?:generovan|odeslan|vygenerovan|vytvořen)\w* (?:zpráv|e-?mail|správ)
    (?:zpráva|e-?mail|správa) (?:\w+ ){{0,4}}automaticky
    automatikus (?:válasz|üzenet|e-?mail)
    (?:сообщение|письмо|ответ) (?:\w+ ){{0,4}}автоматически
    автоматически (?:сгенерирован|отправлен|создан)\w* (?:сообщени|письм|ответ)
    автоматическ(?:ий|ое|им) (?:ответ|сообщение|уведомление|письмо)
    otomatik (?:olarak (?:gönder|oluştur|üret)|yanıt|mesaj|e-?posta)
    自动(?:发送的?|回复|生成的?)(?:的)?(?:邮件|信息|消息|$|[。，!！])
    (?:邮件|信息).{{0,6}}自动(?:发送|回复|生成)
    (?:自動返信|自動送信|自動配信)(?:です|メール|されて|さ|$|[。、])
    (?:メール|メッセージ).{{0,12}}自動(?:返信|送信|配信|的に)
    자동(?:으로)? (?:발송|회신|응답|생성)
""")
"""The text says that a program wrote it."""

NO_ANSWER = either(r"""
    (?:please )?(?:do not|don'?t|not) (?:reply|respond|answer)
    (?:cannot|can not|can'?t) (?:accept|receive) (?:incoming )?(?:e-?mail|repl)
    (?:mailbox|address|account|e-?mail)(?: \w+){0,4} (?:is|are) (?:not|no longer|un)\s?(?:monitored|attended|read)
    (?:mailbox|address|account|e-?mail)(?: \w+){0,4} (?:is|are) (?:not|no longer) (?:checked|operational|in use)
    unattended mailbox
    not monitored
    no longer (?:monitored|attended|operational)
    bitte antworten sie nicht
    nicht auf diese
    ne pas répondre
    no respond[ae]
    non rispondere
    niet (?:te )?beantwoorden
    não responda
    svara inte
    ikke svar
    nie odpowiada
    не отвечайте
    返信しない
    返信できません
    请勿回复
""")
"""Nobody reads what is sent there."""

ACKNOWLEDGEMENT = cues(
    {
        "thanks for writing": r"""
        thank(?:s| you)(?: very much| again| so much)? for …
            (?:contact|writ|e-?mailing|reaching|getting in touch|sending|sharing)
            (?:submitting|taking the time|visiting|inquir|enquir)
            your (?:recent |latest )?(?:e-?mail|message|mail|letter|inquiry|enquiry)
            your (?:recent |latest )?(?:comment|interest|feedback|request|submission)
            your (?:recent |latest )?(?:question|note|correspondence)
        appreciate (?:your|you|hearing|having)
        (?:vielen )?dank für ihre
        merci (?:de votre|pour votre|de nous|d'avoir)
        gracias por (?:su|contactar|escribir|ponerse)
        grazie per (?:la|il|aver|averci)
        bedankt voor
        obrigad[oa] p
    """,
        "it arrived": r"""
        (?:have|has|we|i) (?:been )?received (?:your|by|and)
        (?:has|have) been received
        acknowledg
        confirm(?:s|ing|ation)?(?: of| that)?[^.]{0,20} recei
        receipt of your
        ist (?:bei uns )?eingegangen
        haben wir erhalten
        (?:bien|avons) reçu
        hemos recibido
        abbiamo ricevuto
        hebben uw
        recebemos
    """,
        "many write": r"""
        (?:volume|number|amount|quantity)s? of (?:e-?mails?|mail|messages?|correspondence|letters)
        (?:volume|number|amount|quantity)s? of (?:inquiries|enquiries|requests|calls|submissions|applications)
        unable to (?:respond|reply|answer)
        (?:cannot|can ?not|not be able to|not be possible to|can only) (?:guarantee|respond|reply|answer|personally)
        each (?:e-?mail|message)
        every (?:letter|e-?mail|message)
        (?:respond|reply) (?:personally|individually)
    """,
        "somebody will answer": r"""
        (?:will|shall|be) (?:\w+ ){0,3}(?:respond|reply|answer|get(?:ting)? back|contact(?:ing)? you)
        (?:will|shall|be) (?:\w+ ){0,3}(?:be in touch|receive a|review|process|writing you)
        as (?:soon|quickly|promptly|efficiently) (?:and \w+ )?as
        within (?:\w+ ){0,3}(?:hours?|days?|weeks?)
        in the (?:near future|order)
        shortly
        so (?:schnell|bald) wie möglich
        schnellstmöglich
        umgehend bearbeite
        dans les (?:plus brefs|meilleurs) délais
        lo antes posible
        (?:il|nel) più (?:presto|breve)
        zo (?:snel|spoedig) mogelijk
        o mais (?:breve|rápido)
    """,
        "for anybody who wrote": r"""
        if you(?:'re|'d|r)? (?:are|have|had|did|do|include|would|wish|want|need|reside|live)
        if you(?:'re|'d|r)? (?:require|should|request|message|e-?mail|concern|question)
        for (?:those|all other|further|more) (?:who|inquir|enquir|information|assistance|matters|requests)
        for (?:general|immediate|urgent) (?:inquir|enquir|information|assistance|matters|requests)
        should you (?:have|need|require|wish)
        falls sie
        wenn sie (?:fragen|ein)
        si vous (?:avez|souhaitez)
        si (?:usted|tiene|desea)
    """,
        "where to turn instead": r"""
        (?:visit|go to|refer to|see|check|use|complete|submit|through|via|into) (?:\w+ ){0,4}…
            (?:web ?-?site|web ?page|home ?page)
            (?:faq|form|portal|http|www\.)
        (?:please )?(?:re-?send|re-?submit)
        (?:please )?(?:call|phone|fax|telephone|write to)(?: \w+){0,4} (?:at|on)? ?\(?\+?\d
        toll[- ]free
        https?://
        www\.
    """,
        "to nobody by name": r"""
        ^\W*(?:dear|hello|hi|greetings)\W*…
            (?:friend|sir|madam|sir or madam|customer|client|constituent|valued|visitor)?\W{0,3}(?:thank|we|i|this|your)
            (?:user|member|applicant|colleague|all|sender|there)\W{0,3}(?:thank|we|i|this|your)
    """,
        "how it matters": r"""
        important to (?:me|us)
        value your
        welcome(?:s)? your
        your (?:views|opinion|comments|feedback|business|patience|understanding)
        rest assured
        (?:regret|apologi[sz]e for) (?:any|this|the) (?:\w+ ){0,3}inconvenience
    """,
        "a number for the matter": r"""
        (?:ticket|case|reference|request|incident|tracking|confirmation)\s*(?:number|no\.?|id|#|nr\.?)
        \[?(?:ticket|case|ref)\s*[#:]\s*\d
        vorgangsnummer
        ticketnummer
        numéro de (?:dossier|ticket)
        número de (?:caso|ticket)
    """,
    }
)
"""What an acknowledgement of receipt says: one of these proves nothing, several together do."""

ABSENCE = either(r"""
    (?:i am|i'm|i will be|i'll be|i shall be|am currently|is currently|will be|currently) …
        (?:[\w./]+ ){0,3}(?:out of|away from) (?:the |my )?office
        (?:[\w./]+ ){0,3}away from (?:the |my )?(?:desk|e-?mail)
        (?:[\w./]+ ){0,3}on (?:\w+ )?(?:vacation|holidays?|leave|business travel)
        (?:[\w./]+ ){0,3}on (?:annual|maternity|parental) leave
        (?:[\w./]+ ){0,3}(?:travel+ing|out until|away until)
        (?:[\w./]+ ){0,3}(?:not in the office|unavailable until|absent)
    out of (?:the )?office (?:until|from|and)
    (?:limited|no|intermittent|sporadic) access to (?:my )?e-?mail
    ich bin (?:[\w./]+ ){0,6}nicht (?:im (?:büro|haus)|erreichbar|am arbeitsplatz)
    ich bin (?:[\w./]+ ){0,6}(?:abwesend|im urlaub|außer haus|wieder (?:im büro|erreichbar))
    meine e-?mails werden nicht
    je suis (?:[\w./]+ ){0,4}(?:absente?|en congés?|en vacances)
    je serai (?:[\w./]+ ){0,3}(?:absente?|de retour)
    (?:estoy|estaré) (?:[\w./]+ ){0,3}(?:fuera|ausente|de vacaciones)
    sono (?:[\w./]+ ){0,3}(?:assente|fuori ufficio|in ferie)
    sarò (?:[\w./]+ ){0,2}(?:assente|di ritorno)
    ik ben (?:[\w./]+ ){0,6}(?:afwezig|niet (?:op kantoor|aanwezig)|met (?:vakantie|verlof))
    estou (?:[\w./]+ ){0,3}(?:fora|ausente|de férias)
    jag är (?:[\w./]+ ){0,4}(?:borta|på semester|inte på kontoret|tjänstledig|föräldraledig)
    jeg er (?:[\w./]+ ){0,4}(?:ikke på kontoret|på ferie|fraværende|bortreist)
    olen (?:[\w./]+ ){0,3}(?:lomalla|poissa)
    (?:jestem|będę) (?:[\w./]+ ){0,3}(?:nieobecn|na urlopie|poza biurem)
    я (?:[\w./]+ ){0,3}(?:в отпуске|отсутств|вне офиса)
    不在にして
    休暇中
    休暇を
    我(?:正在|目前).{0,6}(?:休假|外出)
""")
"""The author says that he is away."""

RETURNED = either(r"""
    could not be delivered
    couldn'?t be delivered
    (?:was|were|been|be) (?:not|un)\s?(?:able to be )?deliver
    not delivered
    undeliver
    unable to deliver
    delivery (?:\w+ ){0,3}fail
    failed to deliver
    user unknown
    unknown user
    no such user
    unknown (?:recipient|address|local)
    (?:recipient|address|mailbox|user|account|domain) (?:\w+ ){0,3}…
        (?:rejected|not found|does not exist|doesn'?t exist)
        (?:unavailable|disabled|invalid)
    not a valid (?:user|address|recipient|mailbox|e-?mail)
    over quota
    quota exceeded
    permanent (?:fatal )?error
    returned to (?:you|sender)
    mailer-daemon
    \b5\d\d[ -]5\.\d\.\d
    \b55\d[ -]
    (?<!no )virus(?:es)? (?:\w+ ){0,3}(?:found|detected)
    (?:contain\w*|infected (?:with|by)) (?:\w+ ){0,3}virus
    virus in (?:your|the) (?:message|mail)
    nicht zugestellt
    unzustellbar
    n'a pas (?:pu être|été) (?:remis|délivr|distribu)
    no (?:se )?(?:ha podido|pudo) (?:ser )?entreg
    non (?:è stato|può essere) (?:possibile )?(?:consegn|recapit)
    не (?:может|могло|удалось|было) (?:быть )?доставл
    odrzucon
""")
"""A mail system gives a message back."""

RETURNED_MAYBE = either(r"""
    virus
    (?:recipient|address|mailbox|user|account|domain|box|postfach) (?:\w+ ){0,4}(?:full|no room|voll)
    (?:has|have|was|were|been|being|message|mail) (?:\w+ ){0,3}…
        (?:rejected|blocked|refused|bounced|quarantined|returned)
""")
"""Words that mail systems use and people too: they count from a mail system's own address."""

SERVICE_BOUNCE = either(r"""
    \\?"(?:notificationtype|eventtype|event|type|record_?type)\\?"\s*:\s*…
        \\?"(?:bounce|bounced|dropped|hardbounce|softbounce|delivery|delivered)\\?"
""")
"""Fates of messages as mailing services report them by mail: JSON of Amazon SES and its like."""

ANNOUNCED = (
    r"this (?:e-?mail|message|mail|notice)(?: \w+){0,3} "
    r"(?:automat\w+|auto-?generated|computer[- ]generated|system[- ]generated)|"
) + _THIS_IS
"""The text begins by saying that no person wrote it."""

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

ACCOUNT_STEP = either(r"""
    (?:activate|verify|confirm|validate|reset|change|complete|finish) (?:\w+ ){0,4}…
        (?:account|address|e-?mail|domain|password|registration|subscription|it)\b
    (?:click|open|visit|follow|use|go to) (?:\w+ ){0,4}(?:link|https?://|url)
    https?://
    (?:bestätigen|aktivieren) sie
    (?:klicken|öffnen|folgen) sie (?:\w+ ){0,4}link
    (?:confirmez|activez|cliquez)
    (?:confirme|active|haga clic)
    (?:confermare|attivare|clicca)
    (?:bevestig|activeer|klik)
""")
"""A step to take at a service."""

ACCOUNT_DENIAL = either(r"""
    if you (?:did not|didn'?t|have not|haven'?t) (?:\w+ ){0,3}…
        (?:request|ask|sign|register|create|subscrib|make|initiate|enter|expect this)
    if (?:that|this|it) was(?: not|n'?t) you
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
""")
"""What services say to whoever did not ask for the account: no person writes it to another."""
