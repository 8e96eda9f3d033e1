"""The columns of the tables that scoring writes (a contract with the report), and their values."""

from collections import Counter

from whisper_terms.tables import LIST_SEPARATOR


def with_interval(name: str) -> tuple[str, str, str]:
    """The columns of a measure: its value, and the ends of its 95 % interval."""
    return name, f"{name}_low", f"{name}_high"


EVAL = [
    "model",
    "system",
    "test_set",
    "utterances",
    "seconds",
    *with_interval("cer"),
    *with_interval("wer"),
    *with_interval("u_cer"),
    *with_interval("b_cer"),
    "term_occurrences",
    *with_interval("term_recall"),
    *with_interval("term_precision"),
    *with_interval("term_f1"),
    *with_interval("false_accepts_per_hour"),
    *with_interval("right_to_wrong"),
    *with_interval("wrong_to_right"),
    # Against the first system, on the same recordings; empty for that one.
    *with_interval("cer_change"),
    *with_interval("u_cer_change"),
    "rtf",
]
TERMS_EVAL = [
    "system",
    "term_id",
    "surface",
    "reading",
    "occurrences",
    "heard_before",
    "heard_after",
    "mishearings",
]
HOMOPHONES_EVAL = ["system", "reading", "word", "kind", "occurrences", "heard", "heard_as"]
FLIPS = ["system", "test_set", "audio", "reference", "before", "after", "direction"]

# The directions of a flip.
RIGHT_TO_WRONG = "right_to_wrong"
WRONG_TO_RIGHT = "wrong_to_right"
# What a mishearing is called when nothing at all was written in place of the term.
NOTHING = "∅"


def counted(texts: Counter[str]) -> str:
    """Texts and how often each was written, as one cell: 背炎×2|∅×1, the most frequent first."""
    ranked = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
    return LIST_SEPARATOR.join(f"{text}×{count}" for text, count in ranked)
