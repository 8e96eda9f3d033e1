"""The character error rate as an `evaluate.Metric` that needs no network."""

import datasets
import evaluate

from whisper_terms.scoring.alignment import edit_distance
from whisper_terms.scoring.normalise import normalise


class CharacterErrorRate(evaluate.Metric):
    """The scorer's micro-averaged character error rate, for a Trainer's compute_metrics.

    `evaluate.load("cer")` fetches its code from the hub when it is called; this is local, and
    normalises as the scorer does. `compute(predictions=…, references=…)` gives {"cer": fraction},
    which is nan where all the references are empty.
    """

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Character errors per reference character, after normalisation.",
            citation="",
            inputs_description="predictions and references: one text each an utterance",
            features=datasets.Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        pairs = [
            (normalise(reference).characters, normalise(prediction).characters)
            for reference, prediction in zip(references, predictions, strict=True)
        ]
        characters = sum(len(reference) for reference, _ in pairs)
        errors = sum(edit_distance(reference, prediction) for reference, prediction in pairs)
        return {"cer": errors / characters if characters else float("nan")}
