import pytest

from whisper_terms.scoring.alignment import Alignment
from whisper_terms.scoring.lexicon import Lexicon, Span, Term
from whisper_terms.scoring.utterance import ScoredUtterance, count_utterance, errors_inside

TERMS = Lexicon(
    [
        Term("aspiration", "誤嚥性肺炎", aliases=("ごえんせいはいえん",)),
        Term("pneumonia", "肺炎"),
        Term("epigastric", "心窩部痛"),
        Term("pytorch", "PyTorch", aliases=("パイトーチ",)),
    ]
)


def count(reference, hypothesis, tokenise=str.split):
    return count_utterance(
        ScoredUtterance("a.wav", "test", 1.0, reference, hypothesis), TERMS, tokenise
    )


def test_errors_inside_and_outside():
    counts = count("誤嚥性肺炎の心窩部痛です", "五円性肺炎のしんかぶつうでした")
    # Inside: 誤嚥 -> 五円 (2), 心窩部痛 -> しんかぶつう (4 + 2). Outside: す -> した (2).
    assert (counts.characters, counts.errors) == (12, 10)
    assert (counts.term_characters, counts.term_errors) == (9, 8)


def test_an_insertion_between_two_misheard_spans_counts_once():
    spans = [Span(0, 1, "first"), Span(1, 2, "second")]
    alignment = Alignment(wrong=(True, True), deleted=(False, False), inserted=(0, 3, 0))
    assert errors_inside(spans, alignment) == alignment.errors == 5


def test_an_insertion_between_two_spans_that_were_heard_is_outside():
    counts = count("肺炎心窩部痛", "肺炎お心窩部痛")
    assert (counts.errors, counts.term_errors) == (1, 0)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "said", "heard", "false"),
    [
        ("肺炎です", "肺炎です", 1, 1, 0),
        ("肺炎です", "肺縁です", 1, 0, 0),
        ("肺炎です", "", 1, 0, 0),
        ("肺炎と肺炎", "肺炎と背炎", 2, 1, 0),
        ("肺炎です", "肺炎、肺炎です", 1, 1, 1),
        ("水です", "肺炎です", 0, 0, 1),
        ("", "肺炎", 0, 0, 1),
        # Another term than the one that was said: missed, and falsely heard.
        ("肺炎です", "誤嚥性肺炎です", 1, 0, 1),
        # A part of the term that was said: missed, but what is written is right.
        ("誤嚥性肺炎です", "五円性肺炎です", 1, 0, 0),
        ("誤嚥性肺炎です", "肺炎の肺炎です", 1, 0, 1),
        # An alias is the term, on either side.
        ("PyTorchです", "パイトーチです", 1, 1, 0),
        ("パイトーチです", "PyTorchです", 1, 1, 0),
        ("誤嚥性肺炎です", "ごえんせいはいえんです", 1, 1, 0),
    ],
)
def test_terms(reference, hypothesis, said, heard, false):
    terms = count(reference, hypothesis).terms
    totals = (terms.occurrences.total(), terms.heard.total(), terms.false.total())
    assert totals == (said, heard, false)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "right"),
    [
        ("PyTorchを使う。", "ｐｙｔｏｒｃｈ を使う", True),
        ("PyTorchを使う", "パイトーチを使う", True),
        ("肺炎です", "肺炎でした", False),
        ("ガス", "カス", False),
        ("", "", True),
        ("", "。", True),
        ("", "はい", False),
        ("はい", "", False),
    ],
)
def test_right(reference, hypothesis, right):
    assert count(reference, hypothesis).right is right


def test_an_accepted_alias_is_right_but_has_character_errors():
    counts = count("PyTorchを使う", "パイトーチを使う")
    assert counts.right
    # Seven characters became five others.
    assert counts.errors == counts.term_errors == 7


@pytest.mark.parametrize(
    ("reference", "hypothesis", "mishearings"),
    [
        ("肺炎です", "肺炎です", []),
        ("の心窩部痛が", "のしんかぶつうが", [("epigastric", "しんかぶつう")]),
        ("肺炎です", "です", [("pneumonia", "")]),
        ("誤嚥性肺炎です", "五円性肺炎です", [("aspiration", "五円性肺炎")]),
        ("肺炎です", "誤嚥性肺炎です", [("pneumonia", "誤嚥性肺炎")]),
        # Which of the two was missed is told by the errors.
        ("肺炎と肺炎", "肺炎と背炎", [("pneumonia", "背炎")]),
        ("PyTorchと肺炎", "敗者と背炎", [("pytorch", "敗者"), ("pneumonia", "背炎")]),
    ],
)
def test_mishearings(reference, hypothesis, mishearings):
    found = count(reference, hypothesis).mishearings
    assert [(one.term_id, one.heard) for one in found] == mishearings


def test_words():
    counts = count("今日 は 晴れ", "今日 晴れ だ")
    assert (counts.words, counts.word_errors) == (3, 2)


def test_empty_hypothesis():
    counts = count("肺炎 です", "")
    assert (counts.errors, counts.term_errors, counts.word_errors) == (4, 2, 2)


def test_silence():
    counts = count("", "ご視聴 ありがとう")
    assert (counts.characters, counts.errors) == (0, 8)
    assert (counts.words, counts.word_errors) == (0, 2)
    assert (counts.term_characters, counts.term_errors) == (0, 0)


def test_an_alias_of_two_terms_is_whichever_was_said():
    terms = Lexicon([Term(one, one, aliases=("MI",)) for one in ("心筋梗塞", "僧帽弁逆流")])
    one = ScoredUtterance("a.wav", "test", 1.0, "僧帽弁逆流がある", "MIがある")
    counts = count_utterance(one, terms, str.split)
    assert counts.terms.heard == {"僧帽弁逆流": 1}
    assert not counts.terms.false and counts.right
