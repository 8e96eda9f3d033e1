"""Replay that the base model labels: what it is asked, what is taken, and what that becomes."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_models import small_base
from small_windows import sounding_windows
from whisper.tokenizer import get_tokenizer

import label_replay as script
from whisper_terms.base_model import save_model, special_ids
from whisper_terms.config import Recipe
from whisper_terms.encodings import encode_windows
from whisper_terms.errors import UserError
from whisper_terms.examples import make_dataset, select_windows
from whisper_terms.interpolation import development_windows
from whisper_terms.openai_format import export_openai, load_openai
from whisper_terms.replay_labels import (
    EMPTY,
    ENDLESS,
    LABELLED,
    REPEATS,
    answer_windows,
    find_fault,
    is_asked,
    label_replay,
    label_state,
    labelled_rows,
)
from whisper_terms.tables import read_table, write_table
from whisper_terms.training import training_digest
from whisper_terms.windows import COLUMNS, read_windows, window_rows

TOKENIZER = get_tokenizer(multilingual=True, language="ja")
HOW = {"language": "ja", "timestamps": True}


def said(text, start=0.4, end=2.0):
    """An answer of one segment."""
    times = [TOKENIZER.timestamp_begin + round(time / 0.02) for time in (start, end)]
    return (times[0], *TOKENIZER.encode(text), times[1])


def without_text(window):
    one, *others = window.utterances
    return replace(window, utterances=(replace(one, text=""), *others))


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """A window of terms and two of replay, of which one holds what nobody wrote down."""
    folder = tmp_path_factory.mktemp("wavs")
    known, unknown = sounding_windows(folder, 2, kind="replay")
    return [*sounding_windows(folder, 1), known, without_text(unknown)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    base = small_base(folder / "source")
    save_model(folder / "checkpoint", base.model, base)
    export_openai(folder / "checkpoint", folder / "model.pt")
    return replace(base, directory=folder / "checkpoint")


@pytest.fixture(scope="module")
def model_path(base):
    return base.directory.parent / "model.pt"


@pytest.fixture(scope="module")
def model(model_path):
    return load_openai(model_path, "cpu")


@pytest.fixture(scope="module")
def encodings(base, windows, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    return encode_windows(windows, base.model, base.feature_extractor, store, "digest")


def keep(state: Path, answers):
    """Answers as an earlier run keeps them."""
    rows = [{"window": k, "answer": " ".join(map(str, v))} for k, v in answers.items()]
    write_table(state, ["window", "answer"], rows)


class TestAnswers:
    def test_the_most_likely_tokens_after_those_before(self, base, model, windows, encodings):
        how = {"language": "ja", "timestamps": False, "batch_size": 8}
        ((name, tokens),) = answer_windows(windows[1:2], model, encodings=encodings, **how)
        assert name == windows[1].id
        (row,) = make_dataset(
            [replace(windows[1], answer=tuple(tokens[:20]))], base, "ja", False, encodings
        )
        hidden = torch.tensor(row["encoding"]).float()[None]
        ids = torch.tensor([row["decoder_input_ids"]])
        with torch.no_grad():
            scores = base.model(encoder_outputs=(hidden,), decoder_input_ids=ids).logits[0, 3:-1]
        # What openai-whisper never writes: symbols and special tokens.
        never = [*TOKENIZER.non_speech_tokens, *range(TOKENIZER.sot, TOKENIZER.no_timestamps)]
        scores[:, never] = -torch.inf
        scores[0, [*TOKENIZER.encode(" "), TOKENIZER.eot]] = -torch.inf
        assert scores.argmax(-1).tolist() == tokens[:20]

    def test_with_or_without_the_encodings(self, model, windows, encodings):
        one, how = windows[1:2], HOW | {"batch_size": 2}
        cached = dict(answer_windows(one, model, encodings=encodings, **how))
        computed = dict(answer_windows(one, model, encodings={}, **how))
        assert cached.keys() == computed.keys() == {windows[1].id}
        # Half precision may change a later token.
        assert all(cached[name][:3] == computed[name][:3] for name in cached)
        assert all(tokens[0] >= TOKENIZER.timestamp_begin for tokens in cached.values())


class TestWhatIsAsked:
    def test_replay_and_in_the_development_set_what_has_no_text(self, windows):
        held_out = [replace(one, split="dev") for one in windows]
        assert [is_asked(one) for one in windows] == [False, True, True]
        assert [is_asked(one) for one in held_out] == [False, False, True]


class TestWhatIsTaken:
    def test_a_good_answer(self):
        assert find_fault(said("今日は朝から雨が降っています。"), TOKENIZER, 444) == ""

    def test_one_that_repeats_itself(self):
        assert find_fault(said("ありがとうございました。" * 12), TOKENIZER, 444) == REPEATS

    @pytest.mark.parametrize("tokens", [(), said(""), said(" ")])
    def test_one_without_a_word(self, tokens):
        assert find_fault(tokens, TOKENIZER, 444) == EMPTY

    def test_one_that_was_stopped(self):
        tokens = said("今日は晴れです。")
        assert find_fault(tokens, TOKENIZER, len(tokens)) == ENDLESS
        assert find_fault(tokens, TOKENIZER, len(tokens) + 1) == ""


@pytest.fixture
def ask(windows, model, model_path, encodings, tmp_path):
    """Label the windows by answers that an earlier run has kept."""

    def label(*answers, windows=windows):
        state = label_state(tmp_path, model_path, **HOW)
        keep(state, {one.id: answer for one, answer in zip(windows[1:], answers, strict=True)})
        how = HOW | {"encodings": encodings, "batch_size": 8}
        return label_replay(windows, model, TOKENIZER, state, **how)

    return label


class TestLabels:
    def test_an_answer_is_the_label_in_place_of_the_text(self, base, windows, ask):
        answer = said("足して引いて")
        labelled, left_out = ask(answer, said("晴れ"))
        assert not left_out
        rows = make_dataset(labelled, base, "ja", True, {})
        special = special_ids(base.tokenizer)
        prompt = [special.start, special.language, special.transcribe]
        assert rows[1]["decoder_input_ids"] == [*prompt, *answer]
        assert rows[1]["labels"] == [-100, -100, *answer, special.end]
        assert rows[1]["weights"] == [1.0] * len(rows[1]["labels"])
        # Terms keep their own.
        (own,) = make_dataset(windows[:1], base, "ja", True, {})["labels"]
        assert rows[0]["labels"] == own

    def test_windows_whose_answer_is_no_use_are_left_out(self, windows, ask):
        labelled, left_out = ask(said("晴れ"), said("あああ" * 60))
        assert [one.id for one in labelled] == [one.id for one in windows[:2]]
        assert left_out == {REPEATS: 1}

    def test_no_use_at_all_is_an_error(self, ask):
        with pytest.raises(UserError, match="2 in all, hold no word or repeat") as error:
            ask(said(""), said("あああ" * 60))
        assert "replay_labels: text" in error.value.faults[0].cure

    def test_nothing_is_asked_twice(self, windows, model, model_path, encodings, tmp_path):
        state = label_state(tmp_path, model_path, **HOW)
        keep(state, {windows[1].id: said("晴れ")})
        of_another_model, of_the_user = (tmp_path / f"{name}.tsv" for name in ("0" * 16, "mine"))
        for path in (of_another_model, of_the_user):
            keep(path, {})
        how = HOW | {"encodings": encodings, "batch_size": 8}
        label_replay(windows, model, TOKENIZER, state, **how)
        kept = {row["window"]: row["answer"] for row in read_table(state)}
        assert kept.keys() == {one.id for one in windows[1:]}
        assert kept[windows[1].id] == " ".join(map(str, said("晴れ")))
        assert set(tmp_path.glob("*.tsv")) == {state, of_the_user}

    def test_another_language_or_no_times_are_other_answers(self, model_path, tmp_path):
        states = {label_state(tmp_path, model_path, **HOW)}
        states.add(label_state(tmp_path, model_path, **HOW | {"language": "en"}))
        states.add(label_state(tmp_path, model_path, **HOW | {"timestamps": False}))
        assert len(states) == 3

    def test_a_table_of_windows_keeps_them(self, ask, tmp_path):
        labelled, _ = ask(said("晴れ"), said("雨"))
        write_table(tmp_path / "table.tsv", LABELLED, labelled_rows(labelled, TOKENIZER))
        assert read_windows(tmp_path / "table.tsv") == labelled
        heard = {row["heard"] for row in read_table(tmp_path / "table.tsv")}
        assert heard == {"", "<|0.40|>晴れ<|2.00|>", "<|0.40|>雨<|2.00|>"}


class TestWithoutAText:
    """What nobody wrote down serves only by the base model's answer."""

    def test_training(self, windows, ask):
        recipe = Recipe(replay=0.7, packed=False)
        chosen = select_windows(windows, "train", recipe, "one")
        assert {one.id for one in chosen} == {one.id for one in windows[:2]}
        labelled, _ = ask(said("晴れ"), said("雨"))
        chosen = select_windows(labelled, "train", recipe, "one")
        assert {one.id for one in chosen} == {one.id for one in windows}

    def test_development(self, windows, ask):
        held_out = [replace(one, split="dev") for one in windows]
        assert [one.id for one in development_windows(held_out)] == [one.id for one in held_out[:2]]
        labelled, _ = ask(said("晴れ"), said("雨"), windows=held_out)
        answers = {one.id: one.answer for one in development_windows(labelled)}
        assert answers == {
            held_out[0].id: None,
            held_out[1].id: None,
            held_out[2].id: said("雨"),
        }

    def test_what_training_follows_from(self, windows, ask):
        # A recipe that reads all of them.
        recipe = Recipe(replay=0.7, packed=False)
        how = {"recipe": recipe, "first_voice": "one", "language": "ja"}

        def digest(windows):
            return training_digest("base", windows, **how)

        # It trains nothing by texts, and so trains nothing again.
        assert digest(windows) == digest(windows[:2])
        answered = [digest(ask(said("晴れ"), said(text))[0]) for text in ("雨", "雪")]
        assert len({digest(windows), *answered}) == 3


class TestScript:
    def test_table_and_account(self, windows, model_path, tmp_path, monkeypatch, capsys):
        write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows))
        answers = {windows[1].id: said("晴れ"), windows[2].id: said("")}
        keep(label_state(tmp_path / "state", model_path, **HOW), answers)
        paths = f"--windows {tmp_path}/windows.tsv --state {tmp_path}/state"
        arguments = f"label --model {model_path} {paths} --labels timed --output {tmp_path}/o.tsv"
        monkeypatch.setattr(sys, "argv", [*arguments.split(), "--device", "cpu"])
        script.main()
        assert "2 windows asked about; answers left out: 1 that hold no word" in (
            capsys.readouterr().out
        )
        labelled = read_windows(tmp_path / "o.tsv")
        assert [one.answer for one in labelled] == [None, said("晴れ")]
