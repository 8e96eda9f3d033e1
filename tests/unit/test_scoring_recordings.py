import numpy as np
import pytest
import soundfile

from whisper_terms.errors import UserError
from whisper_terms.recordings import check_audio, read_recordings, recording_id
from whisper_terms.tables import RECORDINGS, write_table


@pytest.fixture
def write(tmp_path):
    """Write a table of recordings; its audio files get one byte unless they are there."""

    def write_recordings(rows, name="demo.tsv", make=True):
        table = tmp_path / name
        write_table(table, RECORDINGS, [dict(zip(RECORDINGS, row, strict=True)) for row in rows])
        for audio, *_ in rows if make else []:
            (table.parent / audio).parent.mkdir(parents=True, exist_ok=True)
            (table.parent / audio).touch()
            (table.parent / audio).write_bytes(b"x")
        return table

    return write_recordings


def problems(*tables):
    with pytest.raises(UserError) as error:
        read_recordings(tables)
    return [(fault.row, fault.problem) for fault in error.value.faults]


def test_read_recordings(write, tmp_path):
    first, second = read_recordings(
        [write([("wav/甲.wav", " 肺炎です ", "terms"), ("silence.wav", "", "")])]
    )
    assert (first.audio, first.text, first.test_set) == (
        tmp_path / "wav/甲.wav",
        "肺炎です",
        "terms",
    )
    assert (second.text, second.test_set) == ("", "test")
    assert (first.id, second.id) == (recording_id("wav/甲.wav"), recording_id("silence.wav"))


@pytest.mark.parametrize(
    ("audio", "stem"),
    [
        ("demo/terms_01.flac", "terms_01"),
        ("甲乙.wav", "recording"),
        ("-rf 甲;$(x).wav", "rf_x"),
        ("a/" + "x" * 100 + ".wav", "x" * 60),
    ],
)
def test_ids_are_safe_file_names(audio, stem):
    name, _, digest = recording_id(audio).rpartition("-")
    assert name == stem
    assert len(digest) == (12 if stem == "recording" else 6)


def test_ids_tell_folders_apart_and_stay():
    assert recording_id("a/1.wav") != recording_id("b/1.wav")
    # The first six digits of `printf a/1.wav | sha1sum`.
    assert recording_id("a/1.wav") == "1-35e4a4"


def test_ids_of_japanese_names_do_not_meet():
    # Six digits alone would make some of so many the same.
    names = [f"今日は{'晴雨'[number % 2]}{chr(0x4E00 + number)}.wav" for number in range(20_000)]
    assert len(set(map(recording_id, names))) == len(names)
    assert recording_id(names[0]).startswith("recording-")


def test_a_sentence_in_the_place_of_the_path(write):
    # 300 bytes are no name of a file: the system answers with an error of its own.
    table = write([("あ" * 100, "a.wav", "")], make=False)
    assert problems(table) == [(2, "no such audio file")]


def test_all_faults_are_told_at_once(write, tmp_path):
    (tmp_path / "empty.wav").touch()
    table = write(
        [("no.wav", "", ""), ("empty.wav", "", ""), ("", "", ""), ("no.wav", "", "all")],
        make=False,
    )
    headless = tmp_path / "headless.tsv"
    headless.write_text("audio\ttext\n", encoding="utf-8")
    blank = write([], "blank.tsv")
    assert problems(table, headless, blank, tmp_path / "none.tsv") == [
        (1, "lacks the column test_set"),
        (None, "lists no recordings"),
        (None, "no such file"),
        (2, "no such audio file"),
        (3, "the audio file is empty (0 bytes)"),
        (4, "names no audio file"),
        (5, "no such audio file"),
        (5, "this name means all test sets together"),
        (5, "this audio is listed twice"),
    ]


def test_an_audio_in_two_tables_is_listed_twice(write):
    tables = [write([("a.wav", "", "")], name) for name in ("one.tsv", "two.tsv")]
    assert problems(*tables) == [(2, "this audio is listed twice")]


def test_two_files_of_one_path_would_share_an_id(write):
    tables = [write([("a.wav", "", "")], name) for name in ("one/x.tsv", "two/x.tsv")]
    assert problems(*tables) == [(2, "its results would have the name of another recording's")]


def test_check_audio(tmp_path):
    good, silent, broken = (tmp_path / name for name in ("good.wav", "silent.wav", "broken.wav"))
    soundfile.write(good, np.zeros(160), 16000)
    soundfile.write(silent, np.zeros(0), 16000)
    broken.write_bytes(b"not audio at all")
    assert check_audio(good) == []
    assert [fault.problem for fault in check_audio(silent)] == ["the audio has no samples"]
    assert "can't be read as audio" in check_audio(broken)[0].problem


def test_standard_library_only():
    """Snakemake imports it while it builds its graph, maybe without the other packages."""
    import subprocess
    import sys

    code = "import sys, whisper_terms.recordings; print(*sys.modules)"
    scripts = next(path for path in sys.path if path.endswith("workflow_scripts"))
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": scripts},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "soundfile", "tqdm", "rapidfuzz"} & set(loaded)
