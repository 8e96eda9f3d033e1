import pytest

from whisper_terms.scoring.normalise import normalise


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("誤嚥性肺炎、です。", "誤嚥性肺炎です"),
        ("ＰｙＴｏｒｃｈ を 使う", "pytorchを使う"),
        ("ｶﾞｰｾﾞ", "ガーゼ"),
        ("ガとカ", "ガとカ"),
        ("か\u3099と か゛", "がとが"),
        ("は゜", "ぱ"),
        ("コーヒー〜!", "コーヒー"),
        ("人々", "人々"),
        ("ジョン・スミス", "ジョンスミス"),
        ("血圧は 120/80 で 5%", "血圧は12080で5"),
        ("葛\U000e0100城", "葛城"),
        ("a\u200bb\nc", "abc"),
        ("C++とC#", "c++とc#"),
        ("a+b #1 + 2", "ab12"),
        ("①②", "12"),
        ("、。!", ""),
        ("", ""),
    ],
)
def test_normalise(text, characters):
    assert normalise(text).characters == characters


@pytest.mark.parametrize("text", ["ｶﾞｰｾﾞ Ａ・Ｂ", "C++ か゛", "İstanbul ﬁn", "㍿ ㌔ ℃"])
def test_normalised_text_stays_as_it_is(text):
    once = normalise(text).characters
    assert normalise(once).characters == once


def test_breaks_are_where_something_was_left_out():
    assert normalise("use Py-Torch。").breaks == {3, 5, 10}


@pytest.mark.parametrize(
    ("text", "position", "split"),
    [
        ("said", 1, True),
        ("said", 0, False),
        ("said", 4, False),
        ("s aid", 1, False),
        ("123", 1, True),
        ("c72", 1, False),
        ("aを", 1, False),
        ("肺炎", 1, False),
        ("C++", 1, True),
        ("éa", 1, True),
    ],
)
def test_word_splits(text, position, split):
    assert normalise(text).splits_word(position) is split
