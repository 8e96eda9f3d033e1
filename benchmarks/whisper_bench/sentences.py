"""Test sentences for some of a dictionary's terms."""

from collections.abc import Sequence
from pathlib import Path

from whisper_terms.errors import Fault, UserError
from whisper_terms.sharding import digest
from whisper_terms.tables import read_table

SLOT = "{term}"


def read_templates(path: Path) -> list[str]:
    """Sentences with a slot for a term.

    Raises:
        UserError: there is none, or one has no slot.
    """
    templates = [row["template"] for row in read_table(path, ["template"])]
    wrong = [template for template in templates if template.count(SLOT) != 1]
    if wrong or not templates:
        value = wrong[0] if wrong else ""
        raise UserError(Fault("every template needs one slot", f"write {SLOT}", path, value=value))
    return templates


def sample_sentences(surfaces: Sequence[str], templates: Sequence[str], count: int) -> list[str]:
    """A sentence for each of so many terms, or for all where there are fewer.

    Terms are drawn by a digest of themselves, so that a sample does not depend on the order of the
    dictionary; templates take turns.
    """
    sample = sorted(surfaces, key=digest)[:count]
    return [
        templates[number % len(templates)].replace(SLOT, surface)
        for number, surface in enumerate(sample)
    ]
