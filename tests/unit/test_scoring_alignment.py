import random

import jiwer
import pytest

from whisper_terms.scoring.alignment import Alignment, align, edit_distance

LETTERS = "あいう"


def random_pairs(count=200, symbols=LETTERS):
    draw = random.Random(1)
    for _ in range(count):
        yield (
            "".join(draw.choices(symbols, k=draw.randint(1, 12))),
            "".join(draw.choices(symbols, k=draw.randint(0, 12))),
        )


def test_errors_agree_with_jiwer():
    for reference, hypothesis in random_pairs():
        expected = jiwer.cer(reference, hypothesis) * len(reference)
        assert align(reference, hypothesis).errors == pytest.approx(expected)
        assert edit_distance(reference, hypothesis) == pytest.approx(expected)


def test_word_distance_agrees_with_jiwer():
    for reference, hypothesis in random_pairs():
        words = jiwer.wer(" ".join(reference), " ".join(hypothesis)) * len(reference)
        assert edit_distance(tuple(reference), tuple(hypothesis)) == pytest.approx(words)


def test_parts_share_out_the_errors():
    for reference, hypothesis in random_pairs():
        alignment = align(reference, hypothesis)
        for cut in range(1, len(reference)):
            parts = alignment.errors_within(0, cut) + alignment.errors_within(cut, len(reference))
            # Insertions at the ends or at the cut may belong to neither part, or to both.
            unsure = sum(alignment.inserted[place] for place in (0, cut, -1))
            assert alignment.errors - unsure <= parts <= alignment.errors + alignment.inserted[cut]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "span", "inside", "heard"),
    [
        # A substitution and a deletion lie where their reference character lies.
        ("あ肺炎い", "あ背炎い", (1, 3), 1, "背炎"),
        ("あ肺炎い", "う肺炎い", (1, 3), 0, "肺炎"),
        ("あ肺炎い", "あ肺い", (1, 3), 1, "肺"),
        ("あ肺炎い", "肺炎い", (1, 3), 0, "肺炎"),
        ("あ肺炎い", "あい", (1, 3), 2, ""),
        ("あ肺炎い", "", (1, 3), 2, ""),
        # An insertion between two characters of the span is inside.
        ("あ肺炎い", "あ肺が炎い", (1, 3), 1, "肺が炎"),
        # Beside a span whose border was heard right it is outside.
        ("あ肺炎い", "あお肺炎い", (1, 3), 0, "肺炎"),
        ("あ肺炎い", "あ肺炎おい", (1, 3), 0, "肺炎"),
        ("肺炎", "お肺炎お", (0, 2), 0, "肺炎"),
        # Beside a misheard border it belongs to the mishearing.
        ("の心窩部痛が", "のしんかぶつうが", (1, 5), 6, "しんかぶつう"),
        ("心窩部痛", "しんかぶつう", (0, 4), 6, "しんかぶつう"),
    ],
)
def test_errors_inside_a_span(reference, hypothesis, span, inside, heard):
    alignment = align(reference, hypothesis)
    assert alignment.errors_within(*span) == inside
    assert hypothesis[alignment.heard_as(*span)] == heard


def test_insertions_after_a_misheard_border():
    """Another shortest path, with the insertion last; the counts must not depend on the path."""
    alignment = Alignment(
        wrong=(False, True, False), deleted=(False, False, False), inserted=(0, 0, 1, 0)
    )
    assert alignment.errors_within(1, 2) == 2
    assert alignment.heard_as(1, 2) == slice(1, 3)
    assert alignment.errors_within(2, 3) == 0
    assert alignment.heard_as(2, 3) == slice(3, 4)


def test_the_whole_reference_was_heard_as_the_whole_hypothesis():
    assert align("abc", "xyz").heard_as(0, 3) == slice(0, 3)


def test_silence():
    alignment = align("", "はい")
    assert alignment.errors == 2
    assert alignment.inserted == (2,)
