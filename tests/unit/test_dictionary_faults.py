"""What is wrong with a dictionary: told all at once, each with its place and cure."""

import pytest
from small_dictionaries import write

from whisper_terms.dictionary import inspect_dictionaries, read_dictionaries
from whisper_terms.errors import UserError

HEAD = "surface,reading,aliases,class,sentences,weight\n"


def faults_of(*paths):
    with pytest.raises(UserError) as error:
        read_dictionaries(paths)
    return error.value.faults


@pytest.mark.parametrize(
    ("content", "row", "problem", "value", "cure"),
    [
        ("", None, "empty", None, "one term"),
        ("\n　\n", None, "empty", None, "one term"),
        (HEAD, None, "no terms", None, "one term"),
        ("!!ATOK_TANGO_TEXT_HEADER_1\n", None, "no terms", None, "one term"),
        (HEAD + ",ケイレン\n", 2, "surface is empty", None, "delete the row"),
        ("ケイレン,\n", 1, "surface is empty", None, "delete the row"),
        (HEAD + "…。\n", 2, "no letter", "…。", "something to say"),
        (HEAD + "あ" * 61 + "\n", 2, "61 characters", "あ" * 61, "sentences"),
        (HEAD + "痛,\n痢,\n痛,\n", 4, "already in row 2", "痛", "row 2"),
        (HEAD + "痛,ツウ\n痛,イタミ\n", 3, "already in row 2", "痛", "here イタミ, there ツウ"),
        (HEAD + "MRI,\nC,\nC++,\nC#,\nｍｒｉ,\n", 6, "MRI in row 2", "ｍｒｉ", "delete"),
        (HEAD + "C++,\nc＋＋,\n", 3, "C++ in row 2", "c＋＋", "delete"),
        (HEAD + "B型、肝炎,\nB型肝炎,\n", 3, "B型、肝炎 in row 2", "B型肝炎", "punctuation"),
        ("つう\t痛\t名詞\nいたみ\t痛\t名詞\n", 2, "already in row 1", "痛", "イタミ"),
        (HEAD + "痛,つ痛!\n", 2, "reading has 痛, !", "つ痛!", "kana"),
        (HEAD + "痛,ツ−\n", 2, "reading has −", "ツ−", "ー"),
        (HEAD + "痛,・\n", 2, "no kana", "・", "leave it empty"),
        ("...,痛\n", 1, "spoken text has no letter", "...", "kana"),
        (HEAD + "痛,,、\n", 2, "alias has no letter", "、", "delete"),
        (HEAD + "痛,,いた、つう\n", 2, "alias holds 、", "いた、つう", "by |"),
        (HEAD + "痛,,いた；つう|苦\n", 2, "alias holds ；", "いた；つう", "by |"),
        (HEAD + "痛,,,a b\n", 2, "class", "a b", "drug-name"),
        (HEAD + "痛,,,a_b\n", 2, "class", "a_b", "drug-name"),
        (HEAD + "痛,,いた,,痛む|別\n", 2, "not hold the surface", "別", "痛"),
        (HEAD + "痛,,いた,,いた。|痛む\n", 2, "not hold the surface", "いた。", "痛"),
        *(
            (HEAD + f"痛,,,,,{weight}\n", 2, "weight", weight, "2.5")
            for weight in ("x", "0", "-1", "nan", "inf", "1e999", "1_0")
        ),
        (HEAD + "痛,,,,,1,2\n", 2, "7 cells in a file of 6", "痛,,,,,1,2", "comma"),
        ("surface\n痛,ツウ\n", 2, "2 cells in a file of 1 column", "痛,ツウ", "remove"),
        ("ツウ,痛,x\n", 1, "3 cells in a file of 2", "ツウ,痛,x", "header row"),
        ("痛,ツウ\n湿疹，シッシン\n", 1, "swapped", "痛,ツウ", "surface,reading"),
        ("アトピー,あとぴー\nCT,シーティー\n痛,ツウ", 2, "swapped", "CT,シーティー", "surface"),
        (HEAD + '"痛,ツウ\n', 2, "quote", '"痛,ツウ', "close it"),
        (HEAD + '"痛"み,ツウ\n', 2, "quote", '"痛"み,ツウ', "twice"),
        (HEAD + "痛\0,\n", 2, "U+0000", "痛\0,", "delete"),
        (HEAD + "痛\u200b,\n", 2, "U+200B, at character 2", "痛\u200b,", "delete"),
        (HEAD + "痛\ufffd,\n", 2, "lost", "痛\ufffd,", "retype"),
        ("痛\n".encode("iso2022_jp"), 1, "JIS", None, "UTF-8"),
        ("痙攣,ケイレン\n疼痛,トウツウ\n".encode("euc_jp"), None, "EUC-JP", None, "UTF-8"),
        (
            b"surface\n\xe7\x96\xbc\n\xff\xff\n",
            3,
            "UTF-8: byte 12 of the file is 0xFF",
            None,
            "UTF-8",
        ),
        (b"surface\n" + "疼痛".encode() * 3 + b"\xe3\x81\n", 2, "UTF-8: byte 26", None, "UTF-8"),
        ("surface\n疼痛\n".encode("cp932") + b"\x81", 3, "CP932: byte 13", None, "UTF-8"),
        (b"\xff\xfea", None, "UTF-16-LE: byte 2 of the file is 0x61", None, "UTF-8"),
        (b"\xef\xbb\xbfa\n\xff", 2, "UTF-8: byte 5 of the file is 0xFF", None, "UTF-8"),
        ("surface,readng\n痛,\n", 1, "unknown column", "readng", "did you mean `reading`?"),
        ("surface,難易度\n痛,\n", 1, "unknown column", "難易度", "the columns are: surface"),
        ("surface,reading_estimated\n痛,\n", 1, "unknown", "reading_estimated", "`reading`"),
        ("surface,読み\n痛,\n", 1, "unknown column", "読み", "`reading`"),
        ("surface,reading,reading\n痛,\n", 1, "twice", "reading", "keep one"),
        ("reading,class\nツウ,\n", 1, "no column surface", "reading,class", "`surface`"),
    ],
)
def test_each_fault(tmp_path, content, row, problem, value, cure):
    path = write(tmp_path, content)
    (fault,) = faults_of(path)
    assert fault.file in (path, str(path))
    assert fault.row == row
    assert problem in fault.problem
    assert value is None or fault.value == value
    assert cure in fault.cure


@pytest.mark.parametrize(
    ("header", "unknown"),
    [
        ("surfase,readng", ["surfase", "readng"]),
        ("表記,読み", ["表記", "読み"]),
        ("surface;reading", ["surface;reading"]),
        ("word\treading", ["word"]),
    ],
)
def test_a_header_without_surface_is_no_term(tmp_path, header, unknown):
    *columns, missing = faults_of(write(tmp_path, f"{header}\n痛;ツウ\n"))
    assert [fault.value for fault in columns] == unknown
    assert "no column surface" in missing.problem


@pytest.mark.parametrize("separator", ";；|｜、")
def test_columns_that_something_else_separates(tmp_path, separator):
    lines = [f"ケイレン{separator}痙攣", f"ドウキ{separator}動悸"]
    (fault,) = faults_of(write(tmp_path, "\n".join(lines)))
    assert (fault.row, fault.value) == (1, lines[0])
    assert f"one {separator}" in fault.problem
    assert "separate the columns by commas or tabs" in fault.cure


@pytest.mark.parametrize(
    ("above", "header", "row"),
    [
        ("# 病棟の用語", "surface,reading", "痙攣,ケイレン"),
        ("sep=,", "surface,reading", "痙攣,ケイレン"),
        ("病棟の用語,,\n,,", "surface,reading,", "痙攣,ケイレン,"),
        # As an export of an input method has them, but for the order.
        ("\n病棟の用語, 2024", "surface\treading\tclass", "痙攣\tケイレン\t名詞"),
    ],
)
def test_a_header_below_other_lines(tmp_path, above, header, row):
    (fault,) = faults_of(write(tmp_path, f"{above}\n{header}\n{row}\n"))
    assert (fault.row, fault.value) == (above.count("\n") + 2, header)
    assert fault.problem == "the header is not the first line"
    assert fault.cure == "delete the lines above it"


@pytest.mark.parametrize(
    ("lines", "unknown"),
    [
        ("sep=;\nsurface;reading\n痙攣;ケイレン\n", "surface;reading"),
        ("病棟の用語\n表記,reading\n痙攣,ケイレン\n", "表記"),
    ],
)
def test_what_is_wrong_with_such_a_header_is_told_too(tmp_path, lines, unknown):
    first, column, missing = faults_of(write(tmp_path, lines))
    assert {first.row, column.row, missing.row} == {2}
    assert (column.problem, column.value) == ("unknown column", unknown)
    assert "no column surface" in missing.problem


def test_missing_file_folder_and_repeated_file(tmp_path):
    path = write(tmp_path, "痛\n")
    problems = [
        fault.problem for fault in faults_of(tmp_path / "none.csv", tmp_path, path, str(path))
    ]
    assert problems[0] == "no such file"
    assert "can't be read" in problems[1]
    assert "named twice" in problems[2]


def test_same_surface_in_two_files(tmp_path):
    first, second = (write(tmp_path, "surface\n痛\n", name) for name in ("a.csv", "b.csv"))
    (fault,) = faults_of(first, second)
    assert (fault.file, fault.row) == (str(second), 2)
    assert f"{first}:2" in fault.problem


def test_all_faults_of_all_files_in_order(tmp_path):
    first = write(tmp_path, 'surface,weight,x\n,1\n痛,0\n"痢\n痛,-1\n疹,1,2,3\n', "a.csv")
    second = write(tmp_path, HEAD + "瘍,x,,?,無,0\n", "b.csv")
    faults = faults_of(first, tmp_path / "none.csv", second)
    places = [(fault.file if isinstance(fault.file, str) else fault.file.name) for fault in faults]
    assert [fault.row for fault in faults] == [1, 2, 3, 4, 5, 5, 6, None, 2, 2, 2, 2]
    assert places.index("none.csv") == 7


def test_entries_with_sound_surfaces_survive_inspection(tmp_path):
    entries, faults = inspect_dictionaries([write(tmp_path, "surface,weight\n痛,0\n,1\n疹,1\n")])
    assert [entry.surface for entry in entries] == ["痛", "疹"]
    assert len(faults) == 2
