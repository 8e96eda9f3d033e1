"""Which sentences the model is trained on, and which it must never see."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from whisper_nano.everyday import everyday_sentences
from whisper_nano.settings import Selection, Source, Without
from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import RECORDINGS, read_table

SENTENCES = "source text split".split()
SPOKEN = ["text"]
TRAIN, HELD_OUT = "train", "held_out"


def select_sentences(selection: Selection) -> list[dict[str, str]]:
    """All sentences that may be used, each once: rows of `source`, `text`, `split`.

    Raises:
        UserError: a file is missing or not of its format, or nothing is left.
    """
    banned = Banned.read(selection.without)
    rows: dict[str, dict[str, str]] = {}
    for source in selection.sources:
        for text in read_source(source):
            if text and text not in rows and not banned.covers(text):
                split = HELD_OUT if is_held_out(text, selection.hold_out) else TRAIN
                rows[text] = {"source": source.file, "text": text, "split": split}
    if not any(row["split"] == TRAIN for row in rows.values()):
        raise UserError(Fault("no sentence is left to train on", "check sentences.sources"))
    return list(rows.values())


def speaking_order(rows: Sequence[dict[str, str]], selection: Selection) -> list[str]:
    """The sentences to speak: every source shuffled, the sources taking turns."""
    rng = np.random.default_rng(selection.seed)
    queues = []
    for source in selection.sources:
        shortest, longest = source.characters
        texts = [
            row["text"]
            for row in rows
            if row["source"] == source.file
            and row["split"] == TRAIN
            and shortest <= len(row["text"]) <= longest
        ]
        queues.append((iter([texts[i] for i in rng.permutation(len(texts))]), source.turn))
    return list(_take_turns(queues))[: selection.spoken]


def held_out_texts(rows: Iterable[dict[str, str]], sources: Sequence[str]) -> list[str]:
    """The held-out sentences of some sources, of all where none is named."""
    return [
        row["text"]
        for row in rows
        if row["split"] == HELD_OUT and (not sources or row["source"] in sources)
    ]


def is_held_out(text: str, one_in: int) -> bool:
    """Whether a sentence is held out: by its SHA-1, so that no list has to be kept."""
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % one_in == 0


def read_source(source: Source) -> list[str]:
    """The sentences of a file, as they are written.

    `rohan` is a line of ROHAN4600, `ID:漢字(かんじ)の文。,カンジノブン。`, without its readings;
    `table` has a column `text`; `lines` has one sentence a line, `words` one with spaces between
    its words; a line of `pairs` is a translation, a tab and the sentence, and whatever follows a
    second tab; `everyday` has patterns and words (YAML), from which sentences are made.

    Raises:
        UserError: the file is missing, is not UTF-8, or is not of that format.
    """
    if source.format == "everyday":
        return _make_sentences(Path(source.file), source.count)
    if source.format == "table":
        return [row["text"].strip() for row in read_table(source.file, ["text"])]
    read, form = _LINE_FORMATS[source.format]
    try:
        return [read(line) for line in _read_lines(Path(source.file))]
    except (IndexError, ValueError):
        fault = Fault(f"is not in the format {source.format}", f"give {form}", source.file)
        raise UserError(fault) from None


class Banned:
    """Terms and sentences that no training text may hold."""

    def __init__(self, terms: Iterable[str], sentences: Iterable[str]):
        self._terms = sorted(set(terms))
        self._sentences = {_bare(text) for text in sentences}

    @classmethod
    def read(cls, without: Without) -> "Banned":
        """Surfaces and aliases of the dictionaries, and the texts of the test recordings."""
        entries = read_dictionaries([Path(path) for path in without.dictionaries])
        recordings = [
            row["text"] for path in without.recordings for row in read_table(path, RECORDINGS)
        ]
        terms = [term for entry in entries for term in (entry.surface, *entry.aliases)]
        return cls(terms, filter(None, recordings))

    def covers(self, text: str) -> bool:
        """Whether the text holds a term or is a test sentence (final punctuation aside)."""
        return _bare(text) in self._sentences or any(term in text for term in self._terms)


def _bare(text: str) -> str:
    return text.strip("。？")


def _without_readings(line: str) -> str:
    written = line.split(":", 1)[1].rsplit(",", 1)[0]
    return re.sub(r"\([^)]*\)", "", written)


def _second_of_pair(line: str) -> str:
    return line.split("\t")[1].strip()


# How a line is read, and what lines the format has.
_LINE_FORMATS = {
    "lines": (str, "a sentence a line"),
    "words": (lambda line: "".join(line.split()), "a sentence a line, spaces between words"),
    "rohan": (_without_readings, "ROHAN4600's transcript with readings"),
    "pairs": (_second_of_pair, "lines of a translation, a tab and the sentence"),
}


def _make_sentences(path: Path, count: int) -> list[str]:
    try:
        return everyday_sentences(yaml.safe_load(_read_text(path)), count)
    except (KeyError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        cure = "give `patterns` and, for each of their slots, `words`"
        raise UserError(Fault(f"makes no sentences: {error!r}", cure, path)) from error


def _read_lines(path: Path) -> list[str]:
    return [line.strip() for line in _read_text(path).splitlines() if line.strip()]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        cure = "fetch it (models/whisper-nano-ja/README.md says where), or change sources"
        raise UserError(Fault("no such file", cure, path)) from None
    except UnicodeDecodeError:
        raise UserError(Fault("is not UTF-8", "save it as UTF-8", path)) from None


def _take_turns(queues: Sequence[tuple[Iterator[str], int]]) -> Iterator[str]:
    while True:
        round_of_turns = [
            text
            for queue, turn in queues
            for _ in range(turn)
            if (text := next(queue, None)) is not None
        ]
        if not round_of_turns:
            return
        yield from round_of_turns
