"""Windows: how utterances are packed and stored, and how they sound."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from small_windows import manifest_row, random_rows, write_tone

import pack_windows
from whisper_terms.errors import UserError
from whisper_terms.sharding import shard_of
from whisper_terms.tables import UTTERANCES, write_table
from whisper_terms.windows import (
    COLUMNS,
    PackingRules,
    Placed,
    Window,
    pack,
    read_windows,
    window_audio,
    window_rows,
)

RULES = PackingRules(seconds=30.0, gap=(0.2, 0.8), max_tokens=440, most=10**6)
SINGLE = PackingRules(seconds=30.0, gap=(0.2, 0.8), max_tokens=440, most=1)
SHARDS = 4


def utterances(windows):
    return [one for window in windows for one in window.utterances]


def ids(windows):
    return {window.id for window in windows}


def ticks(seconds):
    return seconds / 0.02


class TestPacking:
    @pytest.mark.parametrize(
        "rules",
        [
            RULES,
            SINGLE,
            PackingRules(30.0, (0.0, 0.0), 440, 10**6),
            PackingRules(20.01, (0.1, 3.0), 200, 3),
            PackingRules(9.5, (0.13, 0.13), 448, 10**6),
        ],
        ids=["packed", "single", "dense", "narrow", "off-tick"],
    )
    def test_every_rule_holds(self, rules):
        rows = random_rows(400)
        windows = pack(rows, rules, SHARDS)
        seconds = {row["audio"]: float(row["seconds"]) for row in rows}
        for window in windows:
            placed = window.utterances
            assert 1 <= len(placed) <= rules.most
            assert placed[-1].end <= rules.seconds + 0.005  # 20.01 is no multiple of 0.02
            before = 0.0
            for one in placed:
                gap = one.start - before
                # Off the ticks a gap is rounded; a long utterance alone may begin earlier.
                if len(placed) > 1:
                    assert rules.gap[0] - 0.0101 <= gap <= rules.gap[1] + 0.0101
                assert gap >= 0
                # All of the sound lies between the timestamps, which waste less than a tick.
                assert -1e-9 <= one.end - one.start - seconds[one.audio] < 0.02
                assert math.isclose(ticks(one.start), round(ticks(one.start)), abs_tol=1e-6)
                assert math.isclose(ticks(one.end), round(ticks(one.end)), abs_tol=1e-6)
                before = one.end

    def test_a_little_replay_beside_many_shards_of_terms_fills_its_windows(self):
        replay = [manifest_row(number, kind="replay", term_id="") for number in range(60)]
        rows = [*replay, *(manifest_row(number) for number in range(60, 120))]
        apart, together = pack(rows, RULES, 50), pack(rows, RULES, 50, replay_shards=1)

        def of_terms(windows):
            return {one.id for one in windows if one.utterances[0].kind != "replay"}

        assert of_terms(together) == of_terms(apart)
        assert len(together) - len(of_terms(together)) < 12
        assert len(apart) - len(of_terms(apart)) > 25

    def test_gaps_stay_in_their_bounds_and_differ(self):
        gaps = set()
        for window in pack(random_rows(400), RULES, SHARDS):
            ends = [0.0, *(one.end for one in window.utterances)]
            gaps |= {
                round(one.start - end, 2) for one, end in zip(window.utterances, ends, strict=False)
            }
        assert min(gaps) >= 0.2
        assert max(gaps) <= 0.8
        assert len(gaps) > 20

    def test_everything_is_placed_once(self):
        rows = random_rows(400)
        placed = utterances(pack(rows, RULES, SHARDS))
        assert sorted(one.audio for one in placed) == sorted(row["audio"] for row in rows)
        by_audio = {row["audio"]: row for row in rows}
        for one in placed:
            row = by_audio[one.audio]
            assert (one.text, one.kind, one.term_id, one.voice) == (
                row["text"], row["kind"], row["term_id"], row["voice"]
            )  # fmt: skip

    def test_windows_are_full(self):
        windows = pack([manifest_row(number, 2.0) for number in range(400)], RULES, 1)
        # Eleven or twelve of 2 s and a gap of 0.5 s on average go into 30 s.
        assert len(windows) <= 400 / 11 + 2

    @pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
    def test_a_share_of_the_windows_is_sparse(self, share):
        rows = [manifest_row(number, 2.0) for number in range(3000)]
        sizes = [len(one.utterances) for one in pack(rows, replace(RULES, sparse=share), 1)]
        few = [size for size in sizes if size <= 3]
        assert len(few) / len(sizes) == pytest.approx(share, abs=0.06)
        for size in (1, 2, 3):
            assert few.count(size) / len(few) == pytest.approx(1 / 3, abs=0.15)
        assert sum(size >= 11 for size in sizes) >= len(sizes) - len(few) - 2

    def test_a_window_holds_different_terms_and_texts(self):
        for window in pack(random_rows(400), RULES, SHARDS):
            terms = [one.term_id for one in window.utterances if one.term_id]
            texts = [one.text for one in window.utterances]
            assert len(terms) == len(set(terms))
            assert len(texts) == len(set(texts))

    def test_one_term_alone_fills_no_window(self):
        rows = [manifest_row(number, term_id="t1") for number in range(5)]
        assert [len(window.utterances) for window in pack(rows, RULES, SHARDS)] == [1] * 5

    def test_a_term_may_stand_beside_a_word_of_its_sound(self):
        """But not two such words: the second could be copied from the first."""
        rows = [manifest_row(number, term_id="t1") for number in range(2)]
        rows += [manifest_row(number, term_id="t1", kind="contrast") for number in (2, 3)]
        windows = pack(rows, RULES, 1)
        assert [[one.kind == "contrast" for one in w.utterances].count(True) for w in windows] == [
            1,
            1,
        ]
        assert [len(window.utterances) for window in windows] == [2, 2]

    def test_splits_replay_and_shards_do_not_mix(self):
        rows = random_rows(400)
        by_audio = {row["audio"]: row for row in rows}
        windows = pack(rows, RULES, SHARDS)
        for window in windows:
            members = [by_audio[one.audio] for one in window.utterances]
            assert {row["split"] for row in members} == {window.split}
            assert {row["kind"] == "replay" for row in members} == {window.is_replay}
            assert len({shard_of(row["term_id"] or row["text"], SHARDS) for row in members}) == 1
        assert len({(window.split, window.is_replay) for window in windows}) == 4

    @pytest.mark.parametrize(
        ("seconds", "start", "end"),
        [(29.0, (0.2, 0.8), (29.2, 29.8)), (29.9, (0.1, 0.1), (30, 30)), (30.0, (0, 0), (30, 30)),
         (29.985, (0, 0), (30, 30)), (29.987, (0, 0), (30, 30))],
    )  # fmt: skip
    def test_a_long_utterance_has_a_shorter_gap(self, seconds, start, end):
        ((one,),) = [window.utterances for window in pack([manifest_row(1, seconds)], RULES, 1)]
        assert start[0] <= one.start <= start[1]
        assert end[0] <= one.end <= end[1]

    def test_what_fits_in_no_window_is_left_out(self):
        rows = [manifest_row(1, 30.01), manifest_row(2), manifest_row(3, text="雪" * 440)]
        assert [one.audio for one in utterances(pack(rows, RULES, 1))] == ["store/0002.wav"]

    def test_the_token_bound_itself(self):
        # "雪" is one token, though three bytes: 434 + 2 timestamps + 4 = 440.
        fits, too_long = manifest_row(1, text="雪" * 434), manifest_row(2, text="雪" * 435)
        assert [one.text for one in utterances(pack([fits, too_long], RULES, 1))] == ["雪" * 434]

    @pytest.mark.parametrize(("repeats", "windows"), [((110, 110), 1), ((111, 110), 2)])
    def test_the_token_bound_of_several(self, repeats, windows):
        # 4 + (110 + 2) + (2 * 110 + 2) is 338; "痙" is two tokens.
        rules = PackingRules(30.0, (0.2, 0.8), 338, 10**6)
        rows = [
            manifest_row(number, text=letter * count)
            for number, (letter, count) in enumerate(zip("雪痙", repeats, strict=True))
        ]
        assert len(pack(rows, rules, 1)) == windows

    def test_the_script_says_what_was_left_out(self, tmp_path, monkeypatch, capsys):
        manifest, output = tmp_path / "manifest.tsv", tmp_path / "windows.tsv"
        write_table(manifest, UTTERANCES, [manifest_row(1, 31.0), manifest_row(2)])
        command = f"pack --manifest {manifest} --shards 4 --output {output}"
        monkeypatch.setattr("sys.argv", command.split())
        pack_windows.main()
        assert capsys.readouterr().err == "1 utterances left out: too long for a window\n"
        assert len(utterances(read_windows(output))) == 1


class TestStability:
    def test_the_order_of_the_rows_does_not_matter(self):
        rows = random_rows(200)
        assert pack(rows, RULES, SHARDS) == pack(rows[::-1], RULES, SHARDS)

    def test_an_edited_term_changes_windows_of_its_shard_alone(self):
        rows = random_rows(400)
        edited = next(row["term_id"] for row in rows if row["term_id"])
        changed = [
            row | {"audio": f"store/new-{row['audio'][6:]}"} if row["term_id"] == edited else row
            for row in rows
        ]
        before, after = pack(rows, RULES, SHARDS), pack(changed, RULES, SHARDS)
        assert ids(before) != ids(after)
        new = [window for window in after if window.id not in ids(before)]
        shards = {shard_of(one.term_id, SHARDS) for one in utterances(new)}
        assert shards == {shard_of(edited, SHARDS)}
        assert not any(window.is_replay for window in new)

    def test_unpacked_an_edited_term_changes_its_own_windows_alone(self):
        rows = random_rows(200)
        edited = next(row["term_id"] for row in rows if row["term_id"])
        before = ids(pack(rows, SINGLE, SHARDS))
        after = ids(pack([row for row in rows if row["term_id"] != edited], SINGLE, SHARDS))
        assert after < before
        assert len(before - after) == sum(row["term_id"] == edited for row in rows)

    def test_the_place_of_the_store_does_not_matter(self):
        rows = random_rows(200)
        moved = [row | {"audio": row["audio"].replace("store/", "/other/place/")} for row in rows]
        assert ids(pack(rows, RULES, SHARDS)) == ids(pack(moved, RULES, SHARDS))
        assert ids(pack(rows, SINGLE, SHARDS)) == ids(pack(moved, SINGLE, SHARDS))

    def test_equal_ids_mean_equal_sound(self):
        rows = [manifest_row(number) for number in range(40)]
        before = pack(rows, RULES, 1)
        # Reading, voice and kind shape no sound that the audio's name would not tell.
        renamed = [row | {"voice": "other", "kind": "term"} for row in rows]
        assert ids(pack(renamed, RULES, 1)) == ids(before)
        # Another length moves what comes after.
        longer = [row | {"seconds": "2.500"} for row in rows]
        assert not ids(pack(longer, RULES, 1)) & ids(before)
        assert len(ids(before)) == len(before)


class TestRooms:
    RULES = replace(RULES, rooms={"noise": 0.3, "reverberation": 0.2, "telephone": 0.0})

    def test_shares_of_the_training_windows(self):
        windows = pack([manifest_row(number, 25.0) for number in range(400)], self.RULES, 1)
        kinds = Counter(window.room.partition(":")[0] for window in windows)
        assert kinds.keys() == {"noise", "reverberation", ""}
        assert kinds["noise"] / 400 == pytest.approx(0.3, abs=0.07)
        assert kinds["reverberation"] / 400 == pytest.approx(0.2, abs=0.06)
        assert len({window.room for window in windows if window.room}) > 150

    def test_the_development_set_is_clean(self):
        windows = pack([manifest_row(n, split="dev") for n in range(99)], self.RULES, 1)
        assert {window.room for window in windows} == {""}

    def test_a_room_is_a_part_of_what_is_heard(self):
        rows = random_rows(200)
        clean, changed = pack(rows, RULES, SHARDS), pack(rows, self.RULES, SHARDS)
        for one, other in zip(clean, changed, strict=True):
            assert one.utterances == other.utterances
            assert (one.id == other.id) == (not other.room)
        assert pack(rows, self.RULES, SHARDS) == changed

    def test_it_is_heard(self, tmp_path):
        tone = write_tone(tmp_path / "tone.wav", 1.0)
        window = Window("w", "train", (Placed(str(tone), "文", 0.5, 1.5),), "noise:w")
        noisy = window_audio(window)
        assert noisy.shape == (480_000,) and noisy.dtype == np.float32
        assert np.array_equal(noisy, window_audio(window))
        assert np.abs(noisy[20 * 16_000 :]).max() > 0
        assert not window_audio(replace(window, room=""))[20 * 16_000 :].any()


class TestTable:
    def test_round_trip_of_rooms(self, tmp_path):
        windows = pack(random_rows(200), TestRooms.RULES, SHARDS)
        write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows))
        assert read_windows(tmp_path / "windows.tsv") == windows

    def test_round_trip(self, tmp_path):
        windows = pack(random_rows(200), RULES, SHARDS)
        write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows))
        assert read_windows(tmp_path / "windows.tsv") == windows

    def test_strange_texts_survive(self, tmp_path):
        text = 'タブ\tと"引用"と\n改行 <b>&'
        windows = pack([manifest_row(1, text=text)], RULES, 1)
        write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows))
        ((one,),) = [window.utterances for window in read_windows(tmp_path / "windows.tsv")]
        assert one.text == text

    def test_one_sound_in_both_splits_makes_two_windows(self, tmp_path):
        rows = [manifest_row(1), manifest_row(1, split="dev")]
        windows = pack(rows, SINGLE, 1)
        assert len(ids(windows)) == 1
        write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows))
        read = read_windows(tmp_path / "windows.tsv")
        assert [(window.split, len(window.utterances)) for window in read] == [
            ("dev", 1), ("train", 1)
        ]  # fmt: skip


class TestSound:
    def test_each_utterance_sounds_in_its_time_and_nothing_else(self, tmp_path):
        low = write_tone(tmp_path / "low.wav", 1.0, 200)
        high = write_tone(tmp_path / "high.wav", 0.5, 1600)
        window = Window(
            "w", "train", (Placed(str(low), "低", 0.5, 1.5), Placed(str(high), "高", 29.5, 30.0))
        )
        sound = window_audio(window)
        assert sound.shape == (480_000,)
        assert sound.dtype == np.float32
        # 0.5 s is sample 8,000.
        assert not sound[:8000].any()
        assert not sound[24_000:472_000].any()
        for first, last, hertz in ((8000, 24_000, 200), (472_000, 480_000, 1600)):
            spectrum = np.abs(np.fft.rfft(sound[first:last]))
            assert np.argmax(spectrum) * 16_000 / (last - first) == pytest.approx(hertz, abs=2)

    def test_what_goes_beyond_the_window_is_cut(self, tmp_path):
        tone = write_tone(tmp_path / "long.wav", 2.0)
        sound = window_audio(Window("w", "train", (Placed(str(tone), "長", 29.0, 30.0),)))
        assert len(sound) == 480_000
        assert np.abs(sound[464_000:]).max() > 0.25

    def test_speech_that_is_gone_is_told_with_the_way_to_make_it_again(self, tmp_path):
        window = Window("w", "train", (Placed(str(tmp_path / "gone.wav"), "無", 0.5, 1.5),))
        with pytest.raises(UserError, match=r"gone.wav: speech that was made is gone\n.*forcerun"):
            window_audio(window)
