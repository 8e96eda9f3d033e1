"""A term, its carriers and voices, and the utterances that are planned of them."""

from whisper_terms.speech.engine import Voice
from whisper_terms.utterances import Casting, plan_term

ONE, TWO, THREE = Voice("one"), Voice("two", half_tone=-5), Voice("three", speed=0.9)
HELD_OUT = Voice("held-out", half_tone=3)
CASTING = Casting((ONE, TWO, THREE), (HELD_OUT,), isolated=2, in_carriers=4, held_out=0.25)
TEMPLATES = tuple(f"文{number}に{{term}}。" for number in range(8))
CARRIERS = {"general": TEMPLATES, "symptom": ("{term}が痛い。", "{term}が続く。")}
TERM_ROW = {
    "term_id": "t0000000001",
    "surface": "痙攣",
    "reading": "ケイレン",
    "pronunciation": "ケーレン",
    "class": "general",
    "weight": "",
    "sentences": "",
    "rivals": "",
}


def plan(casting=CASTING, carriers=CARRIERS, everyday=((), ()), **changes):
    return plan_term(TERM_ROW | changes, carriers, casting, everyday)


def texts(utterances, **wanted):
    return [
        one.spoken.text
        for one in utterances
        if all(getattr(one, key) == value for key, value in wanted.items())
    ]


def names(utterances, **wanted):
    chosen = [o for o in utterances if all(getattr(o, k) == v for k, v in wanted.items())]
    return [one.voice.name for one in chosen]
