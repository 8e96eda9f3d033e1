"""Which of a model's weights a recipe trains."""

import re
from collections.abc import Iterable

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import WhisperForConditionalGeneration

from whisper_terms.config import Recipe

# In the names of the decoder's weights that look at the sound, its layer norm included.
_CROSS_ATTENTION = ".encoder_attn"
# Scale of what a low-rank pair adds, over its rank: the usual choice.
_LORA_SCALE = 2


def choose_weights(
    model: WhisperForConditionalGeneration, recipe: Recipe
) -> WhisperForConditionalGeneration | PeftModel:
    """Freeze what the recipe does not train, or put pairs of small matrices beside it.

    Low-rank adaptation: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021,
    arXiv:2106.09685). Here it is the decoder's matrices that get such pairs: the encoder stays
    frozen, so that its output can be kept.

    Returns:
        What is to be trained; see `merge`.
    """
    if recipe.train == "lora":
        targets = "|".join(map(re.escape, recipe.lora_targets))
        config = LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=_LORA_SCALE * recipe.lora_rank,
            target_modules=rf".*decoder\.layers\..*\.({targets})",
        )
        torch.manual_seed(recipe.seed)  # The trainer's seed would come too late for the pairs.
        return get_peft_model(model, config)
    if recipe.train == "cross_attention":
        for name, weight in model.named_parameters():
            weight.requires_grad_(_CROSS_ATTENTION in name)
    elif recipe.train == "decoder":
        model.get_encoder().requires_grad_(False)
    return model


def merge(model: WhisperForConditionalGeneration | PeftModel) -> WhisperForConditionalGeneration:
    """The model itself; what was trained beside its matrices is added to them."""
    return model.merge_and_unload() if isinstance(model, PeftModel) else model


def trains_encoder(model: WhisperForConditionalGeneration | PeftModel) -> bool:
    """Whether a weight of the encoder's layers is trained."""
    return _any_trained(model.get_encoder().layers.parameters())


def _any_trained(weights: Iterable) -> bool:
    return any(weight.requires_grad for weight in weights)
