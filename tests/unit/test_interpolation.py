"""Weights between the base model's and the trained ones, and which of them are taken."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_models import small_base, write_small_model
from small_windows import sounding_windows

import interpolate_weights as script
from whisper_terms.encodings import encode_windows
from whisper_terms.interpolation import (
    COLUMNS,
    Answers,
    Point,
    choose_point,
    development_windows,
    interpolate,
    measure_points,
    point_rows,
)
from whisper_terms.interpolation_plot import plot_points
from whisper_terms.tables import write_table
from whisper_terms.tokenizer import build_tokenizer
from whisper_terms.training import window_loss
from whisper_terms.windows import COLUMNS as WINDOW_COLUMNS
from whisper_terms.windows import window_rows


def point(alpha: float, terms: int, replay: int, loss: float = 1.0) -> Point:
    """Wrong ones, always the first, of a hundred tokens each."""
    return Point(alpha, answers(terms, loss), answers(replay, loss))


def answers(wrong: int, loss: float = 1.0) -> Answers:
    return Answers((False,) * wrong + (True,) * (100 - wrong), loss)


BASE = point(0, 90, 10)


class TestChoice:
    def test_the_largest_gain_within_the_budget(self):
        points = [BASE, point(0.5, 40, 10), point(0.8, 10, 14), point(1, 5, 19)]
        assert choose_point(points, 0.0).alpha == 0.5
        # Of four changed tokens chance takes two, of nine three.
        assert choose_point(points, 0.021).alpha == 0.8
        assert choose_point(points, 0.061).alpha == 1

    def test_what_chance_explains_is_no_loss(self):
        points = [BASE, point(0.5, 40, 10), point(1, 5, 11)]
        assert choose_point(points, 0.0).alpha == 1

    def test_of_gains_that_chance_explains_the_trained_weights(self):
        points = [BASE, point(0.5, 10, 10, loss=2.0), point(1, 11, 10, loss=3.0)]
        assert choose_point(points, 0.0).alpha == 1
        # Of five changed tokens chance takes four and a half, of four all.
        points[-1] = point(1, 14, 10)
        assert choose_point(points, 0.0).alpha == 1
        points[-1] = point(1, 15, 10)
        assert choose_point(points, 0.0).alpha == 0.5

    def test_tokens_that_change_to_and_fro_cancel_out(self):
        before, now = answers(50), Answers((True,) * 50 + (False,) * 50, 1.0)
        assert not now.is_worse(before, 1) and not before.is_worse(now, 1)
        assert answers(55).is_worse(before, 1) and not answers(45).is_worse(before, 1)

    def test_the_least_loss_where_all_exceed_it(self):
        points = [BASE, point(0.5, 40, 30), point(1, 5, 50)]
        assert choose_point(points, 0.0).alpha == 0.5

    def test_the_trained_weights_where_nothing_is_measured(self):
        points = [Point(alpha, Answers(), Answers()) for alpha in (0, 0.5, 1)]
        assert choose_point(points, 0.0).alpha == 1

    def test_rows(self):
        chosen = point(1, 5, 15, loss=50.0)
        rows = list(point_rows([BASE, chosen], chosen))
        assert [list(row) for row in rows] == [COLUMNS] * 2
        assert [row["chosen"] for row in rows] == ["", "yes"]
        assert (rows[1]["terms_error"], rows[1]["replay_loss"]) == ("0.0500", "0.5000")


def test_the_same_points_give_the_same_plot(tmp_path):
    points = [BASE, point(0.5, 40, 10), point(1, 5, 15)]
    for name in ("one", "two"):
        plot_points(points, points[1], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def between(base, trained, alpha):
    result = {name: torch.empty_like(weight) for name, weight in base.items()}
    interpolate(base, trained, alpha, result)
    return result


def test_interpolation():
    base, trained = {"w": torch.tensor([1.0, 3.0])}, {"w": torch.tensor([2.0, 0.1])}
    torch.testing.assert_close(between(base, trained, 0.5)["w"], torch.tensor([1.5, 1.55]))
    assert torch.equal(between(base, trained, 1.0)["w"], trained["w"])
    assert torch.equal(between(base, trained, 0.0)["w"], base["w"])
    interpolate(base, trained, 0.5, base)
    torch.testing.assert_close(base["w"], torch.tensor([1.5, 1.55]))


def test_the_development_set_is_drawn_by_a_hash(tmp_path):
    train = sounding_windows(tmp_path, 2)
    dev = [replace(w, id=f"{w.id}-dev", split="dev") for w in train]
    replay = [replace(w, split="dev") for w in sounding_windows(tmp_path, 2, kind="replay")]
    chosen = development_windows([*train, *replay, *dev])
    assert {window.id for window in chosen} == {w.id for w in (*dev, *replay)}
    assert [window.is_replay for window in chosen] == [False, False, True, True]
    assert development_windows([*reversed(dev), *replay, *train]) == chosen


@pytest.mark.parametrize("cached", [True, False])
def test_points_are_measured(tokenizer, tmp_path, cached):
    base = small_base(tmp_path / "base", tokenizer)
    windows = sounding_windows(tmp_path, 2) + sounding_windows(tmp_path, 3, kind="replay")
    before = {name: weight.clone() for name, weight in base.model.state_dict().items()}
    trained = {name: weight + 0.02 * torch.randn_like(weight) for name, weight in before.items()}
    # A frozen encoder, so that encodings hold for every point; proj_out is the embedding.
    frozen = {name: before[name] for name in before if name.startswith("model.encoder.")}
    trained |= frozen | {"proj_out.weight": trained["model.decoder.embed_tokens.weight"]}
    encodings = (
        encode_windows(windows, base.model, base.feature_extractor, tmp_path / "store", "digest")
        if cached
        else {}
    )
    points = measure_points(
        base,
        (before, trained),
        [0.5, 1.0],
        windows,
        language="ja",
        timestamps=True,
        encodings=encodings,
        device=torch.device("cpu"),
    )
    assert [one.alpha for one in points] == [0, 0.5, 1]
    assert all(torch.equal(trained[n], w) for n, w in base.model.state_dict().items())
    for one in points:
        assert one.terms.tokens == points[0].terms.tokens > 0
        assert one.replay.tokens > one.terms.tokens
        assert len(one.terms.right) == one.terms.tokens and 0 <= one.terms.error <= 1
    # The loss is the trainer's.
    base.model.load_state_dict(trained)
    from whisper_terms.examples import Collator, make_dataset

    rows = make_dataset(windows[:2], base, "ja", True, encodings)
    batch = Collator(base.model.config.pad_token_id)(rows.__getitems__(range(2)))
    with torch.no_grad():
        loss = float(window_loss(base.model, batch))
    assert points[-1].terms.mean_loss == pytest.approx(loss, rel=1e-4)


class TestScript:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch) -> Path:
        monkeypatch.chdir(tmp_path)
        write_small_model(tmp_path / "base")
        base = small_base(tmp_path / "source", build_tokenizer())
        with torch.no_grad():
            for weight in base.model.model.decoder.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        from whisper_terms.base_model import save_model

        save_model(tmp_path / "trained", base.model, base)
        windows = sounding_windows(tmp_path, 1) + sounding_windows(tmp_path, 1, kind="replay")
        dev = [replace(window, split="dev") for window in windows]
        write_table(tmp_path / "windows.tsv", WINDOW_COLUMNS, window_rows(dev))
        return tmp_path

    def run(self, monkeypatch, recipe: str) -> list[dict[str, str]]:
        arguments = (
            "interpolate_weights --base base --trained trained --windows windows.tsv --output out"
            " --table points.tsv --plot points.svg --device cpu --threads 1 --recipe"
        )
        monkeypatch.setattr(sys, "argv", [*arguments.split(), recipe])
        script.main()
        return list(csv.DictReader(Path("points.tsv").open(), delimiter="\t"))

    def test_one_point_is_the_trained_model(self, folder, monkeypatch):
        rows = self.run(monkeypatch, '{"interpolation":[1.0]}')
        assert [row["alpha"] for row in rows] == ["0", "1"]
        out, trained = (load_file(f"{name}/model.safetensors") for name in ("out", "trained"))
        assert all(torch.equal(out[name], trained[name]) for name in trained)

    def test_the_chosen_point_is_written(self, folder, monkeypatch):
        # Random changes lose; nothing is allowed, so the point that forgets least is taken.
        rows = self.run(monkeypatch, '{"interpolation":[0.25,1.0]}')
        (chosen,) = [float(row["alpha"]) for row in rows if row["chosen"]]
        names = ("base", "trained", "out")
        base, trained, out = (load_file(f"{name}/model.safetensors") for name in names)
        assert ">taken<" in Path("points.svg").read_text(encoding="utf-8")
        for name, weight in between(base, trained, chosen).items():
            torch.testing.assert_close(out[name], weight)
