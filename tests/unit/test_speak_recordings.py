"""speak_recordings.py: test recordings in a voice that no training uses."""

import sys
from importlib.resources import files

import numpy as np
import pytest
import soundfile

import speak_recordings as script
from whisper_terms.speech.sound import SAMPLE_RATE
from whisper_terms.tables import RECORDINGS, write_table

VOICE = str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice")


@pytest.fixture
def speak(tmp_path, monkeypatch):
    """Run the script on one sentence, with a reading of its term; give what was spoken."""

    def run(reading: str, audio: str = "one.flac", *options: str) -> np.ndarray:
        row = {"audio": audio, "text": "心窩部痛です。", "test_set": "terms"}
        write_table(tmp_path / "test.tsv", RECORDINGS, [row])
        (tmp_path / "terms.csv").write_text(f"surface,reading\n心窩部痛,{reading}\n")
        tables = ["--recordings", f"{tmp_path}/test.tsv", "--dictionary", f"{tmp_path}/terms.csv"]
        monkeypatch.setattr(sys, "argv", ["speak_recordings", *tables, "--voice", VOICE, *options])
        script.main()
        folder = tmp_path / options[options.index("--output") + 1] if options else tmp_path
        samples, rate = soundfile.read(folder / audio)
        assert rate == SAMPLE_RATE
        return samples

    return run


def test_a_sentence_is_spoken_between_pauses(speak):
    samples = speak("シンカブツウ")
    pause = len(script.PAUSE)
    assert 1 < len(samples) / SAMPLE_RATE < 4
    assert not samples[:pause].any() and not samples[-pause:].any()
    assert np.abs(samples).max() > 0.1


def test_terms_are_said_by_their_reading(speak):
    short = speak("シン", "short.flac")
    assert len(speak("シンカブツウシンカブツウ", "long.flac")) > len(short) + SAMPLE_RATE // 2


@pytest.mark.parametrize("room", ["noise", "reverberation", "telephone"])
def test_what_is_heard_in_a_room_goes_into_a_folder_of_its_own(speak, tmp_path, room):
    clean = speak("シンカブツウ")
    heard = speak("シンカブツウ", "one.flac", "--output", f"{tmp_path}/{room}", "--room", room)
    assert len(heard) == len(clean)
    # Heard through it, not instead of it.
    assert 0.01 < np.abs(heard - clean).mean() / np.abs(clean).mean() < 1.5
    assert (tmp_path / room / "test.tsv").read_bytes() == (tmp_path / "test.tsv").read_bytes()


def test_a_room_without_a_folder_is_refused(speak, capsys):
    with pytest.raises(SystemExit):
        speak("シンカブツウ", "one.flac", "--room", "noise")
    assert "--output" in capsys.readouterr().err


def test_audio_that_exists_is_kept(speak):
    assert np.array_equal(speak("シンカブツウ"), speak("シン"))
