"""Dictionaries of terms as users have them: any usual encoding and format, all faults at once.

Standard library only and fast: the workflow reads its dictionaries before it starts any job.
"""

from whisper_terms.dictionary.entry import Entry, entry_digest, prompt_order
from whisper_terms.dictionary.read import inspect_dictionaries, read_dictionaries

__all__ = ["Entry", "entry_digest", "inspect_dictionaries", "prompt_order", "read_dictionaries"]
