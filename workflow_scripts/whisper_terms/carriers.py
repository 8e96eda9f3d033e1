"""Carrier sentences: templates with a slot for a term, by class of term."""

from collections.abc import Iterable
from pathlib import Path

from whisper_terms.dictionary import Entry
from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import read_numbered

SLOT = "{term}"
GENERAL = "general"
COLUMNS = ("class", "template")

Carriers = dict[str, tuple[str, ...]]


def read_carriers(path: str | Path) -> Carriers:
    """Read the templates, in the order of the file, by class.

    Raises:
        UserError: the file is missing or lacks a column; a template holds no slot, or several; no
            template is of the class general, which serves every class that has none.
    """
    carriers: dict[str, list[str]] = {}
    faults = []
    for number, row in read_numbered(path, COLUMNS):
        name, template = row["class"].strip() or GENERAL, row["template"].strip()
        if template.count(SLOT) != 1:
            cure = f"write {SLOT} once, where the term belongs"
            faults.append(Fault("a template needs one slot", cure, path, number, template))
        elif template in carriers.get(name, ()):
            faults.append(Fault("the template stands twice", "keep one", path, number, template))
        else:
            carriers.setdefault(name, []).append(template)
    if not faults and GENERAL not in carriers:
        cure = "add some: they serve each class that has no templates of its own"
        faults.append(Fault(f"has no templates of the class {GENERAL}", cure, path))
    if faults:
        raise UserError(faults)
    return {name: tuple(templates) for name, templates in carriers.items()}


def templates_of(carriers: Carriers, term_class: str) -> tuple[str, ...]:
    """A class's templates; the general ones where it has none."""
    return carriers.get(term_class) or carriers[GENERAL]


def classes_without_templates(entries: Iterable[Entry], carriers: Carriers) -> list[Fault]:
    """The classes of terms that have no templates; misspelt, perhaps, but general ones serve them.

    Args:
        entries: the terms.
        carriers: templates by class.

    Returns:
        A fault for each class, at its first term.
    """
    without: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.term_class not in carriers:
            without.setdefault(entry.term_class, []).append(entry)
    return [
        Fault(
            f"the class of {_count(entries)} has no carrier sentences: general ones serve",
            f"add some, or give a class that has: {', '.join(carriers)}",
            entries[0].file,
            entries[0].row,
            term_class,
        )
        for term_class, entries in without.items()
    ]


def _count(entries: list[Entry]) -> str:
    return "this term" if len(entries) == 1 else f"{len(entries)} terms, this one first"
