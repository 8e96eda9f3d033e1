import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from small_models import write_small_model
from whisper.decoding import DecodingResult
from whisper.model import Whisper

import transcribe as script
from whisper_terms import padding, transcription
from whisper_terms.devices import choose_device
from whisper_terms.dictionary import Entry, prompt_order
from whisper_terms.errors import UserError
from whisper_terms.openai_format import export_openai, load_openai
from whisper_terms.tables import TRANSCRIPT, read_table, write_table
from whisper_terms.transcription import (
    PROMPT_TOKENS,
    Decoding,
    build_prompt,
    load_tokenizer,
    transcribe_recordings,
)
from whisper_terms.vocabulary import quicken_decoder

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Recording:
    """As whisper_terms.recordings gives it."""

    audio: Path
    text: str = ""
    test_set: str = "demo"

    @property
    def id(self) -> str:
        return self.audio.stem


@pytest.fixture(scope="module")
def model_path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("transcription")
    export_openai(write_small_model(folder / "small"), folder / "model.pt")
    return folder / "model.pt"


@pytest.fixture
def recordings(tmp_path) -> list[Recording]:
    """Noise of 1 s at 16 kHz and 0.5 s at 44.1 kHz in stereo."""
    noise = np.random.default_rng(0).normal(0, 0.1, (22_050, 2))
    soundfile.write(tmp_path / "one.wav", noise[:16_000, 0], 16_000)
    soundfile.write(tmp_path / "two.mp3", noise, 44_100)
    return [Recording(tmp_path / "one.wav"), Recording(tmp_path / "two.mp3")]


@pytest.fixture
def decoded(monkeypatch) -> list[list[int]]:
    """Let every window say カ from 0.5 s to 1.5 s; collect the prompts it is given."""
    prompts = []
    tokenizer = load_tokenizer("ja")
    begin = tokenizer.timestamp_begin
    tokens = [begin + 25, *tokenizer.encode(" カ\t\n "), begin + 75]

    def decode(model, windows, options):
        prompts.append(list(options.prompt))
        one = DecodingResult(windows, "ja", tokens=tokens, avg_logprob=-0.1, temperature=0.0)
        return [one] * len(windows)

    monkeypatch.setattr("whisper_terms.batching.decode_windows", decode)
    return prompts


def test_writes_one_table_a_recording_and_the_timing(model_path, recordings, tmp_path, decoded):
    output = tmp_path / "results" / "transcripts"
    transcribe_recordings(model_path, recordings, output, Decoding(), device="cpu")
    assert {path.name for path in output.iterdir()} == {"one.tsv", "two.tsv", "timing.tsv"}
    timing = read_table(output / "timing.tsv", ["audio", "seconds", "compute_seconds"])
    assert [row["audio"] for row in timing] == [str(r.audio) for r in recordings]
    assert float(timing[0]["seconds"]) == 1.0
    assert 0.45 < float(timing[1]["seconds"]) < 0.6
    assert all(float(row["compute_seconds"]) > 0 for row in timing)


def test_transcripts_are_deterministic(model_path, recordings, tmp_path):
    for name in ("first", "second"):
        torch.manual_seed(len(name))
        transcribe_recordings(model_path, recordings[:1], tmp_path / name, Decoding(), device="cpu")
    first, second = ((tmp_path / name / "one.tsv").read_bytes() for name in ("first", "second"))
    assert first == second
    for row in read_table(tmp_path / "first" / "one.tsv", TRANSCRIPT):
        assert 0 <= float(row["start"]) <= float(row["end"])
        assert row["text"] == row["text"].strip() != ""


def test_scores_come_from_the_quicker_decoder(model_path, recordings, tmp_path, monkeypatch):
    seen = set()
    decode = Whisper.decode

    def watch(model, windows, options):
        seen.add(model.decoder.forward.__module__)
        return decode(model, windows, options)

    monkeypatch.setattr(Whisper, "decode", watch)
    greedy = Decoding(beam_size=1)
    transcribe_recordings(model_path, recordings[:1], tmp_path / "out", greedy, device="cpu")
    assert seen == {quicken_decoder.__module__}


def test_cells_are_seconds_and_stripped_text(model_path, recordings, tmp_path, decoded):
    transcribe_recordings(model_path, recordings[:1], tmp_path / "out", Decoding(), device="cpu")
    # openai-whisper lets the only segment of a window begin where the window does.
    assert (tmp_path / "out" / "one.tsv").read_text() == "start\tend\ttext\n0.00\t1.50\tカ\n"
    assert decoded == [[]]


@pytest.mark.parametrize(("beams", "wanted"), [(1, None), (2, 2), (5, 5)])
def test_windows_are_searched_with_so_many_beams(
    model_path, recordings, tmp_path, monkeypatch, beams, wanted
):
    def decode(model, windows, options):
        seen.append((options.beam_size, options.temperature))
        return [DecodingResult(windows, "ja", tokens=[], avg_logprob=-2.0, no_speech_prob=0.9)]

    seen = []
    monkeypatch.setattr("whisper_terms.batching.decode_windows", decode)
    decoding = Decoding(beam_size=beams)
    transcribe_recordings(model_path, recordings[:1], tmp_path / "out", decoding, device="cpu")
    assert seen == [(wanted, 0.0)]


def test_every_window_sees_the_prompt_and_nothing_else(model_path, tmp_path, decoded):
    audio = tmp_path / "long.wav"
    soundfile.write(audio, np.zeros(65 * 16_000), 16_000)
    prompt = "心窩部痛、嚥下障害"
    transcribe_recordings(
        model_path, [Recording(audio)], tmp_path / "out", Decoding(prompt=prompt), device="cpu"
    )
    assert decoded == [load_tokenizer("ja").encode(" " + prompt)] * 3
    assert (tmp_path / "out" / "prompt.txt").read_text() == prompt + "\n"
    starts = [row["start"] for row in read_table(tmp_path / "out" / "long.tsv")]
    assert starts == ["0.00", "30.00", "60.00"]


def test_a_sample_of_the_padding_is_heard_alike(bundled_file, tmp_path, monkeypatch):
    """As a whole run does it: sampled, with the quicker decoder, and recordings side by side."""
    sampled = []
    sample = padding.sample_padding
    monkeypatch.setattr(
        padding, "sample_padding", lambda *given: sampled.append(given[1]) or sample(*given)
    )
    demo = [Recording(ROOT / f"recordings/demo/general_{number}.flac") for number in (45, 46)]
    heard = {}
    for frames in (None, 192):
        output = tmp_path / str(frames)
        transcribe_recordings(
            bundled_file, demo, output, Decoding(), device="cpu", padding_frames=frames
        )
        tables = [read_table(output / f"{one.id}.tsv", TRANSCRIPT) for one in demo]
        heard[frames] = [[row["text"] for row in table] for table in tables]
    assert sampled == [192]
    assert heard[192] == heard[None] and all(heard[None])


def test_silence_is_a_table_without_rows(model_path, recordings, tmp_path, monkeypatch):
    def decode(model, windows, options):
        return [DecodingResult(windows, "ja", tokens=[], avg_logprob=-2.0, no_speech_prob=0.9)]

    monkeypatch.setattr("whisper_terms.batching.decode_windows", decode)
    transcribe_recordings(model_path, recordings[:1], tmp_path / "out", Decoding(), device="cpu")
    assert (tmp_path / "out" / "one.tsv").read_text() == "start\tend\ttext\n"


def test_timing_is_there_only_when_all_is(model_path, recordings, tmp_path, decoded):
    output = tmp_path / "out"
    transcribe_recordings(model_path, recordings, output, Decoding(), device="cpu")
    with pytest.raises(UserError, match="no such recording"):
        unheard = [recordings[0], Recording(tmp_path / "gone.wav")]
        transcribe_recordings(model_path, unheard, output, Decoding(), device="cpu")
    assert (output / "one.tsv").is_file() and not (output / "timing.tsv").exists()


@pytest.mark.parametrize("names", [("a/x.wav", "b/x.wav"), ("timing.wav",)])
def test_no_two_tables_share_a_name(model_path, tmp_path, names):
    with pytest.raises(ValueError, match="not unique"):
        twins = [Recording(tmp_path / name) for name in names]
        transcribe_recordings(model_path, twins, tmp_path / "out", Decoding())


def test_says_what_cannot_be_used(model_path, recordings, tmp_path):
    with pytest.raises(UserError, match="language"):
        transcribe_recordings(model_path, recordings, tmp_path / "out", Decoding(language="jp"))
    with pytest.raises(UserError, match="device"):
        transcribe_recordings(model_path, recordings, tmp_path / "out", Decoding(), device="tpu")
    assert not (tmp_path / "out").exists()


def test_device_auto_is_one_that_works():
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu").type == "cpu"


def test_prompt_holds_all_terms_where_they_fit():
    assert build_prompt(["心窩部痛", "SDK"], load_tokenizer("ja")) == ("心窩部痛、SDK", 2)
    assert build_prompt([], load_tokenizer("ja")) == ("", 0)


def test_prompt_fills_what_whisper_keeps_and_no_more(model_path):
    tokenizer = load_tokenizer("ja")
    surfaces = [f"第{number}症候群" for number in range(1000)]
    prompt, count = build_prompt(surfaces, tokenizer)
    used = len(tokenizer.encode(" " + prompt))
    assert PROMPT_TOKENS == 448 // 2 - 1
    assert PROMPT_TOKENS - 10 < used <= PROMPT_TOKENS
    assert prompt.split("、") == surfaces[:count]

    # What the decoder is really given: the whole prompt.
    from whisper.decoding import DecodingOptions, DecodingTask

    model = load_openai(model_path, "cpu")
    options = DecodingOptions(language="ja", prompt=prompt, fp16=False)
    tokens = DecodingTask(model, options).initial_tokens
    assert tokens[0] == tokenizer.sot_prev
    assert list(tokens[1 : 1 + used]) == tokenizer.encode(" " + prompt)
    assert tokens[1 + used] == tokenizer.sot


def test_prompt_passes_over_what_does_not_fit():
    tokenizer = load_tokenizer("ja")
    assert build_prompt(["鬱" * 300, "痛"], tokenizer) == ("痛", 1)
    assert build_prompt(["<|endoftext|>", "痛"], tokenizer) == ("痛", 1)
    tokenizer.encode(build_prompt(["<|endoftext|>", "痛"], tokenizer)[0])


def test_heaviest_terms_come_first_then_the_dictionarys_order():
    weights = {"あ": 1.0, "い": 2.5, "う": 1.0, "え": 10.0}
    entries = [
        Entry(surface, "", (), "", (), weight, "terms.csv", row)
        for row, (surface, weight) in enumerate(weights.items(), start=2)
    ]
    assert prompt_order(entries) == ["え", "い", "あ", "う"]


def test_script_transcribes_with_a_prompt(model_path, tmp_path, decoded, monkeypatch, capsys):
    soundfile.write(tmp_path / "one.wav", np.zeros(16_000), 16_000)
    table, terms = tmp_path / "recordings.tsv", tmp_path / "terms.csv"
    write_table(
        table, ["audio", "text", "test_set"], [{"audio": "one.wav", "text": "カ", "test_set": "d"}]
    )
    terms.write_text("surface,weight\n軽い,\n重い,2\n", encoding="utf-8")
    arguments = f"transcribe --model {model_path} --recordings {table}"
    arguments += f" --prompt-dictionaries {terms}"
    arguments += f" --output {tmp_path / 'out'} --device cpu --threads 1"
    monkeypatch.setattr(sys, "argv", arguments.split())
    script.main()
    assert "2 of 2 terms" in capsys.readouterr().err
    assert decoded == [load_tokenizer("ja").encode(" 重い、軽い")]
    [timing] = read_table(tmp_path / "out" / transcription.TIMING_FILE)
    assert timing["audio"].endswith("one.wav")
    assert len(list((tmp_path / "out").glob("*.tsv"))) == 2
