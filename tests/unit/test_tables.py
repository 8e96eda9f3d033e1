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
        read_table(path)
    (fault,) = error.value.faults
    assert (fault.row, fault.value) == (3, "痛い")
    assert "quote" in fault.problem


def test_a_cell_of_several_lines(tmp_path):
    path = write(tmp_path, 'audio\ttext\na.wav\t"痛\nい"\nb.wav\t痒い\nc.wav\t"だ\nるい"\n')
    with pytest.raises(UserError) as error:
        read_table(path)
    assert [(fault.row, fault.value) for fault in error.value.faults] == [(2, "痛"), (5, "だ")]


def test_more_cells_than_columns(tmp_path):
    assert read_table(write(tmp_path, "audio\ta.wav\nb.wav\t痛い\tmore\n"))[0]["audio"] == "b.wav"
