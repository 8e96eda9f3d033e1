"""Rows of the tables that a report is made from."""

from whisper_terms.scoring.columns import EVAL, TERMS_EVAL


def measured(system, test_set, recall="", u_cer=0.04, model="nano", **more):
    row = dict.fromkeys(EVAL, "") | {"model": model, "system": system, "test_set": test_set}
    row |= {"utterances": 60, "seconds": 180, "u_cer": u_cer, "cer": u_cer}
    row |= {"term_occurrences": 0 if recall == "" else 62, "term_recall": recall}
    row |= {"right_to_wrong": 0, "wrong_to_right": 0}
    return row | more


def heard(system, after, mishearings="", term_id="t1", said=2):
    return dict(
        zip(
            TERMS_EVAL,
            [system, term_id, "肺炎", "ハイエン", str(said), "1", str(after), mishearings],
            strict=True,
        )
    )
