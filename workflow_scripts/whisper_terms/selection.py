"""Which terms are worth training on: those that the base model does not hear every time.

Training on the others costs time, and teaches what is known. They stay in the development set,
which tells whether they are still known afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.normalise import normalise
from whisper_terms.scoring.utterance import count_terms
from whisper_terms.utterances import TRAIN

MISHEARD = "term_id surface occurrences heard selected".split()


@dataclass(frozen=True)
class JudgedTerm:
    """A term, and how well the base model hears it.

    Attributes:
        term: the term.
        occurrences: how often it was said in its utterances that the model listened to.
        heard: how often of these the model wrote it, or an accepted alias.
    """

    term: Term
    occurrences: int
    heard: int

    @property
    def selected(self) -> bool:
        """Whether it was missed, or never listened to."""
        return self.heard < self.occurrences or not self.occurrences


def judge_terms(heard: Iterable[Mapping[str, str]], lexicon: Lexicon) -> list[JudgedTerm]:
    """Count how often each term was heard in its own utterances.

    Another term in a sentence is passed over: the analyser may have read it otherwise than the
    dictionary does. So is an utterance in which the term is only a part of a longer one.

    Args:
        heard: rows of `hearing.HEARD`.
        lexicon: the terms.

    Returns:
        One for each term, in the lexicon's order.
    """
    said, right = Counter(), Counter()
    for row in heard:
        counts = count_terms(normalise(row["text"]), normalise(row["heard"]), lexicon)
        said[row["term_id"]] += counts.occurrences[row["term_id"]]
        right[row["term_id"]] += counts.heard[row["term_id"]]
    return [JudgedTerm(term, said[name], right[name]) for name, term in lexicon.terms.items()]


def judged_rows(judged: Iterable[JudgedTerm]) -> Iterator[dict[str, object]]:
    """Rows of MISHEARD."""
    for one in judged:
        yield {
            "term_id": one.term.term_id,
            "surface": one.term.surface,
            "occurrences": one.occurrences,
            "heard": one.heard,
            "selected": "yes" if one.selected else "",
        }


def keep_selected(
    manifest: Iterable[Mapping[str, str]], judged: Sequence[JudgedTerm]
) -> Iterator[Mapping[str, str]]:
    """The manifest without the training utterances of terms that are not selected.

    Replay and the development set are whole.
    """
    known = {one.term.term_id for one in judged if not one.selected}
    return (row for row in manifest if row["split"] != TRAIN or row["term_id"] not in known)
