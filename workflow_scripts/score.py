"""Score transcripts against their references, for the terms of a dictionary.

References and hypotheses are tables (tab-separated, with the columns audio and text, matched by
audio; the references may also have test_set), or plain text with an utterance a line, matched by
line. With several hypotheses the first is the base that the others are compared with.
"""

import argparse
from pathlib import Path

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import Fault, UserError, reading, run_script
from whisper_terms.recordings import ALL_SETS, DEFAULT_TEST_SET
from whisper_terms.report_text import before_after_table, comparison_lines, measures_table
from whisper_terms.scoring.bootstrap import RESAMPLES, SEED
from whisper_terms.scoring.lexicon import lexicon_of
from whisper_terms.scoring.summary import count_systems, eval_rows
from whisper_terms.scoring.tokens import ginza_tokens
from whisper_terms.scoring.utterance import ScoredUtterance
from whisper_terms.tables import read_numbered

Texts = dict[str, dict[str, str]]
_COLUMNS = {"audio", "text"}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--reference", required=True, type=Path, help="what was said")
    add("--hypothesis", required=True, type=Path, nargs="+", help="what was heard, a file a system")
    add("--dictionary", required=True, type=Path, nargs="+", help="dictionaries of terms")
    add("--bootstrap", type=int, default=RESAMPLES, help="resamples (default %(default)s)")
    add("--seed", type=int, default=SEED, help="of the resamples (default %(default)s)")
    return parser.parse_args()


def read_texts(path: Path) -> Texts:
    """The rows of a table by audio, or the lines of a plain text by line number.

    Raises:
        UserError: the file can't be read, is not UTF-8, lists an audio twice or has a test set
            called all, or it seems to be a table but lacks a column.
    """
    with reading(path), path.open(encoding="utf-8-sig") as file:
        lines = [line.rstrip("\n") for line in file]
    if lines and set(lines[0].split(",")) >= _COLUMNS:
        problem, cure = "is separated by commas", "separate its columns by tabs"
        raise UserError(Fault(problem, cure, path, 1, lines[0]))
    if not lines or "\t" not in lines[0]:
        return {str(number): {"text": line} for number, line in enumerate(lines, start=1)}
    if not set(lines[0].split("\t")) >= _COLUMNS:
        cure = "name its columns audio and text; a plain text has no tabs, and one text a line"
        raise UserError(Fault("is no table of texts", cure, path, 1, lines[0]))
    texts: Texts = {}
    faults = []
    for number, row in read_numbered(path):
        if row["audio"] in texts:
            faults.append(Fault("listed twice", "remove a row", path, number, row["audio"]))
        if row.get("test_set") == ALL_SETS:
            problem, cure = "this name means all test sets together", "rename the test set"
            faults.append(Fault(problem, cure, path, number, ALL_SETS))
        texts[row["audio"]] = row
    if faults:
        raise UserError(faults)
    return texts


def match(reference: Texts, hypothesis: Texts, file: Path) -> list[ScoredUtterance]:
    """Pair each reference with its hypothesis; raises UserError for those without a partner."""
    faults = [
        Fault("has a text without a reference", "remove it or add its reference", file, value=audio)
        for audio in hypothesis.keys() - reference.keys()
    ] + [
        Fault(
            "lacks a text", "add a row, with an empty text if nothing was heard", file, value=audio
        )
        for audio in reference.keys() - hypothesis.keys()
    ]
    if faults:
        raise UserError(sorted(faults, key=str))
    return [
        ScoredUtterance(
            audio=audio,
            test_set=row.get("test_set") or DEFAULT_TEST_SET,
            seconds=None,
            reference=row["text"],
            hypothesis=hypothesis[audio]["text"],
        )
        for audio, row in reference.items()
    ]


def _check(arguments: argparse.Namespace) -> None:
    """Raise UserError for all that the parser lets pass."""
    given = arguments.hypothesis
    faults = [
        Fault("is given twice", "name each hypothesis once", path)
        for path in dict.fromkeys(path for path in given if given.count(path) > 1)
    ]
    if arguments.bootstrap < 1:
        cure = "give --bootstrap a number of 1 or more"
        faults.append(Fault("an interval needs resamples", cure, value=str(arguments.bootstrap)))
    if faults:
        raise UserError(faults)


def main() -> None:
    arguments = parse_arguments()
    _check(arguments)
    reference = read_texts(arguments.reference)
    systems = {str(path): match(reference, read_texts(path), path) for path in arguments.hypothesis}
    lexicon = lexicon_of(read_dictionaries(arguments.dictionary))
    counts = count_systems(systems, lexicon, ginza_tokens)
    measures = eval_rows("", counts, arguments.bootstrap, arguments.seed)
    print(before_after_table(measures), measures_table(measures), sep="\n\n")
    for line in comparison_lines(counts, arguments.bootstrap, arguments.seed):
        print(line)


if __name__ == "__main__":
    run_script(main)
