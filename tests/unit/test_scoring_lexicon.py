import pytest

from whisper_terms.errors import UserError
from whisper_terms.scoring.lexicon import Lexicon, Term, read_lexicon
from whisper_terms.scoring.normalise import normalise
from whisper_terms.tables import TERMS, write_table


def lexicon(*surfaces, **aliases):
    """Terms whose id is their surface; aliases by surface."""
    named = [Term(surface, surface, aliases=aliases.get(surface, ())) for surface in surfaces]
    return Lexicon(named)


def found(terms, text):
    return [span.term_id for span in terms.spans(normalise(text))]


def test_the_longest_term_wins():
    terms = lexicon("肺炎", "誤嚥性肺炎", "性肺")
    assert found(terms, "誤嚥性肺炎と肺炎") == ["誤嚥性肺炎", "肺炎"]
    assert terms.covered(normalise("誤嚥性肺炎と肺炎")) == {"肺炎": 1, "性肺": 1}


def test_spans_do_not_overlap_and_are_in_order():
    spans = lexicon("あいう", "うえおか").spans(normalise("あいうえおか"))
    assert spans == [(2, 6, "うえおか")]


def test_repeated_terms_count_each():
    assert found(lexicon("ああ"), "ああああ、ああ") == ["ああ"] * 3


def test_aliases_are_the_term():
    terms = lexicon("PyTorch", PyTorch=("パイトーチ",))
    assert found(terms, "パイトーチとpytorch") == ["PyTorch", "PyTorch"]
    assert terms.canonical(normalise("パイトーチとPyTorch!")) == "pytorchとpytorch"


def test_a_shared_spelling_belongs_to_the_surface():
    terms = Lexicon([Term("first", "甲", aliases=("乙",)), Term("second", "乙")])
    assert found(terms, "乙") == ["second"]


def test_or_to_whom_it_is_wanted_of():
    terms = Lexicon([Term(one, one, aliases=("丙",)) for one in ("甲", "乙")])
    text = normalise("丙と丙と丙")
    assert [span.term_id for span in terms.spans(text, {"乙": 1})] == ["乙", "甲", "甲"]
    assert [span.term_id for span in terms.spans(text, {"甲": 1, "乙": 1})] == ["甲", "乙", "甲"]
    assert terms.canonical(normalise("丙だ"), {"乙": 1}) == "乙だ"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("原因は肺炎", 1),
        ("原因は肺。炎症もある", 0),
        ("肺、炎", 0),
        ("肺！炎", 0),
        ("肺 炎、肺・炎", 2),
        ("肺\n炎", 0),
        ("肺炎。肺炎", 2),
    ],
)
def test_no_term_reaches_into_the_next_clause(text, count):
    assert len(found(lexicon("肺炎"), text)) == count


def test_unless_it_is_spelled_so():
    terms = lexicon("胃、十二指腸", "1,25-ビタミン", "A!B")
    text = "胃、十二指腸と1,25-ビタミンとA!Bと胃十二指腸"
    assert found(terms, text) == ["胃、十二指腸", "1,25-ビタミン", "A!B", "胃、十二指腸"]


def test_a_term_without_characters_is_never_found():
    assert found(lexicon("…", ""), "…。") == []


@pytest.mark.parametrize(
    ("surface", "text", "count"),
    [
        ("AI", "AIとai", 2),
        ("AI", "said", 0),
        ("AI", "open AI lab", 1),
        ("AI", "openAI", 0),
        ("PyTorch", "Py Torchを", 1),
        ("HbA1c", "HbA1c7.2%", 1),
        ("MP3", "MP34", 0),
        ("2型糖尿病", "12型糖尿病", 0),
        ("C", "C++", 0),
        ("C++", "C言語", 0),
        ("C++", "C++を", 1),
        ("ガーゼ", "カーゼ", 0),
    ],
)
def test_latin_words_and_numbers_are_whole(surface, text, count):
    assert len(found(lexicon(surface), text)) == count


def test_read_lexicon(tmp_path):
    path = tmp_path / "terms.tsv"
    row = {
        "term_id": "t1",
        "surface": "痙攣",
        "reading": "ケイレン",
        "aliases": "けいれん|ケイレン",
    }
    write_table(path, TERMS, [row])
    assert read_lexicon(path).terms == {
        "t1": Term("t1", "痙攣", "ケイレン", ("けいれん", "ケイレン"))
    }


def test_read_lexicon_names_the_missing_column(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("term_id\tsurface\nt1\t痙攣\n", encoding="utf-8")
    with pytest.raises(UserError, match="reading, aliases"):
        read_lexicon(path)
