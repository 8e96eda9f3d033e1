"""The columns of the tables that scoring writes (a contract with the report), and their values."""

from collections import Counter

from whisper_terms.tables import LIST_SEPARATOR

EVAL = [
    "model",
    "system",
    "test_set",
    "utterances",
    "seconds",
    "cer",
    "cer_low",
    "cer_high",
    "wer",
    "u_cer",
    "u_cer_low",
    "u_cer_high",
    "b_cer",
    "term_occurrences",
    "term_recall",
    "term_recall_low",
    "term_recall_high",
    "term_precision",
    "term_f1",
    "false_accepts_per_hour",
    "right_to_wrong",
    "wrong_to_right",
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
