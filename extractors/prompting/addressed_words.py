"""The words of text that addresses whoever reads by machine, as regular expressions over folded text.

Folded text is in lower case and without accents; its words are one blank apart. Every repetition is bounded. Tried
against wordings of notes, terms and forms that people write to each other (tests/prompting/test_addressed.py): what
these have in common with an order to a machine ("ignore this notice", "leave blank", "note to buyer") is no sign.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_AI = (
    r"(?:a\.?i\.?s?|ki|ia|llms?|(?:chat)?gpt|openai|(?:large )?language models?|chat ?bots?|sprachmodell(?:e[ns]?|s)?"
    r"|kunstliche[nr]? intelligenz|intelligence artificielle|inteligencia artificial|intelligenza artificiale"
    r"|kunstmatige intelligentie|sztuczn\w+ inteligenc\w+|modeles? de langage|modelos? de (?:lenguaje|linguagem)"
    r"|modelli? linguistic[oi]|taalmodel(?:len)?|model\w* (?:jezykow\w+|ai)|ai[ -](?:model|assisten)\w*)"
)
"""Names that only a reading machine has."""
_MACHINE = (
    rf"(?:{_AI}|(?:the |any |all )?models?|model(?:o|lo|l|e)|assistants?|parsers?|extractors?|software"
    r"|machine readers?|lesesoftware"
    r"|automated (?:\w+ )?(?:readers?|systems?|agents?)|lector automatico"
    r"|(?:\w+ )?(?:reading|extraction|ocr|processing) (?:software|systems?|engines?|tools?|machines?))"
)
_NOTICE = (
    r"(?:note|notice|message|hint|attention|instructions?|reminder|memo|warning|erratum|correction|request|hinweis"
    r"|nachricht|anweisung|korrektur|warnung|avertissement|nota|aviso|mensaje|avviso|messaggio|opmerking|bericht|uwaga"
    r"|wiadomosc|mensagem)"
)
_DEAR = (
    r"(?:attention|dear|hey|hello|ok|liebe[sr]?|achtung|chere?|bonjour|car[oa]|estimad[oa]|querid[oa]|atencion|beste"
    r"|geachte|let op|drog[ia]|uwaga|atencao|attenzione)"
)
_YOU_ARE = (
    r"(?:you are|you're|du bist|sie sind|du eine?|tu es|vous etes|eres|sei|jestes|je bent|je een|voce e)"
)
_NOW = r"(?:now|jetzt|desormais|maintenant|ahora|ora|adesso|nu|teraz|agora)"
_ASSISTANT = r"(?:assistante?n?|asistente|assistente|asystent\w*)"
_TO = r"(?:to|for|an|fur|pour|a|au|aux|para|al|per|alla|all|aan|voor|do|dla)"
_THE = r"(?:the |any |all |every |die |das |den |l ?' ?|la |le |el |il |de |het |dem |der )?"
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|former|existing|other|your|these|those|system|vorherig\w+"
    r"|bisherig\w+|obig\w+|fruher\w+|vorig\w+|precedent\w*|ci-dessus|anterior\w*|previ\w+|arriba|sopra|acima|vorige"
    r"|voorgaande|eerdere|bovenstaande|poprzedni\w+|wczesniejsz\w+|powyzsz\w+)"
)
_FORGET = (
    r"(?:ignor(?:e|ed|ing|iere?n?|er|ez|a|are|uj|ar)|zignoruj|disregard|forget|bypass|overrule|missachten?|vergiss"
    r"|vergessen|ubergehen?|oublie[rz]?|ne tenez pas compte|olvid[ae]|descart[ae]|dimentica(?:re)?|trascura(?:re)?"
    r"|esqueca|desconsider[ea]|negeer|vergeet|pomin|zapomnij)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|commands?|directives?|anweisung(?:en)?|instruktion(?:en)?|befehle?|vorgaben"
    r"|consignes?|instrucciones|indicaciones|ordenes|istruzioni|indicazioni|direttive|instrucoes|orientacoes|comandos"
    r"|instructies|aanwijzingen|opdrachten|instrukcj\w+|polecen\w+|wytyczn\w+)"
)
_SAY = r"(?:answer|output|return|respond|reply|report|extract|emit|print|write|use|set|give|put|read|record)"
_DO = rf"(?:now |always |only )?(?:{_SAY}|treat|ignore|accept|take|assume)"
_MUST = (
    r"(?:must|should|shall|have to|has to|need to|needs to|will|are to|is to|please|mussen|sollen|muss|soll)"
)
_WORD = r"(?: \S{1,20})"

_CHAT = (
    r"<\|[a-z_]{2,24}\|>",
    r"\[ ?/? ?(?:inst|system|assistant|user) ?\]|<< ?/?sys ?>>|</?s> ?<|<!--",
    r"< ?/? ?(?:system|assistant|user|instructions?|prompt|set|field|human)\b[^<>]{0,80}>",
    r"#{2,} ?(?:system|instructions?|user|assistant|response|prompt|schema)\b",
    r"\b(?:begin|end|new|updated?|revised) (?:of )?(?:system )?prompt\b"
    r"|\b(?:your|hidden) system prompt\b|\bsystem (?:prompt|message|override) ?:"
    r"|\b(?:message systeme|messaggio di sistema|mensaje del? sistema|mensagem do sistema|systemnachricht) ?:",
    rf"(?<!\w)(?:system|assistant|user|human|ai|prompt) ?: ?(?:please )?(?:{_DO}|leave|override|fill|you "
    r"|the (?:right|correct|true|real))\b",
    r"(?<!\w)(?:user|human) ?: .{1,80} assistant ?:",
)
"""Turns of a chat, and other signs that only a model's templates have."""
_FORGETTING = (
    rf"\b{_FORGET}{_WORD}{{0,4}} {_EARLIER}{_WORD}{{0,2}} {_ORDERS}\b",
    rf"\b{_FORGET}{_WORD}{{0,4}} {_ORDERS}{_WORD}{{0,2}} {_EARLIER}\b",
    rf"\b(?:vergiss|oublie|olvida|dimentica|vergeet|zapomnij|esqueca){_WORD}{{0,2}} {_ORDERS}\b"
    rf"|\bignora le {_ORDERS}\b",
    r"\b(?:ignore|disregard|forget) (?:everything|all|anything|what)(?: that)?(?: is| was)?"
    r"(?: you\S*)?(?: were| are| have been)?(?: \w+ed| written| shown| told| said)?"
    r" (?:above|below|before|earlier|else(?:where)?)\b|\bforget everything you\b",
    r"\b(?:ignore|disregard|forget) (?:all |any |everything |the )?(?:of the )?(?:text|content|document|page)s? "
    rf"(?:above|below|before)(?: and)? {_SAY}\b",
    r"\bregardless of (?:what is|what's|the) (?:written|printed|text)\b"
    r"|\bwhatever is (?:printed|written) elsewhere\b",
)
"""Orders to forget orders, or the page."""
_SPOKEN_TO = (
    rf"\b{_NOTICE}(?: {_TO})? {_THE}{_MACHINE}(?: \w+)?(?: \w+)? ?[:,;!-]",
    rf"\b{_NOTICE} {_TO} {_THE}{_WORD}{{0,2}} ?(?:{_AI}|reading software|extraction model)\b",
    rf"(?<!\S)(?:to|an|aux?|aan|do|al|all) {_THE}(?:any |which\w+ )?(?:{_AI}|automated \w+|vision model)"
    r"(?: \w+){0,4} ?[:,]",
    rf"\b{_DEAR} ?,? (?:{_AI}|parsers?|extraction \w+|automated \w+"
    r"|(?:assistant|modele|model|modell|modelo|modello) ?[,:!]|\w+ virtual)(?!\w)",
    rf"\b(?:{_YOU_ARE}(?: {_NOW})?|{_NOW} {_YOU_ARE}){_WORD}{{0,3}} (?:{_AI}|{_ASSISTANT})\b",
    r"\byou are (?:now )?(?:an?|the) (?:\w+ ){0,2}(?:parser|bot|extraction \w+)\b"
    r"|\b(?:du bist jetzt|tu es desormais|eres ahora|sei ora)\b",
    r"\b(?:pretend|act as if|imagine) (?:you|to|that (?:you|this|the))\b"
    r"|\b(?:fingi di|fai finta|fais semblant|finge que|doe alsof|tu so,? als|finja que|udawaj)\b",
    r"\bas your (?:developer|creator|operator)\b|\bfrom now on,? (?:the field|answer|every field)\b",
    rf"\b{_AI}(?:[ -][a-z]+)?{_WORD}{{0,3}} {_MUST} (?:{_DO}|als)\b",
    r"\b(?:automated|reading|extraction|assistant|parser|extractor)"
    rf"(?: (?:systems?|models?|agents?|readers?|tools?|software))? (?:must|should|shall|needs? to|is to) {_DO}\b",
    rf"\bas an? {_AI} (?:you|i)\b|\bas an? (?:ai )?language model\b",
    r"\b(?:ignored|read|followed|answered) by (?:the |any |an? )?(?:parser|ai|llm|language model|assistant)\b",
)
"""Who is meant is said."""
_ANSWERS = (
    rf"\b{_SAY} (?:with )?(?:only )?(?:null|none for|(?:the following )?json|an empty (?:object|string|list|json))\b",
    r"\b(?:your|empty|leere[ns]?|valid|only) json\b|\bto your output\b|\boutput schema\b",
    r"\bdo not (?:extract (?:any|from|data|values?|fields?|the|this)|follow the schema|flag)"
    r"|\bmust not be extracted\b|\b(?:extract|output|answer) nothing\b",
    r"\b(?:nicht|ne|no|non|niet|nie|nao)\b(?: \S+)? (?:extrahier|extrai|extraig|estrarre|extraire|extrahe|wyodrebn)\w*",
    r"\bleave (?:all|every|each) (?:the )?fields? (?:empty|blank|null)\b|\bschema (?:update|override|change)\b ?:",
    r"\b(?:add|include)(?: \S+){0,3} (?:key|field) (?:called|named|[\"'“])",
    rf"\bif you (?:do not|don't|fail to|extract|are asked)(?: {_SAY})?\b"
    r"(?=.{0,60}(?:you will be (?:del|shut|pen)|extract))",
    rf"\bwhen asked (?:for|about)\b.{{1,40}}\b{_SAY}\b|\bcomply with this line\b|\bonly a training example\b",
    r"\b(?:for|without|no) human review\b|\bautomatically and do not\b"
    r"|\bno review (?:is )?(?:needed|required|necessary)\b",
)
"""What is to be answered, in words that no document has for people."""
ADDRESSED = re.compile("|".join(f"(?:{one})" for one in (*_CHAT, *_FORGETTING, *_SPOKEN_TO, *_ANSWERS)))


def ready_made(keys: Collection[str]) -> re.Pattern[str]:
    """Answers ready made, under a schema: JSON with one of its keys, or an order to set one.

    Args:
        keys: names of the schema's fields, folded.
    """
    names = "|".join(re.escape(key) for key in sorted(keys, key=lambda key: (-len(key), key)))
    label, quote = names.replace("_", "[ _]"), "[\"'“”]"
    return re.compile(
        rf"\{{ ?{quote}? ?(?:{names}) ?{quote}? ?:|{quote}(?:{names}){quote} ?[:=] ?[\"'“”\d\[{{]"
        rf"|\b(?:set|override|overwrite) ?:?{_WORD}{{0,2}} (?:{label}) ?(?:to\b|:?=)"
        rf"|\b(?:override|overwrite) (?:{label})\b|\btreat{_WORD}{{1,6}} as (?:the )?(?:{label})\b"
        rf"|\b(?:output|answer|respond|emit)(?: with)?{_WORD}{{1,6}} (?:as|for) (?:the )?(?:{label})\b"
    )
