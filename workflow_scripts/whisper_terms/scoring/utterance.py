"""The counts of one utterance, from which all rates are summed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from whisper_terms.scoring.alignment import Alignment, align, edit_distance
from whisper_terms.scoring.lexicon import Lexicon, Span
from whisper_terms.scoring.normalise import NormalisedText, normalise

Tokenise = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class ScoredUtterance:
    """A recording and what a system heard.

    Attributes:
        audio: the name of the recording.
        test_set: the set it belongs to.
        seconds: its length, or None if unknown.
        reference: what was said; empty for silence.
        hypothesis: what the system wrote.
        compute_seconds: how long the system took, or None if unknown.
    """

    audio: str
    test_set: str
    seconds: float | None
    reference: str
    hypothesis: str
    compute_seconds: float | None = None


@dataclass(frozen=True)
class Mishearing:
    """An occurrence of a term that was missed, and the normalised text heard in its place."""

    term_id: str
    heard: str


@dataclass(frozen=True)
class TermCounts:
    """How often each term was said, heard, and heard where it was not said."""

    occurrences: Counter[str]
    heard: Counter[str]
    false: Counter[str]

    @property
    def missed(self) -> Counter[str]:
        """How often each term was said and not heard."""
        return self.occurrences - self.heard


@dataclass(frozen=True)
class UtteranceCounts:
    """The counts of one utterance.

    Attributes:
        utterance: what was counted.
        characters: the reference characters.
        errors: the character errors.
        term_characters: the reference characters inside term spans.
        term_errors: the character errors inside term spans.
        words: the reference words.
        word_errors: the word errors.
        terms: the counts by term.
        written_terms: the terms in the hypothesis.
        mishearings: the occurrences that were missed.
        right: the hypothesis says what the reference says, aliases counting as their term.
    """

    utterance: ScoredUtterance
    characters: int
    errors: int
    term_characters: int
    term_errors: int
    words: int
    word_errors: int
    terms: TermCounts
    written_terms: int
    mishearings: tuple[Mishearing, ...]
    right: bool


def count_utterance(
    utterance: ScoredUtterance, lexicon: Lexicon, tokenise: Tokenise
) -> UtteranceCounts:
    """Count one utterance.

    Character errors are counted on the text as written: an accepted alias counts as a heard term
    and as right, but its characters differ from the reference's and are errors.

    Errors inside and outside term spans follow the biased and unbiased word error rate (D. Le et
    al., "Contextualized Streaming End-to-End Speech Recognition with Trie-Based Deep Biasing and
    Shallow Fusion", Interspeech 2021), at characters. A substitution or deletion lies where its
    reference character lies. An insertion, which they assign by the word inserted, is here assigned
    by its place: inside between two characters of a span, or at the border of a span whose
    character there was misheard (see `Alignment`).
    """
    reference, hypothesis = normalise(utterance.reference), normalise(utterance.hypothesis)
    alignment = align(reference.characters, hypothesis.characters)
    spans, written = lexicon.spans(reference), lexicon.spans(hypothesis)
    terms = count_terms(reference, hypothesis, lexicon)
    reference_words = tokenise(utterance.reference)
    return UtteranceCounts(
        utterance=utterance,
        characters=len(reference.characters),
        errors=alignment.errors,
        term_characters=sum(span.end - span.start for span in spans),
        term_errors=errors_inside(spans, alignment),
        words=len(reference_words),
        word_errors=edit_distance(reference_words, tokenise(utterance.hypothesis)),
        terms=terms,
        written_terms=len(written),
        mishearings=_mishearings(spans, written, alignment, hypothesis, terms.missed),
        right=lexicon.canonical(reference) == lexicon.canonical(hypothesis, terms.occurrences),
    )


def find_mishearings(
    reference: NormalisedText, hypothesis: NormalisedText, lexicon: Lexicon
) -> tuple[Mishearing, ...]:
    """What was written in place of the occurrences of terms that were missed."""
    return _mishearings(
        lexicon.spans(reference),
        lexicon.spans(hypothesis),
        align(reference.characters, hypothesis.characters),
        hypothesis,
        count_terms(reference, hypothesis, lexicon).missed,
    )


def count_terms(
    reference: NormalisedText, hypothesis: NormalisedText, lexicon: Lexicon
) -> TermCounts:
    """Count the terms said, heard and falsely heard in one utterance.

    Of a term that is said m times and written n times, min(m, n) were heard and n - min(m, n)
    falsely. Written terms that the reference holds only as a part of a longer term (肺炎, heard of
    誤嚥性肺炎) are neither: their characters are right.
    """
    occurrences = Counter(span.term_id for span in lexicon.spans(reference))
    written = Counter(span.term_id for span in lexicon.spans(hypothesis, occurrences))
    return TermCounts(
        occurrences=occurrences,
        heard=occurrences & written,
        false=written - occurrences - lexicon.covered(reference),
    )


def errors_inside(spans: Sequence[Span], alignment: Alignment) -> int:
    """The errors inside the spans; an insertion between two adjoining spans counts once."""
    total = sum(alignment.errors_within(span.start, span.end) for span in spans)
    for first, second in pairwise(spans):
        both_wrong = alignment.wrong[first.end - 1] and alignment.wrong[second.start]
        if first.end == second.start and both_wrong:
            total -= alignment.inserted[second.start]
    return total


def _mishearings(
    spans: Sequence[Span],
    written: Sequence[Span],
    alignment: Alignment,
    hypothesis: NormalisedText,
    missed: Counter[str],
) -> tuple[Mishearing, ...]:
    """What was written in place of the occurrences that were missed."""
    missed = missed.copy()
    # Of several occurrences of a term, those with the most errors are the ones that were missed.
    by_errors = sorted(spans, key=lambda span: -alignment.errors_within(span.start, span.end))
    found = []
    for span in by_errors:
        if missed[span.term_id] > 0:
            missed[span.term_id] -= 1
            region = _widen(alignment.heard_as(span.start, span.end), written)
            found.append(Mishearing(span.term_id, hypothesis.characters[region]))
    return tuple(found)


def _widen(region: slice, written: Sequence[Span]) -> slice:
    """The written term that holds a region, or the region: 肺炎 was heard as 誤嚥性肺炎."""
    for span in written:
        if span.start <= region.start < region.stop <= span.end:
            return slice(span.start, span.end)
    return region
