"""Recordings as tables name them: the paths, however they are written."""

import pytest

from whisper_terms.recordings import recording_id


@pytest.mark.parametrize("audio", ["./a/1.wav", "a//1.wav", "a/./1.wav"])
def test_a_file_has_one_id_however_its_path_is_written(audio):
    assert recording_id(audio) == recording_id("a/1.wav") == "1-35e4a4"


def test_what_may_be_another_file_has_another_id():
    # Where b is a link.
    assert recording_id("b/../a/1.wav") != recording_id("a/1.wav")
