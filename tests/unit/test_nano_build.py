"""What the bundled model is trained on: sentences, their alignment, speech, simulations."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import select_sentences as selecting
import torch
import whisper
import yaml
from nano_build import BUILD, ROOT, TEXTS, generator, sentences, tree, utterances, voice
from pydantic import ValidationError
from pyopenjtalk import extract_fullcontext
from whisper_nano.alignment import read_durations
from whisper_nano.analysis import analyse_sentences
from whisper_nano.augmentation import augment, normalise
from whisper_nano.codes import (
    FRAME_SECONDS,
    PHONE_CODES,
    POSITION_CODES,
    POSITION_WIDTH,
    WIDTH,
    accent_part,
    code_phones,
    encode_alignment,
    phone_scores,
)
from whisper_nano.jglue import collect_sentences
from whisper_nano.layout import Region, lay_out
from whisper_nano.phones import PHONE_IDS, PHONES, accents_of, phones_of
from whisper_nano.sentences import (
    held_out_texts,
    is_held_out,
    read_source,
    select_sentences,
    speaking_order,
)
from whisper_nano.settings import Build, Selection, Source, Speech
from whisper_nano.simulation import Placed, simulate, time_phones
from whisper_nano.speaking import Speaker
from whisper_nano.spectrogram import log_mel_power
from whisper_nano.speech_store import load_parts, save_part
from whisper_nano.splicing import cut_places, splice
from whisper_nano.text_store import load_sentences, save_sentences

from whisper_terms.errors import UserError
from whisper_terms.speech.engine import SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk

# -------------------------------------------------------------------------------------------------
# Alignment


@pytest.mark.parametrize("text", TEXTS)
def test_durations_are_exact_to_the_sample(text):
    samples, rate = OpenJTalk().speak(SpokenText(text), Voice("wheel"))
    seconds = tree().seconds(extract_fullcontext(text))
    assert round(seconds.sum() * rate) == len(samples)
    assert (seconds > 0).all()


@pytest.mark.parametrize("faster", [0.84, 1.0, 1.2])
def test_alignment_follows_the_rate(faster):
    speaker = Speaker(Speech(voices=[voice()], rates=[1.0]))
    spoken = speaker.record(TEXTS[0], voice(), half_tone=-3.0, faster=faster).utterance()
    assert len(spoken.log_power) / 100 == pytest.approx(spoken.borders[-1], abs=0.01)
    phones, accent = spoken.frame_targets()
    assert len(phones) == len(accent) == spoken.frames
    assert phones[0] == phones[-1] == PHONE_IDS["sil"]


def test_silence_is_where_the_labels_say():
    for utterance in utterances():
        power = 10 ** utterance.spectrogram.astype(np.float32).mean(0)[::2]
        silent = utterance.frame_targets()[0] == PHONE_IDS["sil"]
        assert np.median(power[silent]) < 0.1 * np.median(power[~silent])


def test_a_file_that_is_no_voice(tmp_path):
    (tmp_path / "voice.htsvoice").write_bytes(b"[GLOBAL]\n[DATA]\n")
    with pytest.raises(UserError, match="has no duration tree"):
        read_durations(tmp_path / "voice.htsvoice")
    with pytest.raises(UserError, match="no such voice file"):
        read_durations(tmp_path / "none.htsvoice")


@pytest.mark.parametrize(("text", "pitch"), [("箸を", "HLL"), ("橋を", "LHL"), ("桜が", "LHHH")])
def test_pitch_of_known_words(text, pitch):
    labels = extract_fullcontext(text)
    vowels = [place for place, phone in enumerate(phones_of(labels)) if phone in "aiueo"]
    assert "".join("LH"[int(accent > 0)] for accent in accents_of(labels)[vowels]) == pitch


# -------------------------------------------------------------------------------------------------
# Sentences


def test_tokens_and_the_phones_they_stand_for():
    encoding = whisper.tokenizer.get_encoding("multilingual")
    assert [encoding.decode(one.tokens.tolist()) for one in sentences()] == TEXTS
    for one in sentences():
        assert one.spans.shape == (len(one.tokens), 2)
        assert one.spans.min() >= 1 and one.spans.max() <= len(one.phones) - 1
        assert (np.diff(one.spans, axis=0) >= 0).all() and (
            one.spans[:, 0] <= one.spans[:, 1]
        ).all()
        assert one.durations.shape == (len(one.phones), 2)


def test_stores_give_back_what_they_got(tmp_path):
    save_sentences(tmp_path / "texts.npz", sentences())
    save_part(tmp_path / "speech.npz", utterances())
    pairs = [
        *zip(sentences(), load_sentences(tmp_path / "texts.npz"), strict=True),
        *zip(utterances(), load_parts([tmp_path / "speech.npz"]), strict=True),
    ]
    for before, after in pairs:
        for name, value in vars(before).items():
            np.testing.assert_array_equal(value, getattr(after, name))


def selection(folder, lines: list[str], **settings) -> Selection:
    (folder / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    source = {"file": str(folder / "lines.txt"), "format": "lines"}
    return Selection.model_validate({"sources": [source], "spoken": 3, **settings})


def test_terms_and_test_sentences_are_left_out(tmp_path):
    (tmp_path / "terms.csv").write_text("surface,reading,aliases\n痙攣,ケイレン,けいれん\n")
    (tmp_path / "test.tsv").write_text("audio\ttext\ttest_set\na.wav\t本を読む。\tx\n")
    without = {
        "dictionaries": [str(tmp_path / "terms.csv")],
        "recordings": [str(tmp_path / "test.tsv")],
    }
    lines = ["足が痙攣した。", "けいれんが起きた。", "本を読む", "本を読むよ。", "本を読むよ。"]
    chosen = select_sentences(selection(tmp_path, lines, without=without, hold_out=10**9))
    assert [row["text"] for row in chosen] == ["本を読むよ。"]


def test_sentences_whose_words_stand_apart(tmp_path):
    (tmp_path / "words.txt").write_text(
        "英語 を 話 し ま す か 。\n\n春 が 来 る 。\n", encoding="utf-8"
    )
    source = Source(file=str(tmp_path / "words.txt"), format="words")
    assert read_source(source) == ["英語を話しますか。", "春が来る。"]


def test_held_out_sentences_are_never_spoken(tmp_path):
    chosen = selection(tmp_path, [f"{number}番です。" for number in range(200)], spoken=1000)
    rows = select_sentences(chosen)
    held_out = {row["text"] for row in rows if row["split"] == "held_out"}
    assert set(held_out_texts(rows, [])) == held_out
    assert set(held_out_texts(rows, [rows[0]["source"]])) <= held_out
    assert held_out_texts(rows, ["another"]) == []
    assert held_out == {row["text"] for row in rows if is_held_out(row["text"], chosen.hold_out)}
    spoken = speaking_order(rows, chosen)
    assert held_out and set(spoken) == {row["text"] for row in rows} - held_out
    assert spoken == speaking_order(rows, chosen) != sorted(spoken)


def test_fewer_sentences_than_are_to_be_spoken(tmp_path, monkeypatch):
    """Else a part of the speech would be empty."""
    chosen = selection(tmp_path, TEXTS, spoken=len(TEXTS) + 1, hold_out=10**9)
    tables = {name: tmp_path / f"{name}.tsv" for name in ("sentences", "spoken")}
    arguments = ["--settings", chosen.to_json()]
    arguments += [str(word) for name, path in tables.items() for word in (f"--{name}", path)]
    monkeypatch.setattr(sys, "argv", ["select_sentences", *arguments])
    with pytest.raises(UserError, match=r"3 sentences are left .* 4 wanted\n.*sentences\.spoken"):
        selecting.main()
    assert not any(path.exists() for path in tables.values())


def test_rohan_without_its_readings(tmp_path):
    line = "ROHAN4600_0001:流(なが)し斬(ぎ)りが入(はい)れば、,ナガシギリガハイレバ、\n"
    (tmp_path / "rohan.txt").write_text(line)
    source = Source(file=str(tmp_path / "rohan.txt"), format="rohan")
    assert read_source(source) == ["流し斬りが入れば、"]
    (tmp_path / "rohan.txt").write_text("ただの文。\n")
    with pytest.raises(UserError, match="not in the format rohan"):
        read_source(source)


def test_sentences_beside_their_translations(tmp_path):
    path = tmp_path / "jpn.txt"
    source = Source(file=str(path), format="pairs")
    path.write_text("Go on.\t進んで。\nStop.\t止まれ！\tCC BY 2.0 FR\n")
    assert read_source(source) == ["進んで。", "止まれ！"]
    path.write_text("Go on.\t進んで。\n止まれ！\n")
    with pytest.raises(UserError, match="not in the format pairs"):
        read_source(source)


def write_jglue(folder: Path) -> Path:
    """JGLUE's four data sets, a row each."""
    pair = {"sentence1": "犬が走っています。", "sentence2": "猫が寝ています。"}
    paragraph = {
        "context": "梅雨 [SEP] 雨季の一種である。六月に雨が降る。",
        "qas": [{"question": "梅雨は何の一種か?"}],
    }
    rows = {
        "jsts": pair,
        "jnli": pair,
        "jcommonsenseqa": {"question": "数字の１を表すときに使う体は？"},
        "jsquad": {"data": [{"paragraphs": [paragraph]}]},
    }
    for name, row in rows.items():
        (folder / f"{name}-v1.3").mkdir(parents=True)
        (folder / f"{name}-v1.3" / "valid-v1.3.json").write_text(json.dumps(row) + "\n")
    return folder


def test_jglue_is_collected(tmp_path):
    rows = list(collect_sentences(write_jglue(tmp_path / "datasets")))
    assert [row["text"] for row in rows] == [
        *("犬が走っています。", "猫が寝ています。", "数字の１を表すときに使う体は？"),
        *("雨季の一種である。", "六月に雨が降る。", "梅雨は何の一種か?"),
    ]
    with pytest.raises(UserError, match="holds no jsts"):
        list(collect_sentences(tmp_path))


def settings(name: str) -> dict:
    return yaml.safe_load((BUILD / f"{name}.yaml").read_text())


@pytest.mark.parametrize("name", ["full", "tiny"])
def test_configurations_are_valid(name):
    Build.model_validate(settings(name))


def test_kokoro_speaks_some_of_the_sentences():
    changed = settings("full")
    changed["neural"]["spoken"] = changed["sentences"]["spoken"] + 1
    with pytest.raises(ValidationError, match=r"neural\.spoken is more"):
        Build.model_validate(changed)


def test_the_environment_has_the_pins_of_the_requirements():
    environment = yaml.safe_load((BUILD / "environment.yaml").read_text())
    texts = [(folder / "requirements.txt").read_text() for folder in (ROOT, BUILD)]
    requirements = re.findall(r"^\S+==\S+$", "\n".join(texts), re.MULTILINE)
    assert set(environment["dependencies"][-1]["pip"]) <= set(requirements)


# -------------------------------------------------------------------------------------------------
# Codes and simulated encodings


def test_codes_have_unit_variance():
    phones = torch.arange(len(PHONES))[None]
    accent = torch.tensor([[1.0, -1.0] * len(PHONES)])[:, : len(PHONES)]
    places = 700 + torch.arange(len(PHONES))[None]
    codes = encode_alignment(code_phones(phones), accent, places)
    assert codes.shape == (1, len(PHONES), WIDTH)
    torch.testing.assert_close(codes.square().mean(-1), torch.ones(1, len(PHONES)))
    torch.testing.assert_close(phone_scores(codes), torch.eye(len(PHONES))[None], atol=1e-5, rtol=0)
    torch.testing.assert_close(accent_part(codes), accent)
    torch.testing.assert_close(codes[..., -POSITION_WIDTH:], POSITION_CODES[places])
    assert PHONE_CODES.square().mean() == pytest.approx(1, abs=1e-5)
    assert POSITION_CODES.square().mean() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_simulated_encodings(share):
    placed, start = [], 0.3
    for sentence in sentences():
        placed.append(Placed(sentence, time_phones(sentence, generator()), start))
        assert (np.diff(placed[-1].borders) > 0).all()
        start = placed[-1].end
    layout = lay_out([Region(0, int(start / FRAME_SECONDS) + 1)], generator())
    simulation, kept = simulate([placed], layout, share, 0.5, generator())
    encodings = simulation.encodings()
    frames = round(layout.frames * share)
    assert encodings.shape == (1, frames, WIDTH) and encodings.dtype == torch.float32
    assert kept.places.shape == (1, frames)
    torch.testing.assert_close(
        encodings.var(-1, correction=0), torch.ones(1, frames), atol=1e-3, rtol=0
    )
    # Most of what was said can still be read off, and silence is silent.
    seconds = (kept.places[0].numpy() + 0.5) * FRAME_SECONDS
    said = np.zeros(frames, int)
    for one in placed:
        inside = (one.start < seconds) & (seconds < one.end)
        places = np.searchsorted(one.borders, seconds[inside] - one.start) - 1
        said[inside] = one.sentence.phones[places]
    assert (phone_scores(encodings)[0].argmax(-1).numpy() == said).mean() > 0.85
    again, _ = simulate([placed], layout, share, 0.5, generator())
    torch.testing.assert_close(encodings, again.encodings())


# -------------------------------------------------------------------------------------------------
# Spliced sentences


def test_sentences_are_cut_before_phrases_only():
    encoding = whisper.tokenizer.get_encoding("multilingual")
    for text in TEXTS:
        tokens = encoding.encode(text)
        for cut in cut_places(text):
            before, after = (encoding.decode(part) for part in (tokens[:cut], tokens[cut:]))
            assert before + after == text
            assert "ぁ" <= before[-1] <= "ん" or before[-1] == "、"
            assert after[0].isalnum() and not "ぁ" <= after[0] <= "ん"
    assert len(cut_places(TEXTS[0])) == 2  # 今日は / 朝からよく / 晴れています。


def test_a_spliced_sentence_keeps_phones_and_tokens_together():
    first, second = sentences()[0], sentences()[1]
    for seed in range(10):
        spliced = splice(first, second, generator(seed))
        assert spliced.text.endswith("使う。") and spliced.text.startswith("今日は")
        assert len(spliced.phones) == len(spliced.accent) == len(spliced.durations)
        assert len(spliced.tokens) == len(spliced.spans)
        assert spliced.spans.max() <= len(spliced.phones) - 1
        # The last word's tokens stand for the same phones as where they come from.
        last = slice(int(spliced.spans[-2, 0]), None)
        known = slice(int(second.spans[-2, 0]), None)
        np.testing.assert_array_equal(spliced.phones[last], second.phones[known])


def test_sentences_that_can_not_be_cut_stay_whole():
    (short,) = analyse_sentences(["はい。"], [tree(), tree()])
    assert not cut_places(short.text)
    assert splice(short, sentences()[0], generator()) is short
    assert splice(sentences()[0], short, generator()) is sentences()[0]


# -------------------------------------------------------------------------------------------------
# Sound


def test_features_are_whispers_own():
    samples = 0.1 * generator().standard_normal(16_000).astype(np.float32)
    power = 10 ** log_mel_power(samples).T.astype(np.float32)
    ours = normalise(torch.from_numpy(power)[None])[0].numpy()
    theirs = whisper.log_mel_spectrogram(samples).numpy()
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize("seed", range(10))
def test_augmented_features(seed):
    frames = 2 * max(utterance.frames for utterance in utterances())
    log_power = torch.full((len(TEXTS) + 1, 80, frames), -10.0)
    for row, utterance in enumerate(utterances()):
        sound = torch.from_numpy(utterance.spectrogram.astype(np.float32))
        log_power[row, :, : sound.shape[1]] = sound
    heard = torch.ones(len(log_power), frames, dtype=torch.bool)
    heard[0, frames // 2 :] = False
    features = augment(log_power, heard, generator(seed))
    assert features.shape == log_power.shape and features.dtype == torch.float32
    assert features.isfinite().all()
    spread = features.amax((1, 2)) - features.amin((1, 2))
    assert (spread <= 2 + 1e-5).all()  # Whisper keeps 80 dB
    # After the recording's end there is digital silence.
    assert (features[0, :, frames // 2 :] <= features[0].min() + 1e-6).float().mean() > 0.8
    torch.testing.assert_close(features, augment(log_power, heard, generator(seed)))
