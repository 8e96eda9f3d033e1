"""Which utterances a dictionary asks for: texts, voices and their split.

Every choice follows from a hash of what it is about, so a term's utterances are the same in each
run, on each machine, and whatever other terms the dictionary holds.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from whisper_terms.carriers import GENERAL, SLOT, Carriers, templates_of
from whisper_terms.kana import stands_in
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.tables import split_list

TRAIN, DEVELOPMENT = "train", "dev"
TERM, CONTEXT, CONTRAST, REPLAY = "term", "context", "contrast", "replay"
# The engine, and the voice, of what a person said.
RECORDED = "recording"


@dataclass(frozen=True)
class Utterance:
    """One thing to say.

    Attributes:
        spoken: the text, and how the term in it is said.
        voice: who says it.
        split: train or dev.
        kind: term (the lone term), context (the term in a sentence), contrast (a word of its sound
            in a sentence) or replay.
        term_id: the term; "" for replay.
        reading: the term's reading; "" for replay.
    """

    spoken: SpokenText
    voice: Voice
    split: str
    kind: str
    term_id: str = ""
    reading: str = ""


@dataclass(frozen=True)
class Casting:
    """Who speaks, how often, and what is held out.

    Attributes:
        train: voices for training, at least one.
        development: voices for the development set, at least one; the training voices where
            no voice is held out.
        isolated: utterances of the lone term, for a term of weight 1.
        in_carriers: utterances in carrier sentences, for a term of weight 1.
        held_out: share of the sentences that only the development set uses.
        contrast: sentences for each word that sounds like a term; more, up to `in_carriers`, where
            everyday speech has them.
    """

    train: tuple[Voice, ...]
    development: tuple[Voice, ...]
    isolated: int
    in_carriers: int
    held_out: float
    contrast: int = 0

    def to_json(self) -> str:
        """All of it as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The casting that `to_json` wrote."""
        values = json.loads(text)
        for split in ("train", "development"):
            values[split] = tuple(Voice(**voice) for voice in values[split])
        return cls(**values)


def plan_term(
    term: Mapping[str, str],
    carriers: Carriers,
    casting: Casting,
    everyday: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> list[Utterance]:
    """The utterances of a term.

    Sentences and voices of the development set are both kept from training, so that it measures
    what the test set will: a sentence never seen, from a speaker never heard. The user's own
    sentences are all for training. Where no voice is held out, the sentence alone is unseen; a
    term that is only spoken alone then has nothing for the development set.

    Args:
        term: a row of terms.tsv.
        carriers: templates by class.
        casting: voices and numbers.
        everyday: the replay sentences, as `split_sentences` divides them: among them may be some
            with words that sound like the term.

    Returns:
        Isolated utterances, then those in the user's sentences and in templates, then those of
        words that sound like the term, then those of the development set.
    """
    contrast = _plan_contrast(term, carriers, casting, everyday)
    training = [
        *_plan_training(term, carriers, casting),
        *(one for one in contrast if one.split == TRAIN),
    ]
    texts = {utterance.spoken.text for utterance in training}
    sounds = [voice.settings() for voice in casting.train]
    held_out = [
        *_plan_development(term, carriers, casting),
        *(one for one in contrast if one.split == DEVELOPMENT),
    ]
    unheard = [
        utterance
        for utterance in held_out
        if utterance.spoken.text not in texts or utterance.voice.settings() not in sounds
    ]
    return [*training, *unheard]


def plan_replay(sentences: Sequence[str], casting: Casting) -> list[Utterance]:
    """One utterance a sentence; held-out sentences by the development set's voices."""
    trained = set(split_sentences(sentences, casting.held_out)[1])
    plan = []
    for sentence in sentences:
        voices, split = (
            (casting.train, TRAIN) if sentence in trained else (casting.development, DEVELOPMENT)
        )
        voice = voices[_hash(sentence) % len(voices)]
        plan.append(Utterance(SpokenText(sentence), voice, split, REPLAY))
    return plan


def split_sentences(sentences: Sequence[str], held_out: float) -> tuple[list[str], list[str]]:
    """Split into held-out and training sentences; at least one of each where there are two.

    One sentence alone is for both.
    """
    ranked = sorted(sentences, key=_hash)
    count = min(max(round(len(ranked) * held_out), 1), len(ranked) - 1)
    if count < 1:
        return ranked, ranked
    return ranked[:count], ranked[count:]


def _plan_training(
    term: Mapping[str, str], carriers: Carriers, casting: Casting
) -> list[Utterance]:
    weight = float(term["weight"] or 1)
    own = split_list(term["sentences"])
    _, templates = split_sentences(templates_of(carriers, term["class"]), casting.held_out)
    framed = max(_times(casting.in_carriers, weight) - len(own), 0)
    sentences = [*own, *_deal(templates, framed, term)]
    lone = [term["surface"]] * _times(casting.isolated, weight)
    # Else the first voices would say most of the sentences.
    voices = _rotate(casting.train, _hash(term["term_id"]))
    return [
        # The first voice says every lone term: some recipes train on that voice alone.
        *_utterances(lone, casting.train, TRAIN, TERM, term),
        *_utterances(sentences, voices, TRAIN, CONTEXT, term),
    ]


def _plan_development(
    term: Mapping[str, str], carriers: Carriers, casting: Casting
) -> Iterator[Utterance]:
    voices = casting.development
    if not casting.in_carriers:
        return _utterances([term["surface"]] * len(voices), voices, DEVELOPMENT, TERM, term)
    held_out, _ = split_sentences(templates_of(carriers, term["class"]), casting.held_out)
    # The user may have written a sentence that is held out.
    own = split_list(term["sentences"])
    unseen = [template for template in held_out if _fill(template, term) not in own]
    texts = _deal(unseen or held_out, len(voices), term)
    return _utterances(texts, voices, DEVELOPMENT, CONTEXT, term)


def _plan_contrast(
    term: Mapping[str, str],
    carriers: Carriers,
    casting: Casting,
    everyday: tuple[Sequence[str], Sequence[str]],
) -> list[Utterance]:
    """Sentences that hold an everyday word of the term's sound, where that word is the right one.

    They are those of everyday speech that it stands in, which show where it belongs, as many as a
    term of weight 1 has carrier sentences; and where these are few, those that serve any word. A
    term whose class has no sentences of its own is taught in the latter too, so there they can tell
    nothing, and none are planned.
    """
    own_class = term["class"] in carriers and term["class"] != GENERAL
    frames = split_sentences(carriers[GENERAL], casting.held_out) if own_class else ((), ())
    plan = []
    for rival in split_list(term["rivals"]) if casting.contrast else ():
        # It has the term's sound, whatever the analyser makes of it in a sentence.
        word = dict(term) | {"surface": rival}
        unheard, heard = (
            [sentence for sentence in sentences if stands_in(rival, sentence)]
            for sentences in everyday
        )
        most = max(casting.contrast, casting.in_carriers)
        texts = _contrast_texts(heard, frames[1], casting.contrast, most, word)
        voices = _rotate(casting.train, _hash(term["term_id"], rival))
        plan += _utterances(texts, voices, TRAIN, CONTRAST, word)
        texts = _contrast_texts(unheard, frames[0], 1, 1, word)
        plan += _utterances(texts, casting.development, DEVELOPMENT, CONTRAST, word)
    return plan


def _contrast_texts(
    sentences: Sequence[str],
    templates: Sequence[str],
    fewest: int,
    most: int,
    word: Mapping[str, str],
) -> list[str]:
    """Up to `most` of the sentences, each once; templates where they are fewer than `fewest`."""
    rival = word["surface"]
    ranked = sorted(sentences, key=lambda sentence: _hash(word["term_id"], rival, sentence))
    rest = max(fewest - len(ranked), 0) if templates else 0
    return [*ranked[:most], *_deal(templates, rest, word, rival)]


def _times(number: int, weight: float) -> int:
    """A number of utterances for a term of a weight, rounded up."""
    # 25 * 2.2 is a little more than 55.
    return math.ceil(round(number * weight, 6))


def _utterances(
    texts: Sequence[str], voices: Sequence[Voice], split: str, kind: str, term: Mapping[str, str]
) -> Iterator[Utterance]:
    """Texts, dealt to the voices in turn; nothing is said twice by one voice."""
    how = Replacement(term["surface"], term["reading"], term["pronunciation"])
    said = set()
    for index, text in enumerate(texts):
        in_turn = _rotate(voices, index)
        voice = next((voice for voice in in_turn if (text, voice) not in said), None)
        if voice is None:
            continue
        said.add((text, voice))
        yield Utterance(
            SpokenText(text, (how,)), voice, split, kind, term["term_id"], term["reading"]
        )


def _rotate(voices: Sequence[Voice], turns: int) -> Sequence[Voice]:
    first = turns % len(voices)
    return (*voices[first:], *voices[:first])


def _deal(templates: Sequence[str], count: int, term: Mapping[str, str], *order: str) -> list[str]:
    """`count` filled templates in an order of the term's own; again from the start at the end."""
    ranked = sorted(templates, key=lambda template: _hash(term["term_id"], *order, template))
    return [_fill(ranked[index % len(ranked)], term) for index in range(count)]


def _fill(template: str, term: Mapping[str, str]) -> str:
    return template.replace(SLOT, term["surface"])


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
