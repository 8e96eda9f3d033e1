"""Tables as they are read: which line a row is, and what a quote does."""

import pytest

from whisper_terms.errors import UserError
from whisper_terms.tables import read_numbered, read_table


def write(folder, text):
    path = folder / "table.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_know_their_lines(tmp_path, end):
    path = write(tmp_path, end.join(["audio\ttext", "", "a.wav\t痛い", "", "", 'b.wav\t"痛""い"']))
    assert read_numbered(path) == [
        (3, {"audio": "a.wav", "text": "痛い"}),
        (6, {"audio": "b.wav", "text": '痛"い'}),
    ]
    assert [row["audio"] for row in read_table(path)] == ["a.wav", "b.wav"]


def test_a_quote_within_a_cell_is_a_quote(tmp_path):
    path = write(tmp_path, 'audio\ttext\na.wav\tそれは"痛"です\n')
    assert read_table(path)[0]["text"] == 'それは"痛"です'


@pytest.mark.parametrize("end", ["\n", ""])
def test_an_open_quote_swallows_no_rows(tmp_path, end):
    path = write(tmp_path, 'audio\ttext\n\na.wav\t"痛い\nb.wav\t痒い\nc.wav\tだるい' + end)
    with pytest.raises(UserError) as error:
        read_numbered(path)
    (fault,) = error.value.faults
    assert (fault.row, fault.value) == (3, "痛い")
    assert "quote" in fault.problem


def test_a_cell_of_several_lines(tmp_path):
    path = write(tmp_path, 'audio\ttext\na.wav\t"痛\nい"\nb.wav\t痒い\nc.wav\t"だ\nるい"\n')
    with pytest.raises(UserError) as error:
        read_numbered(path)
    assert [(fault.row, fault.value) for fault in error.value.faults] == [(2, "痛"), (5, "だ")]


def test_an_open_quote_before_a_long_rest(tmp_path):
    rows = "".join(f"{number}.wav\t痛い\n" for number in range(20_000))
    with pytest.raises(UserError) as error:
        read_numbered(write(tmp_path, f'audio\ttext\na.wav\t"痛い\n{rows}'))
    assert [fault.row for fault in error.value.faults] == [2]


def test_a_nul_in_a_cell(tmp_path):
    path = write(tmp_path, "audio\ttext\na\0.wav\t痛い\nb.wav\t痒\0い\tc\n")
    with pytest.raises(UserError) as error:
        read_numbered(path)
    faults = [(fault.row, fault.value) for fault in error.value.faults]
    assert faults == [(2, "a\0.wav"), (3, "痒\0い"), (3, "c")]
    assert "U+0000" in error.value.faults[0].problem


def test_more_cells_than_columns(tmp_path):
    path = write(tmp_path, "audio\ttext\na.wav\t今日は\tいい天気\nb.wav\t痛い\t\t\nc.wav\n")
    with pytest.raises(UserError) as error:
        read_numbered(path)
    assert [(fault.row, fault.value) for fault in error.value.faults] == [(2, "いい天気")]
    path.write_text(path.read_text().replace("\tいい天気", ""))
    assert [row["text"] for _, row in read_numbered(path)] == ["今日は", "痛い", ""]
    assert list(read_table(path)[1]) == ["audio", "text"]


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        read_table(tmp_path)
