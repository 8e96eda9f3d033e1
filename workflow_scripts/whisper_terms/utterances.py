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

from whisper_terms.carriers import SLOT, Carriers, templates_of
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.tables import split_list

TRAIN, DEVELOPMENT = "train", "dev"
TERM, CONTEXT, REPLAY = "term", "context", "replay"


@dataclass(frozen=True)
class Utterance:
    """One thing to say.

    Attributes:
        spoken: the text, and how the term in it is said.
        voice: who says it.
        split: train or dev.
        kind: term (the lone term), context (the term in a sentence) or replay.
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
            there are no others.
        isolated: utterances of the lone term, for a term of weight 1.
        in_carriers: utterances in carrier sentences, for a term of weight 1.
        held_out: share of the sentences that only the development set uses.
    """

    train: tuple[Voice, ...]
    development: tuple[Voice, ...]
    isolated: int
    in_carriers: int
    held_out: float

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


def plan_term(term: Mapping[str, str], carriers: Carriers, casting: Casting) -> list[Utterance]:
    """The utterances of a term.

    Sentences and voices of the development set are both kept from training, so that it measures
    what the test set will: a sentence never seen, from a speaker never heard. The user's own
    sentences are all for training.

    Args:
        term: a row of terms.tsv.
        carriers: templates by class.
        casting: voices and numbers.

    Returns:
        Isolated utterances, then those in the user's sentences and in templates, then those of
        the development set (one a voice).
    """
    weight = float(term["weight"] or 1)
    held_out, templates = split_sentences(templates_of(carriers, term["class"]), casting.held_out)
    own = split_list(term["sentences"])
    lone = max(math.ceil(casting.isolated * weight), 0)
    framed = max(math.ceil(casting.in_carriers * weight) - len(own), 0)
    sentences = [*own, *_deal(templates, framed, term["term_id"], SLOT, term["surface"])]
    plan = [
        # The first voice says every lone term: some recipes train on that voice alone.
        *_utterances([term["surface"]] * lone, casting.train, TRAIN, TERM, term),
        *_utterances(sentences, _turn(casting.train, term["term_id"]), TRAIN, CONTEXT, term),
    ]
    if casting.in_carriers:
        texts = _deal(held_out, len(casting.development), term["term_id"], SLOT, term["surface"])
        plan += _utterances(texts, casting.development, DEVELOPMENT, CONTEXT, term)
    else:
        lone_again = [term["surface"]] * len(casting.development)
        plan += _utterances(lone_again, casting.development, DEVELOPMENT, TERM, term)
    return list(dict.fromkeys(plan))


def plan_replay(sentences: Sequence[str], casting: Casting) -> list[Utterance]:
    """One utterance a sentence; held-out sentences by the development set's voices."""
    held_out = set(split_sentences(sentences, casting.held_out)[0])
    plan = []
    for sentence in sentences:
        voices, split = (
            (casting.development, DEVELOPMENT) if sentence in held_out else (casting.train, TRAIN)
        )
        voice = voices[_hash(sentence) % len(voices)]
        plan.append(Utterance(SpokenText(sentence), voice, split, REPLAY))
    return plan


def split_sentences(sentences: Sequence[str], held_out: float) -> tuple[list[str], list[str]]:
    """Split into held-out and training sentences; at least one of each where there are two."""
    ranked = sorted(sentences, key=_hash)
    count = min(max(round(len(ranked) * held_out), 1), len(ranked) - 1)
    if count < 1:
        return ranked, ranked
    return ranked[:count], ranked[count:]


def _utterances(
    texts: Sequence[str], voices: Sequence[Voice], split: str, kind: str, term: Mapping[str, str]
) -> Iterator[Utterance]:
    """Texts, dealt to the voices in turn."""
    how = Replacement(term["surface"], term["reading"], term["pronunciation"])
    for index, text in enumerate(texts):
        voice = voices[index % len(voices)]
        yield Utterance(
            SpokenText(text, (how,)), voice, split, kind, term["term_id"], term["reading"]
        )


def _turn(voices: tuple[Voice, ...], term_id: str) -> tuple[Voice, ...]:
    """The voices, beginning with one that depends on the term."""
    first = _hash(term_id) % len(voices)
    return voices[first:] + voices[:first]


def _deal(templates: Sequence[str], count: int, term_id: str, slot: str, surface: str) -> list[str]:
    """`count` filled templates in an order of the term's own; again from the start at the end."""
    ranked = sorted(templates, key=lambda template: _hash(term_id, template))
    return [ranked[index % len(ranked)].replace(slot, surface) for index in range(count)]


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
