"""Dictionaries as users have them: encodings and formats."""

import codecs

import pytest
from small_dictionaries import write

from whisper_terms.dictionary import Entry, entry_digest, read_dictionaries

TABLE = "surface,reading\n痙攣,ケイレン\n心窩部痛,シンカブツウ\nailia SDK,\n"
PAIRS = [("痙攣", "ケイレン"), ("心窩部痛", "シンカブツウ"), ("ailia SDK", "")]


def pairs(path):
    return [(entry.surface, entry.reading) for entry in read_dictionaries([path])]


def rows(path):
    return [entry.row for entry in read_dictionaries([path])]


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8"),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("cp932"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
        TABLE.replace("\n", "\r\n").encode("cp932"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.encode("cp932") + b"\x1a",
    ],
    ids=range(10),
)
def test_encodings_and_line_ends(tmp_path, content):
    assert pairs(write(tmp_path, content)) == PAIRS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_unmarked_utf16_of_characters_with_zero_bytes(tmp_path, encoding):
    text = "イチ,一\nニジョウ,二\u3000上\n"
    assert pairs(write(tmp_path, text.encode(encoding))) == [("一", "イチ"), ("二 上", "ニジョウ")]


@pytest.mark.parametrize(
    "text",
    [
        TABLE.replace(",", "\t"),
        TABLE.replace(",", "，"),
        TABLE.replace("ケイレン", "　けいれん　").replace("シンカブツウ", "ｼﾝｶﾌﾞﾂｳ"),
        'reading,surface\nケイレン,痙攣\n"シンカブツウ" , "心窩部痛"\n,ailia SDK\n',
        "Surface , READING,,\n痙攣,ケイレン,,\n\n心窩部痛,シンカブツウ\nailia SDK\n,,\n　\n",
        "weight\tsurface\treading\n\t痙攣\tケイレン\n1\t心窩部痛\tシンカブツウ\n\tailia SDK\n",
    ],
)
def test_tables_with_a_header(tmp_path, text):
    assert pairs(write(tmp_path, text)) == PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "ケイレン,痙攣\nしんかぶつう , 心窩部痛\nailia SDK,ailia SDK\n",
        "ケイレン，痙攣\n　しんかぶつう，　心窩部痛\nailia SDK\n",
        "けいれん\t痙攣\nシンカブツウ\t心窩部痛\n\tailia SDK\n",
    ],
)
def test_two_columns_without_a_header(tmp_path, text):
    assert pairs(write(tmp_path, text)) == PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "よみ,読み\n",
        "class\n痙攣\n",
        "くらす,class\n",
        "ようご,用語\n",
        "のうと,Note\n",
        "ツウ,痛\nサーフェス,surface\n",
    ],
)
def test_terms_that_are_words_for_columns(tmp_path, text):
    assert len(pairs(write(tmp_path, text))) == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "B型、肝炎\n",
        "surface\nB型、肝炎\nA型、肝炎\n",
        "B型、肝炎\n痛\n",
        "a;b\nc|d\n",
        "a;b\nc;d;e\n",
    ],
)
def test_terms_with_what_might_separate_columns(tmp_path, text):
    terms = text.removeprefix("surface\n").splitlines()
    assert pairs(write(tmp_path, text)) == [(term, "") for term in terms]


def test_two_columns_of_kana_are_not_swapped(tmp_path):
    path = write(tmp_path, "アトピー,アトピー\nあざ,アザ\n")
    assert pairs(path) == [("アトピー", "アトピー"), ("アザ", "アザ")]


def test_spoken_text_of_two_columns_may_be_written_in_kanji(tmp_path):
    path = write(tmp_path, "東京都,Tokyo\nエス ディー・ケー,SDK\n")
    assert pairs(path) == [("Tokyo", "東京都"), ("SDK", "エス ディー・ケー")]


MOZC = """\
# Mozc の書き出し, 2024
けいれん\t痙攣\t名詞\t
しんかぶつう\t心窩部痛\t名詞\t胸の下, 痛み
# けいれん\t消した語\t名詞
けいれん\t痙攣\t名詞サ変\t
だめ\t駄目\t抑制単語\t
う゛ぃっつ\tVITS\tサジェストのみ
"""
MSIME = """\
!Microsoft IME Dictionary Tool
!Version:
!Format:WORDLIST
!DateTime:

けいれん\t痙攣\t名詞\t
しんかぶつう\t心窩部痛\t名詞
けいれん\t痙攣\tさ変名詞
う゛ぃっつ\tVITS\t固有名詞\tコメント
"""
ATOK = """\
!!ATOK_TANGO_TEXT_HEADER_1
!!一覧出力
!!単語種類;登録単語(*) 自動登録単語($)

けいれん\t痙攣\t名詞サ変*
しんかぶつう\t心窩部痛\t名詞*
ヴィッツ\tVITS\t固有一般$\tコメント\tしない\t
"""


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (MOZC.encode(), [2, 3, 7]),
        (MSIME.encode("utf-16"), [6, 7, 9]),
        (MSIME.replace("\n", "\r\n").encode("cp932"), [6, 7, 9]),
        (MSIME.encode("utf-16-le"), [6, 7, 9]),
        (ATOK.encode("utf-16"), [5, 6, 7]),
        (ATOK.replace("\n", "\r\n").encode("cp932"), [5, 6, 7]),
        (MSIME.partition("\n\n")[2].encode(), [1, 2, 4]),
    ],
    ids=["mozc", "ms-ime", "ms-ime-98", "ms-ime-unmarked", "atok", "atok-old", "ms-ime-headless"],
)
def test_exports_of_input_methods(tmp_path, content, lines):
    path = write(tmp_path, content, "export.txt")
    assert pairs(path) == [("痙攣", "ケイレン"), ("心窩部痛", "シンカブツウ"), ("VITS", "ヴィッツ")]
    assert rows(path) == lines


def test_all_columns(tmp_path):
    path = write(
        tmp_path,
        "surface,reading,aliases,class,sentences,weight\n"
        "痙攣,けいれん,痙れん| けいれん||痙攣,ｄｒｕｇ-名前２,痙攣が, "
        "痙攣と読む。\n".replace("痙攣が, ", '"痙攣、|').replace("読む。", '読む。",２．５'),
    )
    assert read_dictionaries([path]) == [
        Entry(
            surface="痙攣",
            reading="ケイレン",
            aliases=("痙れん", "けいれん"),
            term_class="drug-名前2",
            sentences=("痙攣、", "痙攣と読む。"),
            weight=2.5,
            file=str(path),
            row=2,
        )
    ]


def test_the_bar_of_japanese_input_methods(tmp_path):
    path = write(tmp_path, "surface,aliases,sentences\n痛,いた｜つう|,痛む。｜痛い。\n")
    (entry,) = read_dictionaries([path])
    assert entry.aliases == ("いた", "つう")
    assert entry.sentences == ("痛む。", "痛い。")


def test_empty_cells_take_defaults(tmp_path):
    path = write(tmp_path, "surface,class,weight,sentences\n痙攣,,,\n")
    (entry,) = read_dictionaries([path])
    assert (entry.term_class, entry.weight, entry.aliases, entry.sentences) == (
        "general",
        1,
        (),
        (),
    )


@pytest.mark.parametrize(
    "surface", ["$(touch /tmp/x); \"a/b'…", "<script>", "../../x", "-rf x", "C#"]
)
@pytest.mark.parametrize("head", ["surface\n", "", "reading\tsurface\nア\t"])
def test_terms_are_data(tmp_path, surface, head):
    assert pairs(write(tmp_path, f"{head}{surface}\n"))[0][0] == surface


def test_surfaces_are_composed_and_single_spaced(tmp_path):
    path = write(tmp_path, "surface\nカ\u3099ーセ\u3099　 帯\n")
    assert pairs(path) == [("ガーゼ 帯", "")]


def test_several_files_in_order(tmp_path):
    first = write(tmp_path, "surface\nイ\nロ\n", "a.csv")
    second = write(tmp_path, "は,ハ\n", "b.csv")
    entries = read_dictionaries([second, str(first)])
    places = [(entry.surface, entry.file, entry.row) for entry in entries]
    assert places == [("ハ", str(second), 1), ("イ", str(first), 2), ("ロ", str(first), 3)]


def test_no_files_hold_no_terms():
    assert read_dictionaries([]) == []


BASE = Entry("痙攣", "ケイレン", (), "general", (), 1.0, "a.csv", 2)


def test_term_id_is_of_the_surface_alone():
    other = Entry("痙攣", "", ("x",), "y", ("痙攣",), 2.0, "b.csv", 3)
    assert BASE.term_id == other.term_id == "ta630689923"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Entry("痙攣", "ケイレン", ("痙れん",), "general", (), 3.0, "b.csv", 9), True),
        (
            Entry("痙攣", "ケイレン", ("けいれん", "ケイレン", "cramp"), "general", (), 1, "", 0),
            True,
        ),
        (Entry("痙攣", "ケイレン", ("経連",), "general", (), 1.0, "a.csv", 2), False),
        (Entry("痙れん", "ケイレン", (), "general", (), 1.0, "a.csv", 2), False),
        (Entry("痙攣", "ヒキツケ", (), "general", (), 1.0, "a.csv", 2), False),
        (Entry("痙攣", "ケイレン", (), "symptom", (), 1.0, "a.csv", 2), False),
        (Entry("痙攣", "ケイレン", (), "general", ("痙攣が",), 1.0, "a.csv", 2), False),
    ],
)
def test_digest_is_of_what_is_spoken(other, same):
    assert (entry_digest(other) == entry_digest(BASE)) is same
