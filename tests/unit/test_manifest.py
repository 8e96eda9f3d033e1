"""The manifest: the shards' tables joined, without what is tested."""

import random

import pytest

from whisper_terms.manifest import build_manifest
from whisper_terms.scoring.lexicon import Lexicon, Term


def row(text, kind="context", **changes):
    return {
        "audio": f"store/{text}.wav",
        "text": text,
        "seconds": "1.000",
        "split": "train",
        "kind": kind,
        "term_id": "" if kind == "replay" else "t1",
        "voice": "one",
    } | changes


def build(rows, tested=()):
    return build_manifest(rows, tested, Lexicon([Term("t1", "痛み", aliases=("いたみ",))]))


def kept(rows, tested=()):
    return [one["text"] for one in build(rows, tested).rows]


def test_order_does_not_depend_on_the_shards():
    rows = [row(f"文{number}", voice=voice) for number in range(9) for voice in ("one", "two")]
    rows = [one | {"audio": f"{one['audio']}-{one['voice']}"} for one in rows]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert build(shuffled) == build(rows)
    assert len(build(rows).rows) == 18


def test_an_utterance_stands_once():
    rows = [row("一"), row("一"), row("一", split="dev"), row("一", audio="store/other.wav")]
    assert len(build(rows).rows) == 3


def test_tested_sentences_are_left_out():
    manifest = build([row("痛みが続く。"), row("痛みが引く。")], ["痛みが続く。"])
    assert [one["text"] for one in manifest.rows] == ["痛みが引く。"]
    assert manifest.tested == 1


def test_of_every_split_and_of_replay():
    rows = [row("今日。", split="dev"), row("今日。", kind="replay")]
    assert kept(rows, ["今日。"]) == []


@pytest.mark.parametrize(
    "tested",
    [
        "ＡＢＣが、痛い！",
        "abcが痛い",
        "「ABCが痛い」。",
        "昨日からです。ABCが痛い。休みたい。",
        "昨日からです\nABCが痛い",
        "本当？ABCが痛い",
    ],
)
def test_writing_it_otherwise_or_in_a_longer_recording_makes_no_other_sentence(tested):
    assert kept([row("ABCが痛い。")], [tested]) == []


@pytest.mark.parametrize("kind", ["context", "contrast", "replay"])
def test_in_a_longer_line_it_is_the_same_sentence(kind):
    longer = "きのうから、ＡＢＣが痛い。休みたい！"
    assert kept([row(longer, kind), row("休みたいです。", kind)], ["休みたい"]) == [
        "休みたいです。"
    ]


@pytest.mark.parametrize("tested", ["ABCが痛いです。", "ABC", "", "が痛い。"])
def test_other_sentences_stay(tested):
    assert kept([row("ABCが痛い。")], [tested]) == ["ABCが痛い。"]


def test_a_lone_term_may_be_tested():
    rows = [row("痙攣", kind="term"), row("痙攣", kind="replay", audio="store/other.wav")]
    manifest = build(rows, ["痙攣"])
    assert [one["kind"] for one in manifest.rows] == ["term"]


def test_replay_that_is_held_out_is_not_trained_on():
    held_out = row("晴れた。", kind="replay", split="dev")
    rows = [
        held_out,
        row("晴れた", kind="replay", audio="store/aloud.wav"),
        row("", kind="replay", audio=held_out["audio"]),
        row("晴れた。", kind="contrast", voice="two"),
        row("雨だ。", kind="replay"),
        row("", kind="replay", audio="store/unwritten.wav"),
        # A term's sentence may be said by a voice that is held out.
        row("晴れた。"),
    ]
    manifest = build(rows)
    trained = [(one["kind"], one["text"]) for one in manifest.rows if one["split"] == "train"]
    assert trained == [("context", "晴れた。"), ("replay", ""), ("replay", "雨だ。")]
    assert manifest.tested == 0


@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize("kind", ["replay", "contrast"])
@pytest.mark.parametrize("text", ["痛みが続く。", "いたみ", "頭の 痛 み。"])
def test_replay_and_contrast_hold_no_term(text, split, kind):
    rows = [row(text, kind=kind, split=split), row(text, audio="store/term.wav")]
    manifest = build(rows)
    assert [one["kind"] for one in manifest.rows] == ["context"]
    assert (manifest.tested, manifest.with_terms) == (0, 1)
    assert kept([row("今日は痛かった。", kind="replay")]) == ["今日は痛かった。"]
