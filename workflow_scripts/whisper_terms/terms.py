"""Terms: a dictionary's entries with their readings settled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from whisper_terms.dictionary import Entry
from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.tables import join_list

if TYPE_CHECKING:
    from whisper_terms.readings import Reading


def settle_entries(
    entries: Sequence[Entry], faults: Iterable[Fault]
) -> list[tuple[Entry, "Reading"]]:
    """The entries with their readings.

    Args:
        entries: what was read of the dictionaries.
        faults: what is wrong with them, or with other files; such rows are passed over here.

    Raises:
        UserError: with these faults and those of the readings.
    """
    # Only here: the analyser takes a second to load, and --help or a missing file needs none.
    from whisper_terms.readings import settle_reading

    faults = list(faults)
    wrong = {(str(fault.file), fault.row) for fault in faults}
    settled = []
    for entry in progress(entries, "readings", len(entries)):
        if (entry.file, entry.row) in wrong:
            continue
        try:
            settled.append((entry, settle_reading(entry.surface, entry.reading)))
        except UserError as error:
            faults += (replace(fault, file=entry.file, row=entry.row) for fault in error.faults)
    if faults:
        raise UserError(faults)
    return settled


def term_rows(settled: Sequence[tuple[Entry, "Reading"]]) -> list[dict[str, object]]:
    """The rows of terms in results/terms.tsv."""
    from whisper_terms.homophones import everyday_words

    words = everyday_words({reading.pronunciation for _, reading in settled})
    return [_row(entry, reading, words) for entry, reading in settled]


def _row(entry: Entry, reading: "Reading", words: Mapping[str, Sequence[str]]) -> dict[str, object]:
    own = {entry.surface, *entry.aliases}
    return {
        "term_id": entry.term_id,
        "surface": entry.surface,
        "reading": reading.reading,
        "pronunciation": reading.pronunciation,
        "reading_source": reading.source,
        "aliases": join_list(entry.aliases),
        "class": entry.term_class,
        "weight": f"{entry.weight:g}",
        "file": entry.file,
        "row": entry.row,
        "sentences": join_list(entry.sentences),
        "rivals": join_list(w for w in words.get(reading.pronunciation, ()) if w not in own),
    }
