"""The first sentences of the report, in the figures of eval.tsv.

They say "rose" and "fewer" where that is what was measured. Values are compared as they are shown,
so that 4.04 % and 4.03 % are no difference; nor do error rates rise or fall whose change, on the
same recordings, may be none (its 95 % interval holds 0).
"""

from typing import NamedTuple

from whisper_terms.report_measures import Evaluation, count_text, interval_text, percent, points

# Pieces of a sentence; those with True are what a hurried reader should see.
Sentence = list[tuple[str, bool]]


class Change(NamedTuple):
    """An error rate before and after, and the 95 % interval of the change; None if unknown."""

    before: float | None
    after: float | None
    low: float | None
    high: float | None


def headline(evaluation: Evaluation) -> Sentence:
    """What is now heard, and what it cost, in one sentence of the measured figures."""
    base, system = evaluation.base, evaluation.chosen
    recall_before = evaluation.value(base, evaluation.main_set, "term_recall")
    if system is None:
        return [
            (base, True),
            (f" hears {_sign(recall_before)} of the terms; no other system was measured", False),
        ]
    recall = evaluation.value(system, evaluation.main_set, "term_recall")
    sentence = _terms_clause(base, system, recall_before, recall)
    change = _change(evaluation, system, evaluation.main_set, "u_cer")
    return sentence + _errors_clause("errors outside the terms", change)


def summary_sentences(evaluation: Evaluation) -> list[str]:
    """What a reader needs to weigh the headline: intervals, everyday speech, sentences."""
    base, system, main_set = evaluation.base, evaluation.chosen, evaluation.main_set
    sentences = []
    for name, label in (("term_recall", "Terms heard"), ("u_cer", "Errors outside the terms")):
        bounds = [
            f"{one} {shown} %"
            for one in (base, system)
            if one and (shown := interval_text(evaluation, one, main_set, name))
        ]
        if bounds:
            sentences.append(f"{label}, 95 % intervals: {', '.join(bounds)}.")
    if system:
        for test_set in evaluation.free_sets:
            change = _change(evaluation, system, test_set, "cer")
            clause = "".join(text for text, _ in _errors_clause("errors", change)[1:])
            if clause:
                sentences.append(f"In the set “{test_set}”, which holds no terms, {clause}.")
        right, wrong = (
            count_text(evaluation.value(system, main_set, name))
            for name in ("wrong_to_right", "right_to_wrong")
        )
        sentences.append(f"Sentence by sentence, {right} became right and {wrong} became wrong.")
    return sentences


def _terms_clause(base: str, system: str, before: float | None, after: float | None) -> Sentence:
    if before is None or after is None:
        return [
            (system, True),
            (" can't be judged on the terms, for the test recordings hold none of them", False),
        ]
    name = (system, True)
    if percent(before) == percent(after):
        return [name, (f" hears as many of the terms as {base}: ", False), (_sign(after), True)]
    if after < before:
        verb: Sentence = [(" hears fewer of the terms: ", False), (_sign(after), True)]
        return [name, *verb, (f" ({base}: {_sign(before)})", False)]
    return [
        name,
        (" hears ", False),
        (_sign(after), True),
        (f" of the terms ({base}: {_sign(before)})", False),
    ]


def _change(evaluation: Evaluation, system: str, test_set: str, name: str) -> Change:
    values = (evaluation.value(one, test_set, name) for one in (evaluation.base, system))
    ends = (evaluation.value(system, test_set, f"{name}_change{end}") for end in ("_low", "_high"))
    return Change(*values, *ends)


def _errors_clause(label: str, change: Change) -> Sentence:
    """A clause that starts with a semicolon, which the caller may drop; empty without values."""
    before, after, low, high = change
    if before is None or after is None:
        return []
    if percent(before) == percent(after):
        return [("; ", False), (f"{label} stayed at ", False), (_sign(after), True)]
    is_known = low is not None and high is not None
    if is_known and low <= 0 <= high:
        values = [(f"{_sign(before)} → ", False), (_sign(after), True)]
        return [("; ", False), (f"{label} are not shown to change: ", False), *values]
    verb = "fell" if after < before else "rose"
    clause = [("; ", False), (f"{label} {verb}: {_sign(before)} → ", False), (_sign(after), True)]
    if is_known:
        clause.append((f" (a change of {points(low)} to {points(high)} points)", False))
    return clause


def _sign(value: float | None) -> str:
    # A no-break space, lest the sign stand alone on the next line.
    return "an unknown share" if value is None else f"{percent(value)}\u00a0%"
