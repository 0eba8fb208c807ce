"""The great free-mail providers, the least that company matching must know; `config.free_mail` has them all."""

from inboxwatch.core.mail.words import table

FREE_MAIL = frozenset(
    table("""
    gmail.com, googlemail.com, outlook.com, hotmail.com, live.com, msn.com, hotmail.co.uk, hotmail.fr, hotmail.de,
    hotmail.it, hotmail.es, outlook.fr, outlook.de, outlook.es, live.co.uk, live.fr, live.nl, yahoo.com, ymail.com,
    rocketmail.com, yahoo.co.uk, yahoo.fr, yahoo.de, yahoo.it, yahoo.es, yahoo.co.jp, yahoo.co.in, yahoo.com.br,
    yahoo.ca, aol.com, aim.com, icloud.com, me.com, mac.com, proton.me, protonmail.com, pm.me, tutanota.com,
    tuta.io, hey.com, fastmail.com, fastmail.fm, zoho.com, mail.com, gmx.com, gmx.net, gmx.de, gmx.at, gmx.ch,
    web.de, t-online.de, freenet.de, arcor.de, 1und1.de, online.de, orange.fr, wanadoo.fr, free.fr, laposte.net,
    sfr.fr, neuf.fr, libero.it, virgilio.it, alice.it, tin.it, tiscali.it, bluewin.ch, telenet.be, skynet.be,
    ziggo.nl, planet.nl, kpnmail.nl, xs4all.nl, btinternet.com, sky.com, virginmedia.com, ntlworld.com,
    talktalk.net, comcast.net, verizon.net, att.net, sbcglobal.net, bellsouth.net, cox.net, charter.net,
    earthlink.net, juno.com, optonline.net, rogers.com, shaw.ca, sympatico.ca, bigpond.com, optusnet.com.au,
    mail.ru, bk.ru, inbox.ru, list.ru, yandex.ru, yandex.com, ya.ru, rambler.ru, ukr.net, seznam.cz, centrum.cz,
    email.cz, wp.pl, o2.pl, onet.pl, interia.pl, op.pl, tlen.pl, abv.bg, mail.bg, freemail.hu, citromail.hu,
    qq.com, foxmail.com, 163.com, 126.com, yeah.net, sina.com, sina.cn, sohu.com, 139.com, 189.cn, aliyun.com,
    naver.com, daum.net, hanmail.net, nate.com, rediffmail.com, uol.com.br, bol.com.br, terra.com.br, ig.com.br,
    telia.com, home.se, spray.se, online.no, sapo.pt, duck.com, mozmail.com, privaterelay.appleid.com,
    simplelogin.com
""")
)
