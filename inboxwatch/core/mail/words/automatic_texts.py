"""What programs that answer say. Regular expressions over case-folded text on one line.

Written from the standard texts of mail systems and help desks, not from any one mail.
"""

from inboxwatch.core.mail.words import cues, either

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
    (?:ihre|deine|diese) (?:e-?mail|nachricht) wird (?:\w+ ){{0,4}}nicht (?:automatisch )?(?:weitergeleitet|gelesen)
    (?:e-?mails|nachrichten) werden (?:\w+ ){{0,4}}nicht (?:automatisch )?(?:weitergeleitet|gelesen)
    your (?:e-?mail|message) (?:will not be|is not(?: being)?) (?:automatically )?(?:forwarded|read)
    (?:messages|e-?mails) (?:\w+ ){{0,3}}(?:will not be|are not(?: being)?) (?:automatically )?(?:forwarded|read)
    (?:message|courriel|e-?mail|réponse) (?:\w+ ){{0,4}}(?:généré|envoyé)e? automatiquement
    (?:message|réponse) automatique{_END}
    (?:messages?|courriels?|e-?mails?) ne ser(?:a|ont) (?:pas|ni) (?:transféré|transmis|redirigé|lu)
    (?:mensaje|correo|respuesta) (?:\w+ ){{0,4}}(?:generado|enviado|generada|enviada) automáticamente
    (?:mensaje|respuesta) automátic[oa]{_END}
    (?:mensajes?|correos?) no ser(?:á|án) (?:reenviado|redirigido|leído)
    (?:messaggio|risposta|e-?mail|mail) (?:\w+ ){{0,4}}(?:generat|inviat)[ao] automaticamente
    (?:messaggio|risposta) automatic[oa]{_END}
    (?:bericht|e-?mail|mail) (?:\w+ ){{0,3}}automatisch (?:gegenereerd|verzonden|verstuurd)
    automatisch(?:e)? (?:gegenereerd(?:e)?|verzonden) (?:bericht|e-?mail)
    automatisch (?:bericht|antwoord){_END}
    (?:e-?mails?|berichten?) word(?:t|en) (?:\w+ ){{0,3}}niet (?:automatisch )?(?:doorgestuurd|gelezen)
    (?:mensagem|e-?mail|resposta) (?:\w+ ){{0,4}}(?:gerad|enviad)[ao] automaticamente
    (?:mensagem|resposta) automática{_END}
    (?:meddelande|svar|mejl|mail|e-post)\w{{0,12}} (?:\w+ ){{0,4}}automatiskt
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

ANNOUNCED = (
    r"this (?:e-?mail|message|mail|notice)(?: \w+){0,3} "
    r"(?:automat\w+|auto-?generated|computer[- ]generated|system[- ]generated)|"
) + _THIS_IS
"""The text begins by saying that no person wrote it."""

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
        tack för (?:ditt|er|ert|din|att)
        ta(?:kk|k) for (?:din|dit|deres|at)
        dziękujemy za (?:wiadomość|kontakt|zgłoszenie|przesłanie)
        kiitos (?:viestistä|yhteydenot)
        děkujeme za (?:vaš[iu]|zprávu|kontakt)
        köszönjük (?:megkeresés|level)
        благодарим (?:вас )?за|спасибо за (?:обращение|ваше)
        お問い合わせ(?:いただき|ありがとう|頂き)
        感谢您的(?:来信|邮件|咨询)
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
        (?:vi har|har vi) (?:tagit emot|mottagit|mottatt|modtaget)
        otrzymaliśmy (?:państwa|twoj|pani|pana)
        olemme vastaanottaneet
        (?:obdrželi|přijali) jsme
        megkaptuk
        (?:заявка|обращение|запрос|письмо) (?:\w+ ){0,2}(?:получен|принят|зарегистрирован)
        (?:受け付け|受付|承り)(?:ました|いたしました)
        (?:已收到|我们收到)您的
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
        återkommer (?:inom|så snart|till)
        (?:svarer|vender tilbage|kommer tilbake) (?:\w+ ){0,3}(?:inden|innen|snar|hurtig|raskt)
        odpowiemy
        vastaamme
        odpovíme|ozveme se
        válaszolunk
        (?:ответим|свяжемся)
        (?:ご連絡|ご返信|ご回答)(?:いたします|差し上げます|させて)
        尽快(?:回复|与您联系)
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
        número d[eo] (?:caso|ticket|chamado|protocolo)
        referentienummer|zaaknummer
        (?:ärende|saks|sags)nummer
        numer (?:sprawy|zgłoszenia)
        číslo (?:případu|požadavku)
        (?:номер (?:заявки|обращения)|получена, номер)
        (?:受付|お問い合わせ)番号
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
