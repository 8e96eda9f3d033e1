"""A recipe's keys: one way to fine-tune."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from whisper_terms.config.base import Settings, invalid


class Recipe(Settings):
    """One way to fine-tune: a row of the results."""

    terms: Literal["all", "misheard"] = Field(
        "all",
        description="Terms to train on: all, or only those that the base model does not write "
        "right every time it listens to them (evaluation.heard_per_term). The development set and "
        "the tests hold all of them.",
    )
    utterances: Literal["all", "isolated"] = Field(
        "all", description="Utterances to train on: all, or only the isolated (lone) terms."
    )
    voices: Literal["all", "first"] = Field(
        "all", description="Voices to train on: all, or only the first that is not held out."
    )
    packed: bool = Field(
        True,
        description="Whether a window holds many utterances (true; of all kinds and voices) or "
        "one (false, which `utterances: isolated` and `voices: first` need).",
    )
    timestamps: bool = Field(True, description="Whether the labels hold timestamp tokens.")
    replay: float = Field(
        0.4,
        ge=0,
        lt=1,
        description="Share of the windows that is replay, term-free speech against forgetting "
        "(a fraction).",
    )
    replay_labels: Literal["text", "base"] = Field(
        "text",
        description="What replay is labelled with: text (what is said in it) or base (what the "
        "base model writes of it, which recordings without a transcript need). Read only with "
        "replay above 0.",
    )
    kl: float = Field(
        0.5,
        ge=0,
        description="Weight of the Kullback-Leibler divergence from the base model on replay: what "
        "it would have answered stays likely. It runs the base model's decoder beside, and with "
        "train: all the whole base model.",
    )
    term_weight: float = Field(
        1.0,
        gt=0,
        description="Weight in the loss of the tokens that spell a term, and of those that spell "
        "a word of the same sound in the sentences spoken beside the term's; all others have 1.",
    )
    train: Literal["decoder", "cross_attention", "lora", "all"] = Field(
        "decoder",
        description="Weights to train: decoder (the encoder stays frozen), cross_attention (of the "
        "decoder only where it looks at the sound), lora (pairs of small matrices beside the "
        "decoder's, added to them in the end) or all.",
    )
    lora_rank: int = Field(
        16, ge=1, description="Width of the pairs of matrices; read only with train: lora."
    )
    lora_targets: tuple[Literal["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"], ...] = (
        Field(
            ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
            min_length=1,
            description="Matrices of each layer, of its attentions and its feed-forward part, that "
            "get such a pair; read only with train: lora.",
        )
    )
    cached_encoder: bool = Field(
        True,
        description="Whether the encoder's output is computed once and kept on disk; "
        "not with train: all.",
    )
    spec_augment: bool = Field(
        False,
        description="Whether bands and moments of the spectrograms are hidden in training, others "
        "in every step (SpecAugment); only with cached_encoder: false.",
    )
    encoding_noise: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Noise in the output of a frozen encoder, new in every step, as a factor of "
        "its standard deviation: a cached encoding is else the same in every epoch. Not with "
        "train: all.",
    )
    epochs: int = Field(4, ge=1, description="Passes over all windows.")
    patience: int | None = Field(
        None,
        ge=1,
        description="Epochs without a lower loss on the development set after which training ends; "
        "the epoch with the lowest is taken. With null all epochs are trained, the last is taken.",
    )
    batch_size: int = Field(
        4, ge=1, description="Windows in a training step; a multiple of `resources.gpu`."
    )
    learning_rate: float = Field(
        1e-4, gt=0, le=1, description="Peak learning rate of AdamW (a factor)."
    )
    warmup_steps: int = Field(
        20, ge=0, description="Steps in which the learning rate rises from zero to its peak."
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Course of the learning rate after that: linear, cosine or constant."
    )
    weight_decay: float = Field(0.0, ge=0, lt=1, description="Weight decay of AdamW (a factor).")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of all that is random in training.")
    interpolation: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.4, 0.6, 0.8, 1.0),
        min_length=1,
        description="Ways between the base model's weights (0) and the trained ones (1). The one "
        "nearest to the trained is taken that forgets nothing on the development set and knows the "
        "terms as well as the best, as far as can be told from chance. [1.0] takes the trained.",
    )
    forgetting_budget: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="How much worse term-free speech of the development set may get by that "
        "choice, beyond chance: a rise of the share of wrong tokens (a fraction). Where every "
        "choice makes it worse than that, the one that does so least is taken.",
    )

    # What is done with the trained weights: a change does not train again.
    AFTER_TRAINING: ClassVar = frozenset({"interpolation", "forgetting_budget"})

    @property
    def asks_base(self) -> bool:
        """Whether replay is labelled by the base model."""
        return self.replay > 0 and self.replay_labels == "base"

    def training_json(self) -> str:
        """What the trained weights follow from, as JSON with sorted keys."""
        # The windows tell which terms they hold; if that is all of them, nothing is trained anew.
        unread = {"terms"}
        if self.train != "lora":
            unread |= {"lora_rank", "lora_targets"}
        if self.patience is None:
            unread.add("patience")
        if not self.spec_augment:
            unread.add("spec_augment")
        if not self.asks_base:
            unread.add("replay_labels")
        return self.to_json(exclude=self.AFTER_TRAINING | unread)

    def interpolation_json(self) -> str:
        """What the choice between trained and base weights follows from, the same way."""
        needed = self.AFTER_TRAINING | {"timestamps"}
        return self.to_json(exclude=type(self).model_fields.keys() - needed)

    @field_validator("packed")
    @classmethod
    def _check_packing(cls, packed: bool, info: ValidationInfo) -> bool:
        chosen = {"utterances": "isolated", "voices": "first"}
        chosen = [f"{key}: {value}" for key, value in chosen.items() if info.data.get(key) == value]
        if packed and chosen:
            raise invalid(
                f"is true, but {' and '.join(chosen)} picks single utterances out of the windows",
                "write packed: false",
            )
        return packed

    @field_validator("cached_encoder")
    @classmethod
    def _check_cache(cls, cached: bool, info: ValidationInfo) -> bool:
        if cached and info.data.get("train") == "all":
            raise invalid(
                "is true, but train: all changes the encoder in every step",
                "write cached_encoder: false, or train: decoder",
            )
        return cached

    @field_validator("spec_augment")
    @classmethod
    def _check_spectrograms(cls, augmented: bool, info: ValidationInfo) -> bool:
        if augmented and info.data.get("cached_encoder"):
            raise invalid(
                "is true, but cached_encoder: true keeps no spectrogram that could be changed",
                "write cached_encoder: false, or spec_augment: false",
            )
        return augmented

    @field_validator("encoding_noise")
    @classmethod
    def _check_noise(cls, noise: float, info: ValidationInfo) -> float:
        if noise and info.data.get("train") == "all":
            raise invalid(
                f"is {noise:g}, but with train: all no encoder is frozen, and no noise added",
                "write encoding_noise: 0, or train: decoder",
            )
        return noise
