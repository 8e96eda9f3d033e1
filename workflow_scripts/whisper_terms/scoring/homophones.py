"""Words that sound alike: which of them was written where each was said.

Term recall tells half of it: a model that writes 動悸 wherever it hears that sound knows the term,
and has lost 動機.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from whisper_terms.scoring.columns import counted
from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.normalise import normalise
from whisper_terms.scoring.utterance import TermCounts, UtteranceCounts, count_terms
from whisper_terms.tables import TERM, WORD

Row = dict[str, object]


@dataclass(frozen=True)
class Sound:
    """Words of one sound.

    Attributes:
        reading: as the dictionary gives it.
        words: their kinds (term or word) by how they are written, the dictionary's terms first.
        ids: their names in the lexicon, by how they are written.
    """

    reading: str
    words: Mapping[str, str]
    ids: Mapping[str, str]


def homophone_eval_rows(
    systems: Mapping[str, Sequence[UtteranceCounts]],
    homophones: Sequence[Mapping[str, str]],
    terms: Lexicon,
) -> list[Row]:
    """The rows of homophones_eval.tsv: for each system, the words of one sound that were said.

    A word is heard where it, or an accepted alias of the term, stands in the hypothesis, as terms
    are counted (`count_terms`). `heard_as` holds what was written of the same sound in its place,
    the most frequent first.

    Args:
        systems: the counted utterances by system.
        homophones: rows of homophones.tsv.
        terms: the dictionary's.
    """
    # What is another spelling of a term is that term.
    homophones = [one for one in homophones if one["kind"] == TERM or not _spells(one, terms)]
    sounds, lexicon = _sounds(homophones), _with_words(homophones, terms)
    return [
        {"system": system} | row
        for system, counts in systems.items()
        for row in _system_rows([_count(one, lexicon) for one in counts], sounds)
    ]


def share_of_right_words(rows: Sequence[Mapping[str, object]], system: str) -> tuple[int, int]:
    """How many occurrences of such words a system heard, and how many were said."""
    own = [row for row in rows if row["system"] == system]
    heard, said = (sum(int(str(row[name])) for row in own) for name in ("heard", "occurrences"))
    return heard, said


def _sounds(homophones: Sequence[Mapping[str, str]]) -> list[Sound]:
    """The groups of words that the rows speak of; terms of one sound are in one group."""
    ids = {row["surface"]: row["term_id"] for row in homophones}
    by_term: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in homophones:
        by_term[row["term_id"]].append(row)
    groups: dict[frozenset[str], list[Mapping[str, str]]] = {}
    for rows in by_term.values():
        terms = {rows[0]["surface"], *(row["rival"] for row in rows if row["kind"] == TERM)}
        groups.setdefault(frozenset(terms), []).extend(rows)
    return [_sound(rows, ids) for rows in groups.values()]


def _sound(rows: Sequence[Mapping[str, str]], ids: Mapping[str, str]) -> Sound:
    """The words of the rows of all terms of one sound, the dictionary's terms first."""
    terms = dict.fromkeys((row["surface"] for row in rows), TERM)
    words = {row["rival"]: row["kind"] for row in rows}
    kinds = terms | {word: kind for word, kind in words.items() if word not in terms}
    names = {word: ids.get(word, _word_id(word)) for word in kinds}
    return Sound(rows[0]["reading"], kinds, names)


def _spells(row: Mapping[str, str], terms: Lexicon) -> bool:
    """Whether the rival is a spelling of a term of the dictionary."""
    word = normalise(row["rival"])
    return any(span.end - span.start == len(word.characters) for span in terms.spans(word))


def _with_words(homophones: Sequence[Mapping[str, str]], terms: Lexicon) -> Lexicon:
    """The dictionary's terms and the everyday words that sound like one."""
    words = {row["rival"]: None for row in homophones if row["kind"] == WORD}
    return Lexicon([*terms.terms.values(), *(Term(_word_id(word), word) for word in words)])


def _word_id(word: str) -> str:
    # No term's id has a colon.
    return f"{WORD}:{word}"


def _count(one: UtteranceCounts, lexicon: Lexicon) -> TermCounts:
    said, written = (
        normalise(text) for text in (one.utterance.reference, one.utterance.hypothesis)
    )
    return count_terms(said, written, lexicon)


def _system_rows(counts: Sequence[TermCounts], sounds: Sequence[Sound]) -> Iterator[Row]:
    for sound in sounds:
        for word, kind in sound.words.items():
            name = sound.ids[word]
            said = sum(one.occurrences[name] for one in counts)
            if not said:
                continue
            instead = Counter(other for one in counts for other in _instead(one, sound, word))
            yield {
                "reading": sound.reading,
                "word": word,
                "kind": kind,
                "occurrences": said,
                "heard": sum(one.heard[name] for one in counts),
                "heard_as": counted(instead),
            }


def _instead(one: TermCounts, sound: Sound, word: str) -> list[str]:
    """The words of the same sound that an utterance wrote where this one was missed."""
    false = [
        other for other in sound.words if other != word for _ in range(one.false[sound.ids[other]])
    ]
    return false[: one.missed[sound.ids[word]]]
