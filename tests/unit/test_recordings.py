"""Recordings as tables name them: the paths, however they are written."""

import pytest

from whisper_terms.errors import UserError
from whisper_terms.recordings import read_recordings, recording_id


@pytest.mark.parametrize("audio", ["./a/1.wav", "a//1.wav", "a/./1.wav"])
def test_a_file_has_one_id_however_its_path_is_written(audio):
    assert recording_id(audio) == recording_id("a/1.wav") == "1-35e4a4"


def test_what_may_be_another_file_has_another_id():
    # Where b is a link.
    assert recording_id("b/../a/1.wav") != recording_id("a/1.wav")


def test_a_path_with_a_nul_is_told(tmp_path):
    table = tmp_path / "test.tsv"
    table.write_text("audio\ttext\ttest_set\na\0.wav\t痛い\tterms\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_recordings([table])
    (fault,) = error.value.faults
    assert (fault.file, fault.row, fault.cure) == (table, 2, "delete it")
