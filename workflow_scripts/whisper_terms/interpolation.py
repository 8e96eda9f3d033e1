"""Weights between the base model's and the trained ones: what was learned against what was lost.

On the line between the two models what is new grows with the way alpha, and what is forgotten
grows too, but later; a point short of the end often keeps the gain without the loss. Every point
is measured on the development set, without any training.

Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (2022, arXiv:2109.01903).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import WhisperForConditionalGeneration

from whisper_terms.base_model import Base
from whisper_terms.drawing import HELD_OUT, drawn
from whisper_terms.examples import IGNORED, Collator, make_dataset
from whisper_terms.progress import progress
from whisper_terms.windows import Window

COLUMNS = (
    "alpha terms_tokens terms_error terms_loss replay_tokens replay_error replay_loss chosen"
).split()
# How far a difference must exceed what chance makes of it, in standard errors. Forgetting: the
# development set is small, and a stricter test would let it see none at all. Terms: the best of
# several points is partly so by luck, and a way that stops short costs more than one that goes too
# far. (The bundled model, trained twice, had 6 and 0 of 936 tokens between 0.8 and 1; by an unheard
# voice, 0.8 heard a fifth of the terms less and everyday speech no better.)
_FORGETS, _KNOWS_LESS = 1.0, 2.0
_BATCH = 4


@dataclass(frozen=True)
class Answers:
    """How the tokens of some windows are predicted, each from the right ones before it.

    Attributes:
        right: whether each is the most likely answer.
        loss: the sum of their cross-entropies.
    """

    right: tuple[bool, ...] = ()
    loss: float = 0.0

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(self.right + other.right, self.loss + other.loss)

    @property
    def tokens(self) -> int:
        """How many."""
        return len(self.right)

    @property
    def error(self) -> float:
        """Share of wrong tokens; 0 where there are none at all."""
        return self.right.count(False) / self.tokens if self.tokens else 0.0

    def is_worse(self, other: "Answers", errors: float, budget: float = 0.0) -> bool:
        """Whether more of the same tokens are wrong than in `other`, by more than chance.

        Only tokens that changed tell: as many would be lost as found if nothing but chance changed
        them (McNemar 1947, Psychometrika 12:153). Tokens of a window depend on each other, which
        this leaves out of account.

        Args:
            other: answers to the same tokens.
            errors: standard errors that the difference must exceed.
            budget: how much the share of wrong tokens may rise besides.
        """
        changed = [
            now for now, before in zip(self.right, other.right, strict=True) if now != before
        ]
        rise = changed.count(False) - changed.count(True)
        return rise - errors * math.sqrt(len(changed)) > budget * self.tokens

    @property
    def mean_loss(self) -> float:
        """Mean cross-entropy of a token; 0 where there are none at all."""
        return self.loss / self.tokens if self.tokens else 0.0


@dataclass(frozen=True)
class Point:
    """What a model on the line answers: to windows with terms, and to term-free speech."""

    alpha: float
    terms: Answers
    replay: Answers


def development_windows(windows: Iterable[Window]) -> list[Window]:
    """The development set, or as much of it as tells points apart: drawn by a hash.

    Windows without a label are left out.
    """
    held_out = drawn(window for window in windows if window.split == "dev" and window.is_labelled)
    terms = [window for window in held_out if not window.is_replay]
    replay = [window for window in held_out if window.is_replay]
    return terms[:HELD_OUT] + replay[:HELD_OUT]


@torch.no_grad()
def interpolate(
    base: Mapping[str, Tensor],
    trained: Mapping[str, Tensor],
    alpha: float,
    result: Mapping[str, Tensor],
) -> None:
    """Weights on the line: `(1 - alpha) * base + alpha * trained`; 1 gives `trained` bit for bit.

    Args:
        base, trained: weights by name, of equal shapes, in float32, on any device.
        alpha: the way from base to trained.
        result: written to, one tensor after another. It may be `base`, if no tensor has two names.
    """
    for name, weight in result.items():
        if alpha == 1:
            weight.copy_(trained[name])
        else:
            ends = (end[name].to(weight.device) for end in (base, trained))
            torch.lerp(*ends, alpha, out=weight)


def measure_points(
    base: Base,
    ends: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    alphas: Sequence[float],
    windows: Sequence[Window],
    *,
    language: str,
    timestamps: bool,
    encodings: Mapping[str, Path],
    device: torch.device,
) -> list[Point]:
    """Measure the base model (alpha 0) and points on the line.

    Args:
        base: the base model; its weights change.
        ends: the weights that it has, and the trained ones. With `StoredWeights` there is one model
            in memory.
        alphas: ways to measure.
        windows: the development set.
        language, timestamps, encodings: see `make_dataset`.
        device: where to compute.
    """
    model = base.model.to(device)
    # Unlike the state, without the second name of weights that have two.
    weights = dict(model.named_parameters())
    rows = make_dataset(windows, base, language, timestamps, encodings)
    collate = Collator(model.config.pad_token_id)
    points = []
    for alpha in progress([0.0, *alphas], "interpolation"):
        interpolate(*ends, alpha, weights)
        found = {True: Answers(), False: Answers()}
        for first in range(0, len(windows), _BATCH):
            batch = rows.__getitems__(range(first, min(first + _BATCH, len(windows))))
            for replay, answers in _answers(model, collate(batch), device):
                found[replay] += answers
        points.append(Point(alpha, found[False], found[True]))
    return points


def choose_point(points: Sequence[Point], budget: float) -> Point:
    """The point nearest to the trained weights that forgets no more than the budget.

    It must also know the terms as well as the best of those, as far as can be told: a development
    set of a few hundred tokens hardly tells neighbours apart, and a voice unlike those of training
    needs more of what was learned than it shows.

    Args:
        points: the base model first.
        budget: how much the share of wrong tokens on replay may rise.

    Returns:
        Of the points but the base; where all of them forget more, the one that forgets least.
    """
    before, *others = points
    allowed = [one for one in others if not one.replay.is_worse(before.replay, _FORGETS, budget)]
    if not allowed:
        return min(others, key=lambda one: (one.replay.error, one.alpha))
    best = min(allowed, key=lambda one: (one.terms.error, one.terms.loss))
    as_good = [one for one in allowed if not one.terms.is_worse(best.terms, _KNOWS_LESS)]
    return max(as_good, key=lambda one: one.alpha)


def point_rows(points: Sequence[Point], chosen: Point) -> Iterator[dict[str, str]]:
    """Rows of COLUMNS."""
    for point in points:
        yield {
            "alpha": f"{point.alpha:g}",
            "terms_tokens": str(point.terms.tokens),
            "terms_error": f"{point.terms.error:.4f}",
            "terms_loss": f"{point.terms.mean_loss:.4f}",
            "replay_tokens": str(point.replay.tokens),
            "replay_error": f"{point.replay.error:.4f}",
            "replay_loss": f"{point.replay.mean_loss:.4f}",
            "chosen": "yes" if point is chosen else "",
        }


@torch.inference_mode()
def _answers(
    model: WhisperForConditionalGeneration, batch: dict, device: torch.device
) -> Iterator[tuple[bool, Answers]]:
    """For each window of a batch whether it is replay, and its answers."""
    replay, labels = batch.pop("replay").tolist(), batch.pop("labels").to(device)
    batch.pop("weights")
    if "encoder_outputs" in batch:
        outputs = batch["encoder_outputs"]
        outputs.last_hidden_state = outputs.last_hidden_state.to(device)
    else:
        batch["input_features"] = batch["input_features"].to(device)
    batch["decoder_input_ids"] = batch["decoder_input_ids"].to(device)
    logits = model(**batch, use_cache=False).logits.float()
    for row, is_replay in enumerate(replay):
        asked = labels[row] != IGNORED
        scores, wanted = logits[row, asked], labels[row, asked]
        loss = float(torch.nn.functional.cross_entropy(scores, wanted, reduction="sum"))
        yield is_replay, Answers(tuple((scores.argmax(-1) == wanted).tolist()), loss)
