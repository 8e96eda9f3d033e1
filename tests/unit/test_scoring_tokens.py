import sys

import pytest

from whisper_terms.errors import UserError
from whisper_terms.scoring import tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("患者は、薬を飲む。", ("患者", "は", "薬", "を", "飲む")),
        ("ＰｙＴｏｒｃｈ を使う!", ("pytorch", "を", "使う")),
        ("", ()),
        ("。、", ()),
    ],
)
def test_words(text, words):
    assert tokens.ginza_tokens(text) == words


def test_long_texts_are_cut_into_pieces():
    """SudachiPy takes 49,149 bytes at once; this is 54,000, in one sentence."""
    words = tokens.ginza_tokens("水を飲む" * 4500)
    assert len(words) == pytest.approx(3 * 4500, abs=5)
    assert "".join(words) == "水を飲む" * 4500


def test_without_ginza(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    tokens._ginza.cache_clear()
    with pytest.raises(UserError, match="pip install ginza"):
        tokens.ginza_tokens("GiNZA がない")
