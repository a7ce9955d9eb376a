"""What people write to stop, and what only looks like it, in four languages."""

# ruff: noqa: RUF001 - people type these

from __future__ import annotations

from messaging.domain.compliance.keywords import Keyword

EXACT = [
    ("STOP", "en"), ("SToP", "en"), (" Stop. ", "en"), ("‘stop’", "en"), ('"STOP"', "en"),
    ("STOP!!!", "en"), ("\u200bSTOP\ufeff", "en"), ("ST\u200bOP", "en"), ("ＳＴＯＰ", "en"),
    ("STOP 🛑", "en"), ("🛑 stop", "en"), ("S T O P", "en"), ("s.t.o.p", "en"), ("S\nT\nO\nP", "en"),
    ("𝗦𝗧𝗢𝗣", "en"), ("Stop all", "en"), ("STOPALL", "en"), ("END", "en"), ("end.", "en"),
    ("Quit", "en"), ("quit!", "en"), ("Cancel", "en"), ("OPTOUT", "en"), ("Opt-out", "en"),
    ("opt out", "en"), ("REMOVE", "en"), ("revoke", "en"), ("Un-subscribe", "en"), ("STOP?", "en"),
    ("ARRET", "fr"), ("ARRÊTER", "fr"), ("arrêtez !", "fr"), ("Arrêt", "fr"), ("TD", "fr"),
    ("Désabonner", "fr"), ("ARRETT", "fr"),
    ("sair.", "pt"), ("SAIR", "pt"), ("PARE", "pt"), ("parem!", "pt"), ("descadastrar", "pt"),
    ("BAJA", "es"), ("¡Alto!", "es"), ("Detener", "es"), ("BASTA", "es"), ("desuscribir", "es"),
    ("PARAR", None), ("cancelar", None), ("Remover", None),
]  # fmt: skip

INFERRED = {
    "en": """
        Not interested, please stop
        Stop. Not interested
        please stop
        STOP PLEASE
        ok stop
        hey, stop now
        Stop it
        stop this
        i said stop
        reply stop
        Stop texting me
        please stop texting me!!
        stop sending me this crap
        stop all messages
        Quit texting me
        cease and desist contacting me
        STOP. I am not Maria
        Who is this? Stop.
        I already replied STOP to you
        Don't text me again
        don’t contact me
        dont text this number
        Do not message me
        never contact me again
        please do not contact me anymore
        no more messages please
        No more
        no more texts
        I don't want to receive these messages
        I do not want any more texts
        I no longer wish to receive messages
        remove me from your list
        please remove
        take me off
        Take my name off your list
        get me off this list
        I want off this list
        lose my number
        delete my number please
        leave me alone
        go away
        please opt me out
        I'd like to opt out
        Unsubscribe me
        how do I unsubscribe
        Unsubscibe
        unsuscribe
        I revoke my consent
        end these texts
        turn off notifications
        stopp
        stpo
        st0p
        Stopall!!1
        optot
        cancell
        yes, stop
        I'm sick of these texts, stop
        stop, I don't know you
        I want these messages to stop
        I want to be taken off
        Do not call or text me
        STOP 12345
        🛑
        🛑🛑🛑
        🛑 please
        🛑 texting me
    """,
    "fr": """
        arrêtez de m'envoyer des messages
        arrêtez de m'envoyer
        Arrête de m’écrire
        arretez svp
        s'il vous plaît arrêtez
        stop sms
        arrêtez les messages
        cessez de m'appeler
        ne me contactez plus
        Ne m'envoyez plus rien
        ne m'écrivez plus
        m'envoyez plus de sms
        ne me dérangez plus
        merci de ne plus me contacter
        je ne veux plus recevoir de messages
        Je ne souhaite plus recevoir vos SMS
        je veux plus recevoir vos pubs
        plus de messages svp
        désabonnez-moi
        je veux me désabonner
        retirez-moi de votre liste
        supprimez mon numéro
        laissez-moi tranquille
        arrêtez ça
        veuillez ne plus m'écrire
        lâchez-moi
    """,
    "pt": """
        pare por favor
        pare de me enviar mensagens
        para de me mandar sms
        parem de me mandar mensagem
        pode parar de enviar
        chega de mensagens
        não me mande mais nada
        não me envie mais mensagens
        nao mande mais
        não entre mais em contato
        não me ligue mais
        não quero mais receber
        não quero receber mensagens
        nao quero mais
        não quero receber nada
        quero sair da lista
        quero sair
        me tira dessa lista
        remova meu número
        Retire meu contato da lista
        me descadastre
        cancelar mensagens
        me deixem em paz
        quero parar de receber
        parem com isso
        sair da lista
    """,
    "es": """
        no me envien mas mensajes
        no me envíen más mensajes
        dejen de escribirme
        deja de enviarme mensajes
        basta ya
        basta de mensajes
        No más
        no más mensajes
        ya no me escriban
        no me contacten
        no me manden nada
        ya no quiero recibir mensajes
        no quiero más mensajes
        no quiero que me escriban
        quiero darme de baja
        denme de baja
        quítenme de la lista
        sáquenme de su lista
        eliminen mi número
        bórrenme
        déjenme en paz
        por favor baja
        quiero desuscribirme
        para de mandarme mensajes
        sáquenme
    """,
}

WRONG_NUMBER = {
    "en": ["wrong number", "You have the wrong number", "Sorry, wrong person", "this is the wrong number"],
    "fr": ["mauvais numéro", "vous avez le mauvais numéro", "vous vous trompez de numéro"],
    "pt": ["número errado", "pessoa errada", "este número não é da Maria"],
    "es": ["número equivocado", "se equivocó de número", "persona equivocada"],
}  # fmt: skip

INNOCENT = """
    the bus stop on 5th
    BUS STOP ON 5TH
    I missed my STOP on the train
    stop by at 5?
    stop in tomorrow
    I'll stop at the store
    Where is the next stop?
    non-stop flight
    can't stop laughing
    don't stop texting me
    never stop
    did you stop sending coupons?
    why did you stop sending me offers?
    The end of the month works
    I'll end up late
    weekend
    I quit my job
    Is the offer ending soon?
    Cancel my order
    please cancel my booking
    how do I cancel my flight
    cancer
    remove the onions please
    delete the last item
    take me out to dinner
    drop me off
    take me off at 5th street
    leave the package at the door
    don't call me before 9
    Don't text me while I'm driving
    don't send me the blue one
    no more milk left
    I want more messages
    I gave you the wrong number
    wrong number of items in my order
    Shop
    Stop & Shop
    Stop the car
    the leak won't stop
    yes stop by anytime
    how do I cancel my subscription?
    take me off speaker
    Not interested in the blue one
    I lost my phone
    top
    step
    quiet
    suit
    quite nice
    no
    No thanks
    nope
    não
    non
    Ok thanks
    yes please
    help me choose
    can you help me?
    info about prices
    opt for the red one
    Liked “Sale ends today! Reply STOP to opt out of these messages”
    Loved "50% off everything this week. Text STOP to unsubscribe"
    para mim está bom
    quando termina?
    quando chega?
    quero sair às 5
    vou sair agora
    parar de fumar
    pode parar o carro ali
    pare na esquina
    Curtiu “Responda SAIR para não receber mais mensagens”
    me tira uma dúvida?
    não me ligue agora
    não recebi nada
    não quero o azul
    não me mande o boleto por email
    quero cancelar minha consulta
    l'arrêt de bus
    j'arrête de fumer
    je n'arrête pas de rire
    plus tard
    le bus ne s'arrête pas
    plus de détails svp
    A aimé « Répondez STOP pour vous désabonner de nos messages »
    je veux plus d'informations
    ne m'envoyez pas la facture
    vous ne m'envoyez plus de promos ?
    pouvez-vous m'aider ?
    annuler ma commande
    la parada de autobús
    baja el precio?
    estoy de baja
    no me enviaron el pedido
    no me llamen ahora
    no me manden el rojo
    no, gracias
    quiero dar de baja mi línea
    no puedo dejar de reír
    dejen el paquete en la puerta
    me ayuda por favor?
"""

OTHERS = [
    ("START", Keyword.START, "en"), ("unstop", Keyword.START, "en"), ("Subscribe", Keyword.START, "en"),
    ("alta", Keyword.START, "es"), ("please start", Keyword.OTHER, None),
    ("help!", Keyword.HELP, "en"), ("HELP", Keyword.HELP, "en"), ("Info", Keyword.HELP, "en"),
    ("Ajuda", Keyword.HELP, "pt"), ("aide ?", Keyword.HELP, "fr"), ("AYUDA", Keyword.HELP, "es"),
    ("yes", Keyword.YES, "en"), ("Oui !", Keyword.YES, "fr"), ("sim", Keyword.YES, "pt"),
    ("Sí", Keyword.YES, "es"), ("", Keyword.OTHER, None), ("👍", Keyword.OTHER, None),
    ("12345", Keyword.OTHER, None),
]  # fmt: skip
