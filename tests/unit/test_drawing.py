"""Replay that no recipe would draw costs nothing."""

import sys

from small_windows import manifest_row

import pack_windows
from whisper_terms.config import Recipe
from whisper_terms.drawing import HELD_OUT, drawn, without_surplus
from whisper_terms.examples import select_windows
from whisper_terms.tables import UTTERANCES, write_table
from whisper_terms.windows import Placed, Window, read_windows


def window(name: str, kind: str = "replay", split: str = "train", text: str = "文") -> Window:
    return Window(name, split, (Placed(f"{name}.wav", text, 0.3, 2.3, kind),))


def many(count: int, *what: str, **more: str) -> list[Window]:
    return [window(f"{'-'.join([*what, *more.values()])}{i}", *what, **more) for i in range(count)]


def test_replay_that_terms_ask_for_stays():
    windows = many(500, "replay") + many(300, "context") + many(HELD_OUT, "replay", split="dev")
    assert without_surplus(windows) == windows


def test_the_rest_is_left_out_in_the_order_of_drawing():
    terms, replay = many(100, "context"), many(900, "replay")
    kept = without_surplus(replay + terms)
    assert kept[-100:] == terms
    assert set(kept[:-100]) == set(drawn(replay)[:200])
    assert kept[:-100] == [one for one in replay if one in set(kept)]


def test_recipes_draw_the_same_as_from_all():
    windows = many(120, "context") + many(900, "replay") + many(800, "replay", text="")
    for share in (0.1, 0.4, 0.66):
        recipe = Recipe(replay=share)
        chosen = select_windows(windows, "train", recipe, "one")
        assert select_windows(without_surplus(windows), "train", recipe, "one") == chosen


def test_a_larger_share_keeps_more():
    windows = many(100, "context") + many(900, "replay")
    recipe = Recipe(replay=0.8)
    chosen = select_windows(windows, "train", recipe, "one")
    assert select_windows(without_surplus(windows, 4), "train", recipe, "one") == chosen
    assert len(set(chosen)) == 500


def test_recordings_without_a_transcript_crowd_nothing_out():
    written, unwritten = many(180, "replay"), many(5000, "replay", text="")
    kept = without_surplus(many(100, "context") + written + unwritten)
    assert set(written) <= set(kept) and len(kept) == 100 + 180 + 200


def test_the_script_tells_how_much(tmp_path, monkeypatch, capsys):
    rows = [manifest_row(0), *(manifest_row(i, kind="replay", term_id="") for i in range(1, 400))]
    write_table(tmp_path / "manifest.tsv", UTTERANCES, rows)
    options = ["--most", "1", "--shards", "1", "--output", str(tmp_path / "windows.tsv")]
    command = ["pack_windows.py", "--manifest", str(tmp_path / "manifest.tsv"), *options]
    monkeypatch.setattr(sys, "argv", command)
    pack_windows.main()
    assert len(read_windows(tmp_path / "windows.tsv")) == 1 + HELD_OUT
    assert "249 windows of replay left out: far more than of terms" in capsys.readouterr().err
