"""Training examples: which windows a recipe takes, and the batches that they become."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import small_base
from small_windows import sounding_windows

from whisper_terms.base_model import special_ids
from whisper_terms.config import Recipe
from whisper_terms.encodings import encode_windows, window_features
from whisper_terms.errors import UserError
from whisper_terms.examples import Collator, make_dataset, select_windows
from whisper_terms.labels import window_label
from whisper_terms.tables import write_table
from whisper_terms.term_tokens import TermMarker, read_weighed
from whisper_terms.windows import Placed, Window


def window(name, *placed, split="train"):
    """A silent window of utterances given as (kind, voice)."""
    utterances = [
        Placed(f"{name}-{number}.wav", f"文{number}", number, number + 0.5, kind, "t1", voice)
        for number, (kind, voice) in enumerate(placed)
    ]
    return Window(name, split, tuple(utterances))


def select(windows, split="train", **recipe):
    recipe = Recipe(packed=False, **({"replay": 0.0} | recipe))
    return [one.id for one in select_windows(windows, split, recipe, "one")]


TERMS = [window(f"w{number}", ("context", "one"), ("term", "two")) for number in range(6)]
REPLAY = [window(f"r{number}", ("replay", "two")) for number in range(20)]


class TestReplay:
    # share / (1 - share) replay windows for one of terms, rounded to even.
    @pytest.mark.parametrize(
        ("share", "wanted"), [(0, 0), (0.25, 2), (0.4, 4), (0.5, 6), (0.75, 18), (0.07, 0)]
    )
    def test_share(self, share, wanted):
        chosen = select(TERMS + REPLAY, replay=share)
        assert chosen[:6] == [one.id for one in TERMS]
        assert len(chosen[6:]) == len(set(chosen[6:])) == wanted
        assert set(chosen[6:]) <= {one.id for one in REPLAY}

    def test_too_few_come_again_evenly(self):
        chosen = select(TERMS + REPLAY[:4], replay=0.625)
        assert len(chosen) == 16
        assert sorted(Counter(chosen[6:]).values()) == [2, 2, 3, 3]

    def test_none_where_some_is_wanted_is_a_fault(self):
        with pytest.raises(UserError, match="no replay has a label"):
            select(TERMS, replay=0.5)
        assert select(TERMS, replay=0.0) == [one.id for one in TERMS]

    def test_a_larger_share_keeps_those_of_a_smaller(self):
        some = select(TERMS + REPLAY, replay=0.4)
        assert select(TERMS + REPLAY[::-1], replay=0.5)[:10] == some

    def test_no_terms_are_a_fault(self):
        with pytest.raises(UserError, match="no window in the train set"):
            select(REPLAY, replay=0.5)


class TestSelection:
    WINDOWS = (
        window("lone-one", ("term", "one")),
        window("lone-two", ("term", "two")),
        window("said-one", ("context", "one")),
        window("replay", ("replay", "one")),
        window("held-out", ("context", "three"), split="dev"),
        window("held-out-replay", ("replay", "three"), split="dev"),
    )

    @pytest.mark.parametrize(
        ("recipe", "chosen"),
        [
            ({}, ["lone-one", "lone-two", "said-one"]),
            ({"utterances": "isolated"}, ["lone-one", "lone-two"]),
            ({"voices": "first"}, ["lone-one", "said-one"]),
            ({"voices": "first", "utterances": "isolated"}, ["lone-one"]),
            ({"replay": 0.25}, ["lone-one", "lone-two", "said-one", "replay"]),
        ],
    )
    def test_what_a_recipe_takes(self, recipe, chosen):
        assert select(self.WINDOWS, **recipe) == chosen

    def test_the_development_set_is_the_same_for_all_recipes(self):
        chosen = ["held-out", "held-out-replay"]
        recipe = {"voices": "first", "utterances": "isolated", "replay": 0.5}
        assert select(self.WINDOWS, "dev", **recipe) == chosen

    def test_an_empty_set_is_a_fault(self):
        with pytest.raises(UserError, match="in the train set") as error:
            select(self.WINDOWS[2:], utterances="isolated")
        assert "isolated_per_term" in error.value.faults[0].cure
        with pytest.raises(UserError, match="in the dev set") as error:
            select(self.WINDOWS[:4], "dev")
        assert "hold out a voice" in error.value.faults[0].cure


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    sounding = sounding_windows(tmp_path_factory.mktemp("wavs"), 2)
    # Labels of different lengths, so that one is padded.
    short = replace(sounding[0], utterances=sounding[0].utterances[:1])
    return [short, sounding[1]]


@pytest.fixture(scope="module")
def files(base, windows, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    return encode_windows(windows, base.model, base.feature_extractor, store, "digest")


class TestDataset:
    @pytest.mark.parametrize("timestamps", [True, False])
    def test_labels(self, base, windows, timestamps):
        dataset = make_dataset(windows, base, "ja", timestamps, {})
        special = special_ids(base.tokenizer)
        for number, one in enumerate(windows):
            expected = window_label(
                one,
                lambda text: base.tokenizer.encode(text, add_special_tokens=False),
                special,
                timestamps,
            )
            row = dataset[number]
            assert list(row["decoder_input_ids"]) == expected.inputs
            assert list(row["labels"]) == expected.targets
            assert list(row["weights"]) == [1.0] * len(expected.targets)
            assert set(row) == {
                "decoder_input_ids",
                "labels",
                "weights",
                "replay",
                "input_features",
            }
            assert row["replay"] is one.is_replay

    def test_no_digest_is_taken_of_the_weights(self, base, windows, monkeypatch):
        # `datasets` pickles what a transform refers to: gigabytes, if that were the model.
        pickled = []
        reduce = type(base.model).__reduce_ex__
        monkeypatch.setattr(
            type(base.model),
            "__reduce_ex__",
            lambda self, protocol: pickled.append(self) or reduce(self, protocol),
        )
        make_dataset(windows, base, "ja", True, {})
        assert not pickled

    def test_the_language(self, base, windows):
        row = make_dataset(windows, base, "en", False, {})[0]
        assert row["decoder_input_ids"][1] == base.tokenizer.get_vocab()["<|en|>"]

    def test_sound(self, base, windows, files):
        for number, one in enumerate(windows):
            loud = make_dataset(windows, base, "ja", True, {})[number]
            assert "encoding" not in loud
            features = window_features(one, base.feature_extractor)
            assert np.array_equal(np.asarray(loud["input_features"]), features)
            cached = make_dataset(windows, base, "ja", True, files)[number]
            assert "input_features" not in cached
            assert np.array_equal(np.asarray(cached["encoding"]), np.load(files[one.id]))

    def test_the_room_is_heard(self, base, windows):
        noisy = replace(windows[0], room="noise:one")
        row = make_dataset([noisy], base, "ja", True, {})[0]
        features = window_features(noisy, base.feature_extractor)
        assert np.array_equal(np.asarray(row["input_features"]), features)
        assert not np.array_equal(features, window_features(windows[0], base.feature_extractor))

    def test_a_batch_is_in_its_own_order(self, base, windows, files):
        rows = make_dataset([*windows, *windows], base, "ja", True, files).__getitems__([1, 2])
        assert np.array_equal(np.asarray(rows[0]["encoding"]), np.load(files[windows[1].id]))
        assert np.array_equal(np.asarray(rows[1]["encoding"]), np.load(files[windows[0].id]))

    def test_a_batch_with_one_that_is_not_encoded_brings_spectrograms(self, base, windows, files):
        some = {windows[0].id: files[windows[0].id]}
        rows = make_dataset(windows, base, "ja", True, some).__getitems__([0, 1])
        assert all("input_features" in row for row in rows)

    def test_a_label_that_is_too_long_is_a_fault(self, base, windows):
        one = replace(windows[0].utterances[0], text="𩸽" * 150)
        with pytest.raises(UserError, match="label is too long") as error:
            make_dataset([replace(windows[0], utterances=(one,))], base, "ja", True, {})
        assert "windows.max_tokens" in error.value.faults[0].cure


class TestTermTokens:
    def marked(self, base, text, term_id, weighed):
        """The text of the tokens that are marked."""
        tokens = base.tokenizer.encode(text, add_special_tokens=False)
        mark = TermMarker(weighed, base.tokenizer)
        marks = mark(Placed("a.wav", text, 0, 1, "context", term_id), tokens)
        assert len(marks) == len(tokens)
        chosen = [token for token, marked in zip(tokens, marks, strict=True) if marked]
        return base.tokenizer.decode(chosen)

    @pytest.mark.parametrize(
        ("text", "term_id", "expected"),
        [
            ("痙攣が続く。", "k", "痙攣"),
            ("痙攣", "k", "痙攣"),
            ("今日も痙攣と痙攣です", "k", "痙攣痙攣"),
            ("痙が続く。", "k", ""),
            ("痙攣が続く。", "unknown", ""),
            ("痙攣が続く。", "", ""),
        ],
    )
    def test_the_tokens_of_the_surface(self, base, text, term_id, expected):
        assert self.marked(base, text, term_id, {"k": ("痙攣",)}) == expected

    def test_a_token_that_holds_a_part_counts(self, base):
        # Characters of four bytes take several tokens, and " SDK" is one with its space.
        assert "𩸽SDK" in self.marked(base, "魚は𩸽SDKを", "k", {"k": ("𩸽SDK",)})
        assert self.marked(base, "use SDK now", "s", {"s": ("SDK",)}).strip() == "SDK"

    def test_words_that_sound_like_the_term_count_in_its_utterances(self, base, tmp_path):
        row = {"term_id": "d", "surface": "動悸", "rivals": "動機|同期"}
        write_table(tmp_path / "terms.tsv", list(row), [row])
        weighed = read_weighed([tmp_path / "terms.tsv"])
        for word in ("動悸", "動機", "同期"):
            assert self.marked(base, f"その{word}です。", "d", weighed) == word
        assert self.marked(base, "その動機です。", "", weighed) == ""

    def test_weights_are_those_of_the_answers(self, base, windows):
        rows = make_dataset(windows, base, "ja", True, {}, 3.0, {"t0": ("の前",)})
        labels, weights = rows[0]["labels"], rows[0]["weights"]
        heavy = [label for label, weight in zip(labels, weights, strict=True) if weight == 3.0]
        assert set(weights) == {1.0, 3.0}
        assert base.tokenizer.decode(heavy) == "の前"


class TestCollator:
    PAD = 50_257

    def test_by_hand(self):
        ones, zeros = np.ones((2, 4), np.float16), np.zeros((2, 4), np.float16)
        rows = [
            {"decoder_input_ids": [1, 2, 3], "labels": [-100, 3, 9], "encoding": ones},
            {"decoder_input_ids": [1], "labels": [9], "encoding": zeros},
        ]
        rows[0] |= {"weights": [1.0, 3.0, 1.0], "replay": False}
        rows[1] |= {"weights": [1.0], "replay": True}
        batch = Collator(self.PAD)(rows)
        assert batch["decoder_input_ids"].tolist() == [[1, 2, 3], [1, self.PAD, self.PAD]]
        assert batch["labels"].tolist() == [[-100, 3, 9], [9, -100, -100]]
        assert batch["weights"].tolist() == [[1, 3, 1], [1, 0, 0]]
        assert batch["replay"].tolist() == [False, True]
        hidden = batch["encoder_outputs"].last_hidden_state
        assert (hidden.dtype, hidden.shape) == (torch.float32, (2, 2, 4))
        assert hidden.sum() == 8
        assert "input_features" not in batch

    def test_spectrograms(self, base, windows):
        dataset = make_dataset(windows, base, "ja", True, {})
        batch = Collator(self.PAD)(dataset.__getitems__([0, 1]))
        assert (batch["input_features"].shape, batch["input_features"].dtype) == (
            (2, 80, 3000), torch.float32
        )  # fmt: skip
        assert "encoder_outputs" not in batch

    def test_padding_changes_no_loss(self, base, windows, files):
        dataset = make_dataset(windows, base, "ja", True, files)
        rows = dataset.__getitems__([0, 1])
        lengths = [len(row["labels"]) for row in rows]
        assert lengths[0] < lengths[1]
        collate = Collator(self.PAD)
        with torch.no_grad():
            together = base.model(**collate(rows)).loss
            alone = [base.model(**collate([row])).loss for row in rows]
        # Means over what is not ignored: two tokens of the prompt are.
        weights = [length - 2 for length in lengths]
        expected = sum(loss * weight for loss, weight in zip(alone, weights, strict=True))
        assert together == pytest.approx(float(expected / sum(weights)), rel=1e-5)

    @pytest.mark.parametrize(
        ("longest", "padded"),
        [(1, 1), (5, 5), (9, 10), (17, 20), (64, 64), (65, 80), (257, 320), (385, 448), (448, 448)],
    )
    def test_lengths_are_few(self, longest, padded):
        row = {"decoder_input_ids": [1] * longest, "labels": [2] * longest, "replay": False}
        row |= {"weights": [1.0] * longest, "encoding": np.zeros((2, 4), np.float16)}
        batch = Collator(self.PAD)([row])
        shapes = {tuple(batch[one].shape) for one in ("decoder_input_ids", "labels", "weights")}
        assert shapes == {(1, padded)}
        assert int((batch["labels"] != -100).sum()) == longest

    def test_what_comes_after_the_label_is_not_seen(self, base, windows, files):
        row = make_dataset(windows, base, "ja", True, files)[0]
        longer = {
            **row,
            "decoder_input_ids": [*row["decoder_input_ids"], 7],
            "labels": [*row["labels"], -100],
        }
        with torch.no_grad():
            losses = [base.model(**Collator(self.PAD)([one])).loss for one in (row, longer)]
        assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-6)
