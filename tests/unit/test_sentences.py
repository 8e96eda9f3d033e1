"""Sentences from files, and the terms that they serve."""

import pytest

from whisper_terms.dictionary import Entry, read_dictionaries
from whisper_terms.errors import UserError
from whisper_terms.sentences import read_sentences, share_sentences


@pytest.fixture
def entries(tmp_path) -> list[Entry]:
    rows = [
        "surface,sentences,aliases",
        "動悸,動悸がします。,",
        "腹水,,",
        "肺炎,,",
        "誤嚥性肺炎,,ごえん性肺炎",
        "AI,,",
        "GiNZA,,",
        "ドウキ,,",
        "埋め込み,,",
        "がん,,",
        "蕁麻疹,,じんましん",
        "β,,",
        "骨,,",
    ]
    (tmp_path / "terms.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return read_dictionaries([tmp_path / "terms.csv"])


def shared(entries: list[Entry], *sentences: str) -> dict[str, list[str]]:
    """What each term got, beside what it had."""
    had = {entry.surface: entry.sentences for entry in entries}
    return {
        entry.surface: list(entry.sentences[len(had[entry.surface]) :])
        for entry in share_sentences(entries, sentences)
        if entry.sentences != had[entry.surface]
    }


@pytest.mark.parametrize(
    ("sentence", "surface"),
    [
        ("走ると動悸がひどい。", "動悸"),
        ("動悸、息切れ。", "動悸"),
        ("動悸と動悸。", "動悸"),
        # The longer term, and not the one in it.
        ("誤嚥性肺炎を防ぐ。", "誤嚥性肺炎"),
        ("肺炎になった。", "肺炎"),
        ("GiNZAで解析する。", "GiNZA"),
        ("社内のAI活用", "AI"),
        ("ドウキという音", "ドウキ"),
        ("部品を埋め込みました。", "埋め込み"),
    ],
)
def test_a_sentence_serves_the_term_in_it(entries, sentence, surface):
    assert shared(entries, sentence) == {surface: [sentence]}


@pytest.mark.parametrize(
    "sentence",
    [
        "同期と話した。",
        # Inside longer words of the same script.
        "腹水穿刺をする。",
        "大量腹水です。",
        "PAIRで働く。",
        "AI2を使う。",
        "ドウキン",
        "ドウキﾝ",
        "ＰＡＩ２とAI２",
        "αβγを測る。",
        "𠮟骨",
        # Of hiragana nobody can tell.
        "もっとがんばる。",
        "がんの検査",
        # An alias would be taught in the surface's place.
        "動悸とじんましんがあります。",
        "ごえん性肺炎です。",
        # How the other would be said is a guess.
        "動悸と腹水があります。",
        "GINZAで解析する。",
    ],
)
def test_others_are_passed_over(entries, sentence):
    assert shared(entries, sentence) == {}


def test_they_follow_what_the_dictionary_has_and_each_counts_once(entries):
    sentences = ["動悸がします。", "夜も動悸だ。", "夜も動悸だ。"]
    (first, *_) = share_sentences(entries, sentences)
    assert first.sentences == ("動悸がします。", "夜も動悸だ。")


def test_spaces_bars_and_marks_are_made_even(entries):
    # ガ in two characters, as some files have it.
    assert shared(entries, " 動悸｜が|する　 カ\u3099") == {"動悸": ["動悸｜が する ガ"]}


def test_what_changes_no_term_leaves_its_entry(entries):
    assert share_sentences(entries, ["今日は晴れた。"]) == entries
    assert share_sentences([], ["動悸がします。"]) == []


def test_files_are_read_in_their_order(tmp_path):
    (tmp_path / "a.txt").write_text("\ufeff一つ。\n\n二つ。\n一つ。\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("三つ。\n二つ。", encoding="utf-8")
    assert read_sentences([tmp_path / "a.txt", tmp_path / "b.txt"]) == [
        "一つ。",
        "二つ。",
        "三つ。",
    ]
    assert read_sentences([]) == []


def test_all_files_faults_are_told_at_once(tmp_path):
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    (tmp_path / "sjis.txt").write_bytes("動悸がします。\n".encode("cp932"))
    files = [tmp_path / name for name in ("gone.txt", "empty.txt", "sjis.txt")]
    with pytest.raises(UserError) as error:
        read_sentences(files)
    assert [fault.file for fault in error.value.faults] == files
