"""Labels: what a model learns to write of a window, and what Whisper makes of it."""

from itertools import pairwise

import pytest
from small_windows import manifest_row, random_rows
from whisper.tokenizer import get_tokenizer

from whisper_terms.base_model import special_ids
from whisper_terms.labels import window_label
from whisper_terms.tokenizer import build_tokenizer
from whisper_terms.windows import PackingRules, Placed, Window, pack

RULES = PackingRules(seconds=30.0, gap=(0.2, 0.8), max_tokens=440, most=10**6)
SHARDS = 4


@pytest.fixture(scope="module")
def special(tokenizer):
    return special_ids(tokenizer)


@pytest.fixture(scope="module")
def encode(tokenizer):
    return lambda text: tokenizer(text, add_special_tokens=False).input_ids


TWO = Window(
    "w",
    "train",
    (
        Placed("a.wav", "痙攣が続く。", 0.32, 2.5),
        Placed("b.wav", "ailia SDK", 3.0, 30.0),
    ),
)


def test_by_hand(special):
    inputs, targets, _ = window_label(TWO, lambda text: [len(text), 7], special, True)
    # <|startoftranscript|><|ja|><|transcribe|><|0.32|> ... <|2.50|><|3.00|> ... <|30.00|>
    zero = 50_364
    said = [zero + 16, 6, 7, zero + 125, zero + 150, 9, 7, zero + 1500]
    assert inputs == [50_258, 50_266, 50_359, *said]
    assert targets == [-100, -100, *said, 50_257]


def test_by_hand_without_timestamps(special):
    inputs, targets, _ = window_label(TWO, lambda text: [len(text)], special, False)
    assert inputs == [50_258, 50_266, 50_359, 50_363, 6, 9]
    assert targets == [-100, -100, -100, 6, 9, 50_257]


@pytest.mark.parametrize("timestamps", [True, False])
def test_each_target_is_the_next_input(special, encode, timestamps):
    for window in pack(random_rows(100), RULES, SHARDS):
        inputs, targets, _ = window_label(window, encode, special, timestamps)
        assert len(inputs) == len(targets)
        prompt = 3 if timestamps else 4
        assert targets[: prompt - 1] == [-100] * (prompt - 1)
        assert targets[prompt - 1 : -1] == inputs[prompt:]
        # One start token at the beginning; the end is learned, and nothing else is ignored.
        assert inputs.count(special.start) == 1
        assert inputs[0] == special.start
        assert special.start not in targets
        assert targets[-1] == special.end
        assert -100 not in targets[prompt - 1 :]
        assert targets.count(special.end) == 1


@pytest.mark.parametrize("timestamps", [True, False])
@pytest.mark.parametrize("text", ["𩸽", "鬱" * 9, "a b", "🙂🏽", "㌔", "痙攣が続く。"])
def test_labels_are_short_enough(special, encode, text, timestamps):
    # Rare kanji take a token for each of their bytes: the bound is reached.
    rules = PackingRules(30.0, (0.0, 0.0), 448, 10**6)
    rows = [manifest_row(number, 0.3, text=text * (number % 9 + 1) + str(number))
            for number in range(300)]  # fmt: skip
    longest = max(
        len(window_label(window, encode, special, timestamps)[0]) for window in pack(rows, rules, 1)
    )
    assert longest < 448


def test_whisper_reads_the_times_and_texts(special, encode):
    whisper = get_tokenizer(multilingual=True, language="ja", task="transcribe")
    for window in pack(random_rows(100), RULES, SHARDS)[:10]:
        inputs, targets, _ = window_label(window, encode, special, True)
        assert tuple(inputs[:3]) == whisper.sot_sequence
        said = "".join(
            f"<|{one.start:.2f}|>{one.text}<|{one.end:.2f}|>" for one in window.utterances
        )
        assert whisper.decode_with_timestamps(targets[2:-1]) == said
        # As Whisper does, it pairs the end of an utterance with the start of the next.
        stamps = [token for token in targets if token >= whisper.timestamp_begin]
        assert all(a <= b for a, b in pairwise(stamps))


def test_whisper_reads_labels_without_times(special, encode):
    whisper = get_tokenizer(multilingual=True, language="ja", task="transcribe")
    inputs, targets, _ = window_label(TWO, encode, special, False)
    assert tuple(inputs[:4]) == whisper.sot_sequence_including_notimestamps
    assert whisper.decode(targets[3:-1]) == "痙攣が続く。ailia SDK"


def test_large_v3_has_other_ids(tokenizer):
    newer = special_ids(build_tokenizer(100))
    inputs, targets, _ = window_label(TWO, lambda text: [1], newer, True)
    assert inputs[:4] == [50_258, 50_266, 50_360, 50_365 + 16]
    assert targets[-1] == 50_257


def test_latin_words_stay_apart_without_times(special, tokenizer, encode):
    texts = ["ailia", "SDK 2", "痙攣", "MRI", "です", "", "CT。", "PET"]
    said = [Placed(f"{i}.wav", text, i, i + 0.5) for i, text in enumerate(texts)]
    marked = []

    def mark(one, tokens):
        marked.append((one.text, tokens == encode(one.text)))
        return [True] * len(tokens)

    label = window_label(Window("w", "train", tuple(said)), encode, special, False, mark)
    assert tokenizer.decode(label.inputs[4:]) == "ailia SDK 2痙攣MRIですCT。PET"
    assert marked[:3] == [("ailia", True), (" SDK 2", True), ("痙攣", True)]
    timed = window_label(Window("w", "train", tuple(said)), encode, special, True)
    assert tokenizer.decode([one for one in timed.inputs[3:] if one < special.end]) == "".join(
        texts
    )
