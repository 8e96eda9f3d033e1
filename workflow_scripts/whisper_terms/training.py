"""Fine-tuning: a recipe, run by the Hugging Face trainer, that survives being killed."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel
from datasets import Dataset
from torch import Tensor
from transformers import (
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    WhisperForConditionalGeneration,
)
from transformers.modeling_outputs import BaseModelOutput

from whisper_terms.base_model import Base
from whisper_terms.checkpoints import last_checkpoint
from whisper_terms.config import Recipe
from whisper_terms.devices import has_bfloat16, repeat_exactly
from whisper_terms.early_stopping import Patience, epochs_when_over
from whisper_terms.examples import IGNORED, Collator, make_dataset, select_windows
from whisper_terms.processes import (
    leave_out,
    mean_over_processes,
    own_device,
    process_count,
    repeated_rows,
)
from whisper_terms.sharding import digest
from whisper_terms.spec_augment import mask_spectrograms
from whisper_terms.timed_saving import TimedSaving
from whisper_terms.token_loss import Wanted, hidden_states, token_loss
from whisper_terms.trainable import choose_weights, merge, trains_encoder
from whisper_terms.windows import Window

# Raised when the same data and recipe train other weights than before.
_METHOD = 6
# By the trainer's names, where they are not ours; its `constant` has no warm-up.
_SCHEDULES = {"constant": "constant_with_warmup"}


class WindowTrainer(Seq2SeqTrainer):
    """The trainer, with the loss of `window_loss`."""

    def __init__(
        self,
        *arguments,
        reference=None,
        kl: float = 0.0,
        noise: float = 0.0,
        spec_augment: bool = False,
        **others,
    ):
        """As Seq2SeqTrainer.

        Args:
            arguments, others: those of Seq2SeqTrainer.
            reference, kl, noise: see `window_loss`.
            spec_augment: whether it hears the training set through `mask_spectrograms`.
        """
        super().__init__(*arguments, **others)
        self._loss = {"reference": reference, "kl": kl, "noise": noise}
        self._spec_augment = spec_augment

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The loss of a batch, with no outputs beside: nothing asks for them."""
        examples = len(self.train_dataset if model.training else self.eval_dataset)
        repeated = repeated_rows(len(inputs["labels"]), examples, self.accelerator)
        inputs = leave_out(inputs, repeated, IGNORED)
        if self._spec_augment and model.training:
            inputs["input_features"] = mask_spectrograms(inputs["input_features"])
        # The trainer opens it around the forward pass of what is trained alone: the scores of the
        # tokens and the reference's answers would be multiplied in float32.
        with self.accelerator.autocast():
            loss = window_loss(model, inputs, **self._loss)
        if not model.training:
            # The trainer averages over examples, and leaves out those that come again.
            (loss,) = mean_over_processes(loss)
        return (loss, {}) if return_outputs else loss


def window_loss(
    model: WhisperForConditionalGeneration,
    inputs: dict[str, Any],
    reference: WhisperForConditionalGeneration | None = None,
    kl: float = 0.0,
    noise: float = 0.0,
) -> Tensor:
    """Weighted cross-entropy over the labels, and on replay the divergence from the base model.

    A frozen encoder stays in evaluation mode and runs once, without a graph. Of several processes
    each gives the loss of its share, so that their mean is the loss of the whole batch.

    Args:
        model: what is trained.
        inputs: a batch of `Collator`.
        reference: the base model; it is not changed.
        kl: weight of the Kullback-Leibler divergence of the model's answers from the reference's,
            summed over the tokens of replay and divided by the number of all tokens.
        noise: deviation of the noise in the output of a frozen encoder, as a factor of its own,
            while training.
    """
    inputs, whole = dict(inputs), extract_model_from_parallel(model)
    replay, labels, weights = (inputs.pop(name) for name in ("replay", "labels", "weights"))
    features = inputs.get("input_features")
    if features is not None and not trains_encoder(whole):
        encoder = whole.get_encoder().eval()
        with torch.no_grad():
            inputs["encoder_outputs"] = encoder(inputs.pop("input_features"))
    if noise and model.training and "encoder_outputs" in inputs:
        hidden = inputs["encoder_outputs"].last_hidden_state
        noisy = hidden + noise * hidden.std() * torch.randn_like(hidden)
        inputs["encoder_outputs"] = BaseModelOutput(last_hidden_state=noisy)
    with hidden_states(whole) as head:
        hidden = model(**inputs, use_cache=False).logits
    asked = labels != IGNORED
    weight, count = mean_over_processes(weights[asked].sum(), asked.sum())
    compared = replay[:, None] & asked if kl else torch.zeros_like(asked)
    plain = asked & ~compared
    loss = token_loss(hidden[plain], head, labels[plain], weights[plain])
    if compared.any():
        with torch.no_grad():
            answers = reference.model(**_rows(inputs, replay), use_cache=False).last_hidden_state
        wanted = Wanted(
            answers[asked[replay]], reference.proj_out.weight, float(kl * weight / count)
        )
        loss += token_loss(hidden[compared], head, labels[compared], weights[compared], wanted)
    return loss / weight


def fine_tune(
    base: Base,
    windows: Sequence[Window],
    recipe: Recipe,
    state: Path,
    *,
    first_voice: str,
    language: str,
    device: str,
    encodings: Mapping[str, Path],
    weighed: Mapping[str, Sequence[str]] = MappingProxyType({}),
    callbacks: Sequence[TrainerCallback] = (),
) -> WhisperForConditionalGeneration:
    """Train the base model's weights by a recipe.

    Args:
        base: what to start from; its model is changed.
        windows: all windows of the recipe's layout.
        recipe: what is trained, on what, and how long.
        state: folder of the trainer's checkpoints, used by this training alone. A run that finds
            a whole checkpoint there goes on from it, and ends with the weights of an unbroken run
            (on a GPU but for rounding).
        first_voice: see `select_windows`.
        language: Whisper's code of a language.
        device: auto, cpu or cuda; of several processes each takes a GPU of its own.
        encodings, weighed: see `make_dataset`.
        callbacks: who else is told how the training goes, as transformers calls them.

    Returns:
        The model, on the CPU, in float32.

    Raises:
        UserError: nothing to train on; no such device.
    """
    model, place = base.model, own_device(device)
    repeat_exactly(place)
    arguments = _arguments(recipe, state, place)
    compares = recipe.kl and recipe.replay
    reference = _frozen_copy(model, recipe).to(arguments.device) if compares else None
    trained = choose_weights(model, recipe)

    def examples(split: str) -> Dataset:
        chosen = select_windows(windows, split, recipe, first_voice)
        return make_dataset(
            chosen, base, language, recipe.timestamps, encodings, recipe.term_weight, weighed
        )

    trainer = WindowTrainer(
        model=trained,
        args=arguments,
        train_dataset=examples("train"),
        eval_dataset=examples("dev") if "dev" in _splits(recipe) else None,
        data_collator=Collator(model.config.pad_token_id),
        callbacks=[
            *callbacks,
            TimedSaving(),
            *([Patience(recipe.patience)] if recipe.patience else []),
        ],
        reference=reference,
        kl=recipe.kl,
        noise=recipe.encoding_noise,
        spec_augment=recipe.spec_augment,
    )
    with arguments.main_process_first():
        checkpoint = last_checkpoint(state)
    # If it had stopped before it was killed, nothing but the best weights is wanted of the trainer.
    arguments.num_train_epochs = epochs_when_over(checkpoint, recipe.patience) or recipe.epochs
    trainer.train(resume_from_checkpoint=checkpoint)
    return merge(trained).to("cpu", torch.float32).eval()


def training_digest(
    base: str,
    windows: Sequence[Window],
    recipe: Recipe,
    *,
    first_voice: str,
    language: str,
    weighed: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """A digest of all that the trained weights follow from: no other training may resume here.

    Windows that the recipe doesn't read are no part of it, nor are words that it doesn't weigh.

    Args:
        base: digest of the base model's weights.
        windows: all windows of the recipe's layout.
        recipe: the recipe.
        first_voice: see `select_windows`.
        language: Whisper's code of a language.
        weighed: see `make_dataset`.

    Raises:
        UserError: nothing to train on.
    """
    rows = [
        [
            window.id,
            window.split,
            *(
                # A text in whose place an answer stands is not read.
                ["" if window.answer else one.text, one.end, one.kind, one.voice, one.term_id]
                for one in window.utterances
            ),
            *([list(window.answer)] if window.answer else ()),
        ]
        for split in _splits(recipe)
        for window in select_windows(windows, split, recipe, first_voice)
    ]
    what = [_METHOD, base, rows, recipe.training_json(), first_voice, language]
    if recipe.term_weight != 1:
        what.append({term: list(words) for term, words in weighed.items()})
    return digest(what)


def _splits(recipe: Recipe) -> tuple[str, ...]:
    """The sets that a recipe reads: the development set tells only when to stop."""
    return ("train", "dev") if recipe.patience else ("train",)


def _arguments(recipe: Recipe, state: Path, device: torch.device) -> Seq2SeqTrainingArguments:
    cuda, bf16, processes = device.type == "cuda", has_bfloat16(device), process_count()
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(state),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size // processes,
        per_device_eval_batch_size=recipe.batch_size // processes,
        prediction_loss_only=True,
        eval_strategy="epoch" if recipe.patience else "no",
        load_best_model_at_end=bool(recipe.patience),
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        lr_scheduler_type=_SCHEDULES.get(recipe.schedule, recipe.schedule),
        weight_decay=recipe.weight_decay,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=bf16,
        fp16=cuda and not bf16,
        use_cpu=not cuda,
        ddp_backend="gloo" if processes > 1 and not cuda else None,
        # Every weight that is trained takes part in every step.
        ddp_find_unused_parameters=False if processes > 1 else None,
        # Written into the model's config, where it slows down generation for good.
        use_cache=True,
        # For a GPU torch would copy the batch by `update`, which the encoder's output refuses.
        dataloader_pin_memory=False,
        # Rows are read by `with_transform`, which needs every column.
        remove_unused_columns=False,
        save_strategy="epoch",
        save_total_limit=2,
        logging_strategy="epoch",
        report_to="none",
    )
    # On several GPUs the trainer would split batches that are small, and wrap the model.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _frozen_copy(
    model: WhisperForConditionalGeneration, recipe: Recipe
) -> WhisperForConditionalGeneration:
    """The model as it is now, for answers to compare with; an encoder that stays is shared."""
    encoder = model.get_encoder()
    shared = {} if recipe.train == "all" else {id(encoder): encoder}
    return copy.deepcopy(model, shared).eval().requires_grad_(False)


def _rows(inputs: Mapping[str, Any], chosen: Tensor) -> dict[str, Any]:
    """Some rows of a batch; `chosen` is bool, shape (batch,)."""
    return {
        name: BaseModelOutput(last_hidden_state=value.last_hidden_state[chosen])
        if isinstance(value, BaseModelOutput)
        else value[chosen]
        for name, value in inputs.items()
    }
