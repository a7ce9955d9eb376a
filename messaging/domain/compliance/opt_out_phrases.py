"""Which phrases say that somebody wants no more messages, and which only sound like it?

One regular expression a line, over folded text (`keywords.fold`): small ASCII letters, digits and single
spaces, so that an apostrophe is a space. `<name>` stands for the words of `_WORDS`. A line begins at a
word's beginning. Every repetition consumes whole words, so that no text takes long to read.

They are what the CTIA calls normal language, to be acted on as a keyword is ("please opt me out"), and
what people write when they mean it. Where a verb also serves everyday talk ("don't call me before 9",
"no me manden el rojo") the line asks for an object that only our messages can be.
"""

from __future__ import annotations

import re

_WORDS = {
    "texts": r"(?:texts?|txts?|messages?|msgs?|sms|mms|e ?mails?|alerts?|notifications?|updates?|promos?|promotions?|ads?|adverts?|advertisements?|offers?|spam|marketing|calls?|communications?|reminders?|newsletters?|contact|solicitations?|bs|crap|shit|junk)",
    "these": r"(?:(?:these|this|those|the|all|any|your|ur|of|such|more|further|me|us|out|unwanted|damn|fucking|stupid|annoying) ){0,4}",
    "when": r"(?! (?:tomorrow|today|tonight|until|till|til|before|after|at|between|now|back|if|when|while|later|yet|during|on|unless|this (?:morning|afternoon|evening|week)|the|a|an|darling|babe)\b)",
    "envois": r"(?:messages?|sms|textos?|mms|pubs?|publicites?|spams?|promos?|promotions?|offres?|notifs?|notifications?|alertes?|courriels?|mails?|e mails?|envois?|newsletters?|appels?|rappels?|relances?|sollicitations?)",
    "mensagens": r"(?:mensage(?:m|ns|n)|msgs?|sms|torpedos?|propagandas?|publicidades?|promoco(?:es)?|promocao|ofertas?|spam|notificaco(?:es)?|notificacao|avisos?|e ?mails?|ligaco(?:es)?|contatos?|contacto|anuncios?|whats\w*|zap)",
    "pare": r"(?:pare|parem|parar|para|parem ja|pode parar|podem parar|deixe|deixem|chega|cansei|basta)",
    "mensajes": r"(?:mensajes?|mensajitos?|msjs?|msgs?|sms|textos?|publicidad|propaganda|promos?|promocion(?:es)?|ofertas?|spam|notificacion(?:es)?|avisos?|correos?|e ?mails?|anuncios?|llamadas?|alertas?|whats\w*)",
    "deje": r"(?:dejen?|deja|dejar|dejad|paren?|parad|basta|basta ya|ya basta|detengan?|eviten?|ya no sigan|cesen?|termin[ae]n|ya estuvo)",
}

_ENGLISH = r"""
(?:stop|quit|cease|discontinue) <these>(?:(?:sending|getting|receiving|with|w) )?<these><texts>\b
(?:stop|quit|cease|desist) (?:from )?(?:all )?(?:texting|txting|messaging|contacting|calling|emailing|e mailing|spamming|bothering|harassing|bugging|annoying|disturbing|pestering|stalking|writing)\b(?! (?:him|her|them|my (?!number|phone|cell|mobile)))
(?:stop|quit) sending(?: (?:me|us|it|them|this|these|those|to (?:me|us|this|my)|anything|everything|stuff)\b|$)
(?!end (?:the |this |a )?call)(?:stop|end|cancel|turn off|disable|deactivate|terminate|block|pause) <these>(?:my )?(?:sms |text |phone |marketing |mobile )?<texts>(?: (?:subscription|messages?|alerts?|service))?$
(?:don ?t|dnt|do not|never|not to|not|dont ever|stop|no) (?:you |ever |even |dare (?:to )?|u |bother to )?(?:text|txt|message|msg|contact|call|e ?mail|bother|spam|disturb|harass|phone|ring|write|write to) (?:me|us|this number|this phone|my (?:number|phone|cell|mobile))\b<when>
(?:don ?t|dnt|do not|never) (?:ever )?(?:send|write|forward) (?:me |us |to me |to this number |it to me )?<these>(?:again|any ?more|anything|nothing|<texts>)\b(?! (?:about|for|of|to) (?:my|the))
do not (?:contact|text|call|message|disturb)$
no (?:more|further) (?:of )?(?:these |your |this |any )?(?:text |sms |marketing |promotional )?<texts>\b(?! (?:left|to|from (?:him|her|them)))
(?:don ?t|do not|no longer|didn ?t|never|doesn ?t|not) (?:\w+ )?(?:want|wish|wanna|like|care|need|consent|agree|ask|asked)(?: (?:to|for))?(?: (?:get|be getting|receive|be receiving|have|see|getting|receiving|keep getting|keep receiving))? <these><texts>\b(?! (?:him|her|them|you|at \d|about|but (?:only|just)))
(?:don ?t|do not|no longer) (?:\w+ )?(?:want|wish|wanna|like|care|need)(?: you)? to (?:be (?:texted|contacted|messaged|called|e ?mailed|bothered|spammed|on (?:this|your|the|ur))|hear from (?:you|u|this)|(?:get|receive|keep getting) (?:anything|these|this|those|them)|(?:text|contact|message|call|email|bother) (?:me|us)(?: any ?more| again|$))
(?:never|didn ?t|did not) (?:sign(?:ed)? up|subscribe[d]?|opt(?:ed)? in|consent(?:ed)?|ask(?:ed)?) (?:for|to) (?:this|these|your|any|text|sms|messages)\b
(?:remove|delete|erase|scratch|strike) (?:me|us)\b(?! (?:a|an|the|some|from (?:the (?:\w+ )?(?:meeting|appointment|waitlist|waiting list|call|invite)))\b)
(?:remove|delete|erase|lose|forget|drop|scrub|purge|block) (?:my|this|our) (?:\w+ )?(?:number|phone|name|contact|cell|info|information|data|no)\b
(?:take|get|pull|leave|keep) (?:me|us|my (?:\w+ )?(?:number|name|phone)|this number) (?:off|out of (?:your|this|the|ur) (?:\w+ ){0,2}(?:list|database|system|group))\b(?! (?:at|the (?:hook|case|schedule|road|bus|plane|train|boat)|work|guard|speaker))
(?:off|from) (?:of )?(?:your|this|the|ur|all) (?:\w+ ){0,2}(?:lists?|database)(?: please| thanks| now| asap| immediately)?$
(?:leave|let) (?:me|us) (?:the \w+ )?(?:alone|be)$|leave (?:me|us) (?:the \w+ )?alone\b
(?:fuck|piss|bugger|sod|eff|f) off\b|(?:fuck|screw) (?:you|u)$
opt(?:ed|ing|s)? (?:me |us |my number |my phone |this number )?out\b(?! of (?!(?:these|this|your|all|receiving|the|any|future|text|sms|messages|marketing|getting)\b))
optout\b|unsub me\b|unsubs?c?ri?be?\w*\b|un subscribe\b|unsubs?cri\w*
(?:revoke|withdraw|rescind) (?:\w+ )?(?:consent|permission|authorization)\b
(?:stop|quit) (?:getting|receiving) (?:these|this|those|them|any|anything|your|stuff)\b
(?:want|need|like|wish|make|get|have|when will|when do) (?:all )?(?:these|this|those|the|your|all) (?:\w+ )?<texts>(?: to)? (?:stop|end|go away)\b
(?:want|like|need|wish|asked|ask|request) to be (?:removed|taken off|opted out|unsubscribed|left alone|off)\b|i want out$
(?:enough|done|sick|tired|fed up) (?:with |w |of |from )?(?:getting |receiving )?(?:(?:all|these|the|your|those|so many) ){0,2}(?:texts?|messages|sms|spam|ads|notifications)\b
(?:don ?t|do not|never) (?:call|text|contact|message|email) (?:or|and|nor) (?:call|text|contact|message|email)\b
^stop (?:please|pls|plz|now|all|this|these|it right|\d+)\b(?! (?:is where|is at))
^stop i (?:m not|am not|don ?t|do not|never|didn ?t|did not|said|already|told|have no)\b
(?:spam|scam|enough|please|pls|plz) stop$
(?:not|no longer) interested (?:(?:so|and|please|pls|plz|just) )*stop$|^stop (?:i m |i am |im )?not interested$
(?:reported?|reporting) (?:you|this|u|it) (?:to|for|as) (?:the )?(?:fcc|ftc|spam|harassment)\b
"""

_FRENCH = r"""
(?:arret(?:e|ez|er|ons)?|cess(?:e|ez|er)|stoppe[rz]?|stop) (?:donc |svp |tout de suite |immediatement )?(?:de |d |a )?(?:m |me |nous |vos |tous |toujours )*(?:envoyer|envoi|envois|ecrire|contacter|harceler|appeler|texter|spammer|deranger|importuner|solliciter|embeter|relancer|messages?|sms|textos?|pub)\b
(?:arret(?:e|ez|er|ons)?|cess(?:e|ez|er)|stoppe[rz]?|stop|fini|assez|marre|halte) (?:a |aux? |avec |de |d )?(?:les |vos |ces |tes |tous |la |le |l |cette |votre |toute )*<envois>\b
(?:ne |n )?(?:m |me |nous )(?:contact(?:e|ez|er)|ecri(?:s|vez|re)|appel(?:le|ez|er)|text(?:e|ez|er)|derang(?:e|ez|er)|harcel(?:e|ez|er)|sollicit(?:e|ez|er)|relanc(?:e|ez|er)|spamm(?:e|ez|er)|import?un(?:e|ez|er)|ennuy(?:e|ez)) (?:plus|jamais)\b
ne (?:m |me |nous )?(?:contact(?:ez|er)|ecri(?:vez|re)|derang(?:ez|er)|harcel(?:ez|er)|sollicit(?:ez|er)|plus (?:me |m |nous )?(?:contacter|ecrire|appeler|envoyer|deranger|solliciter|recevoir))\b(?! pas (?:avant|apres|demain|si|quand|ce|cet|le|la))
(?:ne |n )?(?:m |me |nous )?envo(?:ie|ies|yez|yer) (?:plus|jamais|pas|rien)(?: (?:rien|jamais|plus))?(?: (?:de|d|aucun|ces|vos|tous|des|aux?|a ce|ce) (?:ce )?(?:<envois>|numero|cela|ca)|$| svp| s il| merci| a ce| a mon| sur)
(?:veux|souhaite|souhaitons|desire|voudrais|aimerais) (?:plus|pas|ne plus)(?: (?:du tout|jamais))? (?:rien )?(?:recevoir|etre (?:contact|derang|sollicit|appel|importun|inscri|abonn)\w*|(?:de |d |ces |vos |aucun )+<envois>|que vous)\b
(?:^| )(?:plus|aucun|pas) (?:de |d |aucun |jamais de )?(?:vos |ces )?<envois>(?: svp| merci| s il vous plait| s il te plait| a ce numero|$)
(?:me |m |moi )?(?:desabonn|desinscri|desincri)\w*
(?:retir|enlev|supprim|effac|ray|ot|sort|efface)(?:ez|e|s|er) (?:moi|nous)\b(?! (?:un|une|ce|le|la) )
(?:me|m) (?:retirer|enlever|supprimer|rayer|oter|sortir|effacer) (?:de|d|des)\b
(?:retir|enlev|supprim|effac|oubli|ray|ot)(?:ez|e|er) (?:donc )?(?:mon|ce|mes|notre) (?:numero|nom|contact|telephone|portable|tel|coordonnees|donnees|num)\b
(?:laiss|fich|fout)\w* (?:moi|nous) (?:donc )?(?:tranquilles?|en paix|la paix)\b|lach(?:e|ez) (?:moi|nous)$|(?:foutez|fiche[rz]?|fous) (?:moi |nous )?(?:le camp|la paix)\b
"""

_PORTUGUESE = r"""
<pare> (?:ja |logo |agora |por favor )?(?:de|com) (?:ficar |continuar )?(?:me |nos |a |as |o |os |essas? |esses? |estas? |estes? |suas? |seus? |tantas? |tanto |isso |enviar |mandar |receber |encher (?:o |meu )?saco )*(?:me )?(?:<mensagens>|envi(?:ar|ando)|mand(?:ar|ando)|escrever|escrevendo|ligar|contat(?:ar|ando)|contactar|perturbar|perturbando|incomodar|importunar|encher|spammar|chatear|atormentar)(?: (?:me|nos))?\b
(?:nao|nunca|nem|jamais) (?:mais )?(?:me |nos )?(?:mand[ae]m?|envi[ae]m?|mandar|enviar|manda)(?: me| nos)?(?: mais)?(?: (?:nada|nunca|isso|isto|nenhum[a]?|essas?|esses?|estas?|estes?|suas?|seus?|de|tantas?|qualquer|mais))*(?: (?:<mensagens>|nada|isso|mais)\b|$| por favor| pra mim| para mim| para este numero)
(?:nao|nunca|jamais) (?:mais )?(?:me |nos )?(?:escrev[ae]m?|lig[au]e?m?|liguem|contat[ae]m?|contact[ae]m?|perturb[ae]m?|incomod[ae]m?|procur[ae]m?|cham[ae]m?|importun[ae]m?|encham?|chateiem?|entr(?:e|em|ar) (?:mais )?em contato)\b(?: (?:me|nos))?(?! (?:hoje|amanha|antes|depois|agora|ate|se|quando|as|com ela|com ele|pra ele|pra ela|porque|pois|enquanto|em casa|no trabalho))
nao (?:quero|queremos|desejo|gostaria|gosto|aceito|autorizo|autorizei|pretendo|preciso)(?: mais)?(?: de)?(?: continuar)?(?: (?:receber|recebendo|ter|ver|que me (?:mande|mandem|envie|enviem)))?(?: mais)?(?: (?:nada|nenhum[a]?|essas?|esses?|estas?|estes?|as|os|suas?|seus?|de|tantas?|isso|mais|suas))*(?: <mensagens>)\b
nao (?:quero|queremos|desejo|gostaria de|aceito|pretendo)(?: mais receber| receber(?: mais|$))(?: (?:nada|isso|isto|contato))?
nao (?:quero|queremos|desejo|gostaria de) (?:mais )?(?:ser (?:contatad|contactad|incomodad|perturbad)\w*|participar d|receber (?:nada|isso|isto)\b|fazer parte d)
(?:sem|nada de|chega de) mais <mensagens>|chega de <mensagens>|nada de <mensagens>$
(?:me )?(?:remov|tir|retir|exclu|apag|delet|risqu|descadastr)(?:a|e|am|em|ar|ir|er|i)? ?(?:me |nos |o |meu |este |esse |nosso )*(?:numero |nome |contato |telefone |celular |cadastro )?(?:d[aeo]s?|dest[ae]|dess[ae]|desse|deste|da sua|de sua|da tua)(?: (?:sua|tua|vossa|esta|essa|seu))?(?: \w+)? ?(?:listas?|cadastros?|grupos?|mailing|base|contatos?|sistema|agenda)\b
(?:remov|tir|retir|exclu|apag|apagu|delet|esquec|descadastr|bloque)(?:a|e|am|em|ar|ir|er|i|ei|eiem)? (?:o |ao |a )?(?:meu|este|esse|nosso|meus) (?:numero|contato|telefone|celular|cadastro|nome|dados|cel|tel)\b
descadastr\w*|desinscrev\w*|desinscri\w*
(?:remov|exclu)[aei]m? me\b
(?:quero|queria|gostaria de|desejo|preciso|como|favor|posso|para)(?: (?:faco|fazer|eu|que|pra|para|saio|me))* (?:sair|saio) (?:d[aeo]s?|dest[ae]|dess[ae]|desse|deste)(?: (?:sua|tua))?(?: \w+)? ?(?:listas?|cadastros?|grupos?|mensagens|sms|mailing|envios?)\b
(?:quero|queria|gostaria de|desejo|como faco para|favor) parar de receber\b|me tir[ae]m? d(?:ai|aqui)\b|^sair d[ae] (?:sua |esta |essa )?lista\b
(?:me|nos) deix(?:[ae]m?|ar) em paz\b|deix[ae]m? (?:me|nos) em paz\b|(?:vai|va|vao) (?:se fod|a merda|tomar n)\w*|para de encher
cancel(?:ar|e|em|a|o) (?:a |o |as |os |minha |meu |essas? |esses? |estas? |todas? |todos? |recebimento |envio |de |das |dos |inscricao |assinatura )*(?:<mensagens>|inscricao|recebimento|envios?)\b
"""

_SPANISH = r"""
<deje> (?:ya )?(?:de |con )?(?:estar )?(?:mandando |enviando )?(?:me |nos |los |las |sus |estos |estas |esos |esas |tantos |tantas |tanto |mas |el |la )*(?:<mensajes>|(?:mand|envi|contact|llam|molest|text|spame|fastidi|acos|hostig)(?:ar|ando|ear)(?:me|nos|le)?|(?:escrib)(?:ir|iendo)(?:me|nos)?|textear(?:me)?|jod\w+|chingar)\b
(?:no|nunca|ya no|jamas) (?:me |nos )?(?:vuelvan? a )?(?:envie[ns]?|mande[ns]?|enviar(?:me)?|mandar(?:me)?|manda|envia)(?: (?:mas|nunca|nada|estos?|estas?|esos?|esas?|ningun|ninguna|sus|tantos|de|su|otro|este))*(?: (?:<mensajes>|nada|mas|esto|eso|nunca)\b|$| por favor| a este numero)
(?:no|nunca|ya no|jamas) (?:me |nos )?(?:vuelvan? a )?(?:escriba[ns]?|escribir(?:me)?|llame[ns]?|llamar(?:me)?|contacte[ns]?|contactar(?:me)?|moleste[ns]?|molestar(?:me)?|textee[ns]?|busque[ns]?|acose[ns]?)\b(?! (?:hoy|manana|antes|despues|ahora|hasta|si|cuando|a las|porque|mientras|en la|en el|todavia|aun|al trabajo|a casa|tan))
no (?:quiero|deseo|queremos|quisiera|me interesa|acepto|autorizo|autorice|necesito)(?: (?:seguir|volver a|que me|que sigan|ya))*(?: (?:recib\w+|envi\w+|mand\w+|tener|ver))?(?: (?:mas|sus|estos?|estas?|esos?|esas?|ningun|ninguna|tantos|los|las|de|nada|su))*(?: <mensajes>)\b
(?:ya )?no (?:quiero|deseo|queremos|quisiera) (?:seguir recibiendo|recibir (?:mas|nada|esto|eso)\b|que me (?:escriban?|manden?|envien?|llamen?|contacten?|molesten?)|ser contactad\w*|mas (?:esto|de esto|contacto))
(?:^| )ya no (?:quiero|deseo) recibir|no (?:quiero|deseo) recibir$
no mas (?:de )?(?:estos |sus |esos |los )?<mensajes>\b|basta de <mensajes>|nada de <mensajes>$|cero <mensajes>$
(?:dar(?:me|nos|se)|de[nj]?me|denme|dame|deme|dad?me|doy|dan|quiero(?: la| una)?|solicito(?: la| mi)?|pido(?: la| mi)?) (?:por favor )?(?:de )?(?:baja)\b(?! (?:mi (?:linea|servicio|plan|contrato|internet)|el|la|los|las|laboral|medica|presion|calidad))
(?:borr|elimin|quit|saqu|sac|remuev|remov|retir|suprim)\w* (?:\w+ )?(?:de|del) (?:la |su |esta |tu |sus |esa |vuestra |todas )*(?:\w+ )?(?:listas?|base|contactos?|sistema|registro|grupo)\b
(?:borr|elimin|quit|saqu|remuev|remov|olvid|bloque)\w* (?:por favor )?(?:mi|este|nuestro|mis) (?:numero|contacto|telefono|celular|nombre|movil|datos|cel)\b
(?:borre|borren|borra|elimine|eliminen|elimina|remueva|remuevan|remueve)me(?: por favor| ya|$)
(?:dejen?|deja)me (?:ya )?(?:en paz|tranquil[oa]|de molestar)|(?:me )?dej[ae]n? (?:me )?en paz\b
(?:para|paren?) (?:ya )?de (?:mand|envi|escrib|molest|llam|contact)\w*
desuscrib\w*|desinscrib\w*|darse de baja$|anular (?:la |mi )?suscripcion$
cancel(?:ar|e|en|a|o) (?:la |los |las |el |mi |mis |estos |estas |todos |todas |sus |envio |de |suscripcion |a )*(?:<mensajes>)\b
"""

_WRONG_EN = r"""
^(?:sorry )?wrong (?:number|person|guy)\b
wrong (?:number|person|guy)(?: sorry| bro| dude| man| please| pls)?$
(?:you|u)(?: ve| have| got| have got| ve got)? (?:the |a )?wrong (?:number|person|guy|phone|cell)\b
this is (?:the |a )?wrong (?:number|person)\b
(?:you|u)(?: re| are)? (?:text|messag|call)\w* the wrong (?:number|person|guy|phone)\b
"""
_WRONG_FR = r"""
(?:vous avez|vous faites|tu as|desole|c est|cest) (?:le |un )?(?:mauvais|faux) numero\b
^(?:mauvais|faux) numero\b|mauvaise personne$
(?:erreur de|trompez? de|trompes de|tromper de) (?:numero|personne)\b
"""
_WRONG_PT = r"""
^(?:numero|pessoa) errad[oa]\b|(?:numero|telefone|contato) errado$|pessoa errada$
(?:esse|este|o) (?:numero|telefone) (?:esta|ta|e) errado\b
(?:esse|este) (?:numero|telefone) nao (?:e (?:mais )?d|pertence)
nao e o numero d[aeo]\b|foi engano$
"""
_WRONG_ES = r"""
^(?:numero|persona) (?:equivocad[oa]|incorrecto)\b|(?:numero|persona) (?:equivocad[oa]|incorrecto)$
(?:se|te) (?:ha |has )?equivoc\w+ de (?:numero|persona)\b
este (?:numero|telefono) no es de\b
"""

_INNOCENT = r"""
(?<!you )(?<!u )(?<!they )(?:don ?t|do not|dnt|can ?t|cannot|can not|couldn ?t|never|no need to) (?:ever |even )?(?:stop|quit|remove|delete|unsubscribe|opt out|opt me out|cancel)\b(?: \w+){0,3}
(?:did|have|has|had|are|were) (?:you|u|they|we|it|he|she)(?: guys)? (?:\w+ )?(?:stop|quit|remove|delete|unsubscribe|opt)(?:ped|ting|d|ed|ping|ing)?\b(?: \w+){0,3}
why (?:did|have|are|was|were|am|do) (?:you|u|they|i|we)(?: \w+)? (?:stop|remov|unsubscrib|opt|delet)\w*(?: \w+){0,3}
(?:was|am|were|got|been|being|get|accidentally|mistakenly|not|didn ?t|did not|never) (?:i |accidentally |mistakenly |just ){0,3}(?:unsubscribe[d]?|opt(?:ed)? out|removed)\b
(?:gave|give|given|dialed|called|texted|put|wrote|entered|typed) (?:\w+ ){0,2}(?:the|a|my) wrong number|wrong number of\b
nao par(?:e|em|a|ar) (?:de|com)\b|nao (?:me )?(?:remova|tire|descadastre|exclua)\b
no (?:dejen?|deja|dejes|paren?|pares) de\b(?: \w+){0,2}|no me (?:borren?|eliminen?|quiten?|saquen?|den? de baja)\b
(?:estoy|esta|estuve|estar) de baja\b
n (?:arret|cess)\w* (?:pas|jamais)(?: \w+){0,3}|ne (?:me )?(?:desabonn|desinscri|supprim|retir)\w* pas\b
(?<!que )(?:vous|tu|il|elle|on|ils|elles|pourquoi) (?:ne |n )(?:me |m |nous )?\w+ (?:plus|pas)(?: \w+){0,2}
"""


def _any_of(lines: str) -> re.Pattern[str]:
    """A pattern that finds whatever one of the lines does."""
    filled = re.sub("<([a-z]+)>", lambda name: _WORDS[name[1]], lines.strip())
    return re.compile("|".join(rf"(?:(?<![a-z0-9])(?:{line}))" for line in filled.split("\n")))


PHRASES = {
    "en": _any_of(_ENGLISH),
    "fr": _any_of(_FRENCH),
    "pt": _any_of(_PORTUGUESE),
    "es": _any_of(_SPANISH),
}
"""Per language, whatever in a message says that no more of them are wanted."""
WRONG_NUMBER = {
    "en": _any_of(_WRONG_EN),
    "fr": _any_of(_WRONG_FR),
    "pt": _any_of(_WRONG_PT),
    "es": _any_of(_WRONG_ES),
}
"""The message reached somebody it was not meant for, who need not be told twice."""
INNOCENT = _any_of(_INNOCENT)
"""What only sounds like it: "don't stop texting me", "did you stop sending these?"."""
