"""The benchmark of times: rows of recordings, segments matched with them, and the errors."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from whisper_bench.joining import GAPS, THRESHOLD_DB, Span, join, trim
from whisper_bench.timestamps import (
    COLUMNS,
    Errors,
    compare,
    match,
    measure_timestamps,
    render_page,
)

from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.errors import UserError
from whisper_terms.recordings import Recording, read_recordings
from whisper_terms.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[2]
SPOKEN = [Span(1.0, 3.0), Span(4.0, 6.0), Span(7.0, 9.0)]


def tone(seconds: float, level: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * 400 * time)).astype(np.float32)


def below(decibels: float) -> float:
    """A level so far below that of a tone."""
    return 0.5 * 10 ** (-decibels / 20)


class TestRows:
    def test_what_is_quieter_than_the_threshold_is_cut_off(self):
        breath, ending = tone(0.2, below(-THRESHOLD_DB + 5)), tone(0.1, below(-THRESHOLD_DB - 5))
        samples = np.concatenate([np.zeros(3200), breath, tone(1), ending, breath])
        trimmed = trim(samples.astype(np.float32), Path("x.wav"))
        assert len(trimmed) == pytest.approx(1.1 * SAMPLE_RATE, abs=160)
        assert abs(trimmed[:800]).max() > 0.4
        np.testing.assert_allclose(trimmed[-1440:], ending[-1440:], atol=1e-6)

    def test_silence_inside_stays(self):
        samples = np.concatenate([tone(0.5), np.zeros(8000, np.float32), tone(0.5)])
        assert len(trim(samples, Path("x.wav"))) == len(samples)

    def test_nothing_sounds(self):
        with pytest.raises(UserError, match="is silent"):
            trim(np.zeros(1000, np.float32), Path("x.wav"))

    def test_recordings_stand_where_it_is_said_and_nothing_else_sounds(self):
        sounds = [tone(1 + number / 8, 0.1 + number / 20) for number in range(8)]
        joined = join(sounds)
        rest = joined.samples.copy()
        for sound, span in zip(sounds, joined.spoken, strict=True):
            first, last = (round(time * SAMPLE_RATE) for time in span)
            np.testing.assert_array_equal(joined.samples[first:last], sound)
            rest[first:last] = 0
        assert not rest.any()
        ends = [0.0, *(span.end for span in joined.spoken)]
        gaps = [span.start - end for span, end in zip(joined.spoken, ends, strict=False)]
        assert gaps == pytest.approx([*GAPS, *GAPS[:2]])
        assert joined.seconds == pytest.approx(ends[-1] + GAPS[0])


class TestMatching:
    def pairs(self, *segments: tuple[float, float]) -> list[tuple[int, int]]:
        """Numbers of utterances and of their segments."""
        spans = [Span(*segment) for segment in segments]
        return [(SPOKEN.index(said), spans.index(heard)) for said, heard in match(SPOKEN, spans)]

    def test_each_with_its_own(self):
        assert self.pairs((1.1, 3.2), (3.9, 6.0), (7.5, 8.5)) == [(0, 0), (1, 1), (2, 2)]

    def test_a_segment_takes_the_utterance_that_it_overlaps_most(self):
        assert self.pairs((2.5, 5.8)) == [(1, 0)]

    def test_an_utterance_takes_one_segment(self):
        assert self.pairs((1.0, 1.5), (1.5, 3.0), (2.9, 3.1)) == [(0, 1)]

    def test_where_nobody_speaks_there_is_no_match(self):
        assert self.pairs((3.2, 3.8), (9.0, 9.5), (5.0, 5.0)) == []

    def test_a_loser_goes_to_no_other(self):
        # Both overlap the second most, though the first also hears the end of the first.
        assert self.pairs((2.5, 5.0), (4.0, 6.0)) == [(1, 1)]


def errors(*segments: tuple[float, float]) -> Errors:
    one = Errors()
    one.add(SPOKEN, [Span(*segment) for segment in segments])
    return one


class TestErrors:
    def test_early_and_late_count_alike(self):
        cells = errors((0.9, 3.3), (4.2, 5.9), (7.3, 9.2), (20.0, 21.0)).cells()
        assert cells == {
            "utterances": "3",
            "matched": "3",
            "missed": "0",
            "extra": "1",
            "start_median": "0.200",
            "start_p90": "0.280",
            "end_median": "0.200",
            "end_p90": "0.280",
        }

    def test_rows_add_up(self):
        one = errors((0.9, 3.3))
        one.add(SPOKEN, [Span(4.0, 6.0), Span(4.1, 4.2)])
        assert (one.missed, one.extra) == (4, 1)
        assert one.starts == pytest.approx([0.1, 0.0]) and one.ends == pytest.approx([0.3, 0.0])

    def test_nothing_matched(self):
        cells = errors().cells()
        assert (cells["utterances"], cells["missed"], cells["end_median"]) == ("3", "3", "")

    @pytest.mark.parametrize(
        ("segments", "verdict"),
        [
            ([(1.1, 3.1)], "met"),
            # A step of Whisper's is no difference; two are.
            ([(1.12, 3.12)], "met"),
            ([(1.14, 3.1)], "missed"),
            ([(1.1, 3.14)], "missed"),
            ([], "missed"),
        ],
    )
    def test_against_the_first_model(self, segments, verdict):
        base, tuned = compare({"base": errors((1.1, 3.1)), "tuned": errors(*segments)})
        assert (base["model"], base["target"]) == ("base", "")
        assert tuned["target"] == f"medians at most 0.02 s over those of base: {verdict}"


def test_page(tmp_path):
    size = {"in_a_row": "6", "rows": "1", "longest": "9.3"}
    models = {"base": errors((1.1, 3.1)), "tuned": errors((1.0, 3.0))}
    write_table(tmp_path / "t.tsv", COLUMNS, [size | line for line in compare(models)])
    page = render_page(read_table(tmp_path / "t.tsv", COLUMNS), "here/t.tsv")
    assert "from `here/t.tsv`" in page
    assert page.endswith(
        "| base | 6 | 9.3 | 3 | 1 | 2 | 0 | 0.100 | 0.100 | 0.100 | 0.100 |  |\n"
        "| tuned | 6 | 9.3 | 3 | 1 | 2 | 0 | 0.000 | 0.000 | 0.000 | 0.000 "
        "| medians at most 0.02 s over those of base: met |\n"
    )


def test_all_unusable_recordings_are_named(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(1600), SAMPLE_RATE)
    recordings = [
        Recording(tmp_path / "silent.wav", "何か", "test", "1"),
        Recording(tmp_path / "none.wav", "何か", "test", "2"),
        Recording(tmp_path / "not-read.wav", "", "test", "3"),
    ]
    with pytest.raises(UserError) as caught:
        measure_timestamps({}, recordings, [6])
    assert [Path(fault.file).name for fault in caught.value.faults] == ["silent.wav", "none.wav"]
    with pytest.raises(UserError, match="nothing is said"):
        measure_timestamps({}, recordings[2:], [6])


@pytest.mark.slow
def test_the_bundled_model_says_when_somebody_speaks(bundled_file):
    recordings = read_recordings([ROOT / "recordings/demo.tsv"])
    # A term that it does not know makes it lose its way.
    recordings = [one for one in recordings if one.test_set == "general"][::20]
    models = dict.fromkeys(("base", "again"), bundled_file)
    base, again = measure_timestamps(models, recordings, [3])
    assert (base["rows"], base["utterances"]) == ("1", "3")
    assert int(base["matched"]) >= 2
    assert float(base["start_median"]) < 0.5 and float(base["end_median"]) < 0.5
    assert again == base | {"model": "again", "target": again["target"]}
    assert again["target"].endswith(": met")
