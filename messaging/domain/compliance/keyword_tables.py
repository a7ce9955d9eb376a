"""Which words ask to stop, to start again, or for help, in four languages?

All of them folded as `keywords.fold` does it: small ASCII letters. Sources: 47 CFR 64.1200(a)(10) (stop,
quit, end, revoke, opt out, cancel, unsubscribe); the default lists of Twilio, Telnyx, AWS (REMOVE, TD),
Vonage (JOIN) and Braze; Twilio's Canadian list (ARRET, ARRETE, ARRETT); SAIR, the word Anatel has
Brazilian operators use. No statute lists the others; they are those words in the other languages. A bare
NO, NAO or NON is none of them: it answers some question.
"""

from __future__ import annotations

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = {
    "en": "stop stopall unsubscribe end quit cancel revoke optout remove",
    "fr": (
        "arret arrete arreter arretez arretes arrett td desabonner desabonnement desabonnez "
        "desinscrire desinscription desinscrivez"
    ),
    "pt": "sair parar pare parem descadastrar descadastre cancelar remover",
    "es": (
        "baja alto detener basta parar cancelar remover salir desuscribir desuscribirme "
        "desuscribirse desuscripcion"
    ),
}  # fmt: skip
START = {
    "en": "start unstop subscribe resubscribe optin join",
    "fr": "reabonner",
    "pt": "iniciar assinar",
    "es": "iniciar comenzar suscribir suscribirme alta",
}
HELP = {"en": "help info", "fr": "aide", "pt": "ajuda", "es": "ayuda"}
YES = {"en": "yes", "fr": "oui", "pt": "sim", "es": "si"}

FUZZY = ("stop", "stopall", "unsubscribe", "optout", "cancel")
"""Words that are still read with one letter wrong, too many, missing, or two of them swapped."""
INNOCENT_WORDS = _set(
    "shop step top slop stoop strop stomp swop stow stope stob stoup cancer cancels chancel"
)
"""Words of their own that one slip would make of a word in `FUZZY`."""

COURTESY = _set(
    "please pls plz plis just ok okay hey hi hello yo thanks thank you thx ty now immediately already "
    "yes yeah yep sir madam guys dude kindly asap forever again "
    "por favor pf pfv pfvr porfa porfavor ja ya agora ahora obrigado obrigada gracias hola ola oi entao "
    "sim oui veuillez svp stp s il vous te plait merci bonjour maintenant tout de suite"
)
"""Words that change nothing about a keyword they stand beside."""
FIRM = {
    "en": "stop stopall unsubscribe unsub optout revoke remove cease",
    "fr": "arret arretez arrete arreter desabonner desabonnez desinscrire desinscription",
    "pt": "sair pare parem parar descadastrar descadastre",
    "es": "baja basta alto desuscribir desuscribirme desuscribirse",
}
"""Keywords that stay one beside courtesies; END, QUIT and CANCEL count as a whole message only."""
WHOLE = {
    "en": (
        "stop it|stop this|stop that|stop these|stop them|stop everything|make it stop|no more|stopit|"
        "stopnow|stopplease|pleasestop|stopsms|stoptexting|stop2quit|stop2end|stop2cancel|stop2stop|"
        "stop stop|stop stop stop|no stop|i said stop|stop to end|stop to unsubscribe|stop to opt out|stop to quit|"
        "reply stop|text stop|send stop|go away|get lost|bug off|buzz off|back off|cease and desist|unsubs|cancel subscription|"
        "end subscription|do not disturb|no texts|no texting|no sms|no messages|never again"
    ),
    "fr": (
        "stop sms|stop pub|stop mms|stop spam|stop tout|stop a tout|ca suffit|arretez ca|arrete ca|arretez tout|arrete tout|arretez tout ca|"
        "non a la pub|plus rien|plus jamais|me desabonner|me desinscrire|fin d abonnement"
    ),
    "pt": (
        "nao quero mais|nao mais|quero sair|me tira|me tire|me tirem|me remova|me remove|me removam|"
        "me exclua|me exclui|me excluam|cancelar inscricao|cancelar cadastro|nao me perturbe|ja chega|pare com isso|parem com isso|para com isso"
    ),
    "es": (
        "no mas|ya no mas|ya no|nunca mas|ya basta|no quiero mas|ya no quiero|ya no quiero mas|dejame|dejenme|"
        "de baja|dar de baja|cancelar suscripcion|para ya|paren ya|pare ya|saquenme|quitenme|no molestar|no molesten"
    ),
}  # fmt: skip
"""Whole messages that are no keyword on any list and can hardly be read otherwise."""

QUOTED = re.compile(
    '[\u201c\u00ab\u201e"][^\u201c\u201d\u00ab\u00bb\u201e"]{20,}(?:[\u201d\u00bb"]|$)|^>.*$',
    re.MULTILINE,
)
"""Our own words come back in a reaction ('Liked "... Reply STOP to opt out"') or a quoted reply."""
SIGNATURE = re.compile(
    r"\b(?:sent from my|get outlook for|enviado d[oe]s? (?:meu|mi)|enviado desde mi|envoye de(?:puis)? mon)\b.*$"
)
NEVER_AFTER_SHOUTED = _set(
    "by in at on over for off sign light watch and n loss gap motion work working works"
)
NEVER_BEFORE_SHOUTED = _set(
    "bus truck pit rest tram train metro full door short non one next last first final our my your "
    "the a an this that each every which what any no can cant t not le au du un de el la o whistle"
)
"""What makes a STOP in capitals a stop on the way, and not an order."""
