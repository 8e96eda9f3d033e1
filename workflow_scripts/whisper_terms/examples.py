"""Training examples: windows with their labels, and what the decoder attends to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import WhisperFeatureExtractor
from transformers.modeling_outputs import BaseModelOutput

from whisper_terms.base_model import Base, special_ids
from whisper_terms.config import Recipe
from whisper_terms.drawing import drawn
from whisper_terms.encodings import window_features
from whisper_terms.errors import Fault, UserError
from whisper_terms.labels import window_label
from whisper_terms.term_tokens import TermMarker
from whisper_terms.windows import Placed, Window

IGNORED = -100


def select_windows(
    windows: Sequence[Window], split: str, recipe: Recipe, first_voice: str
) -> list[Window]:
    """The windows of a recipe, replay included; those without a label serve none.

    Replay windows are drawn, in an order given by a hash, until they make up the recipe's share;
    where there are too few, they come again.

    Args:
        windows: all windows of the recipe's layout.
        split: train or dev.
        recipe: which utterances and voices it takes, and its share of replay.
        first_voice: the voice of a recipe that takes one.

    Raises:
        UserError: nothing is left.
    """
    here = [window for window in windows if window.split == split and window.is_labelled]
    terms = [window for window in here if not window.is_replay]
    if split == "train" and recipe.utterances == "isolated":
        terms = [w for w in terms if all(one.kind == "term" for one in w.utterances)]
    if split == "train" and recipe.voices == "first":
        terms = [w for w in terms if all(one.voice == first_voice for one in w.utterances)]
    if not terms:
        cure = "raise speech.isolated_per_term or carriers_per_term, or change the recipe"
        if split == "dev":
            cure = "hold out a voice (development.voices), or raise speech.carriers_per_term"
        raise UserError(Fault(f"the recipe has no window in the {split} set", cure))
    replay = drawn(window for window in here if window.is_replay)
    if split == "train" and recipe.replay and not replay:
        problem = f"the recipe's replay is {recipe.replay:g}, but no replay has a label"
        cure = "write replay: 0, or give sentences (replay) or recordings (replay_recordings)"
        raise UserError(Fault(problem, cure))
    wanted = round(len(terms) * recipe.replay / (1 - recipe.replay)) if replay else 0
    return terms + [replay[index % len(replay)] for index in range(wanted)]


def make_dataset(
    windows: Sequence[Window],
    base: Base,
    language: str,
    timestamps: bool,
    encodings: Mapping[str, Path],
    term_weight: float = 1.0,
    weighed: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Dataset:
    """Windows as rows that are tokenised once and whose sound is read when a row is asked for.

    Args:
        windows: what to train on, in any order.
        base: tokenizer and feature extractor.
        language: Whisper's code of a language.
        timestamps: whether labels hold times.
        encodings: the encoder's output by window id; a window without one brings its spectrogram.
        term_weight: of the tokens that spell a weighed word; others have 1.
        weighed: by term id, the words that `term_weight` weighs in the term's utterances.

    Returns:
        Rows with `decoder_input_ids`, `labels` and `weights` (of the labels in the loss; all
        equally long), `replay` (bool), and either
        `encoding`, float16 of shape (1500, width), or `input_features`, float32 of shape
        (Mel bins, 3000).
    """
    special = special_ids(base.tokenizer, language)
    encode, mark = _plain_encoder(base), TermMarker(weighed, base.tokenizer)
    limit = base.model.config.max_target_positions
    rows = []
    for window in windows:
        label = window_label(window, encode, special, timestamps, mark)
        if len(label.inputs) > limit:
            cure = f"lower windows.max_tokens (a label must stay under {limit} tokens)"
            raise UserError(Fault("a window's label is too long", cure, value=window.id))
        rows.append(
            {
                "decoder_input_ids": label.inputs,
                "labels": label.targets,
                "weights": [term_weight if weighs else 1.0 for weighs in label.weighed],
                "replay": window.is_replay,
                "utterances": [asdict(one) for one in window.utterances],
                "room": window.room,
                "file": str(encodings.get(window.id, "")),
            }
        )
    return Dataset.from_list(rows).with_transform(_loader(base.feature_extractor))


class Collator:
    """Joins rows of `make_dataset` into a batch; shorter labels are padded at the end."""

    def __init__(self, pad_id: int):
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Make the arguments of Whisper's forward pass.

        Returns:
            `decoder_input_ids` and `labels`, int64, and `weights`, float32, of shape (batch,
            tokens), somewhat longer than the longest label; `replay`, bool of shape (batch,); and
            `encoder_outputs` or `input_features`. Padding is ignored by the loss, and needs no
            mask: it comes after all that is predicted, and the decoder looks back only.
        """
        batch: dict[str, Any] = {
            "decoder_input_ids": _pad([row["decoder_input_ids"] for row in rows], self.pad_id),
            "labels": _pad([row["labels"] for row in rows], IGNORED),
            "weights": _pad([row["weights"] for row in rows], 0.0),
            "replay": torch.tensor([row["replay"] for row in rows]),
        }
        if "encoding" in rows[0]:
            # (batch, 1500, width)
            hidden = torch.from_numpy(np.stack([row["encoding"] for row in rows]).astype("float32"))
            batch["encoder_outputs"] = BaseModelOutput(last_hidden_state=hidden)
        else:
            features = np.stack([np.asarray(row["input_features"]) for row in rows])
            batch["input_features"] = torch.from_numpy(features)
        return batch


def _loader(extractor: WhisperFeatureExtractor) -> Callable[[dict[str, list]], dict[str, list]]:
    """What adds the sound to rows; it holds little, since the library takes a digest of it."""

    def load(rows: dict[str, list]) -> dict[str, list]:
        labels = {key: rows[key] for key in ("decoder_input_ids", "labels", "weights", "replay")}
        if all(rows["file"]):
            return labels | {"encoding": [np.load(file, mmap_mode="r") for file in rows["file"]]}
        windows = [
            Window("", "", tuple(Placed(**one) for one in utterances), room)
            for utterances, room in zip(rows["utterances"], rows["room"], strict=True)
        ]
        return labels | {"input_features": [window_features(one, extractor) for one in windows]}

    return load


def _plain_encoder(base: Base) -> Callable[[str], list[int]]:
    def encode(text: str) -> list[int]:
        return base.tokenizer(text, add_special_tokens=False).input_ids

    return encode


def _pad(rows: Sequence[Sequence[float]], value: float) -> torch.Tensor:
    """To one of four lengths an octave, 5, 6, 7, 8, 10, 12, ... 384, 448 (Whisper's longest).

    Tensors of a few sizes fit where others were before; those of any size leave holes: measured on
    full windows, a training held twice the memory, and more with every step.
    """
    longest = max(map(len, rows))
    step = 1 << max(0, longest.bit_length() - 3)
    longest = -(-longest // step) * step
    return torch.tensor([list(row) + [value] * (longest - len(row)) for row in rows])
