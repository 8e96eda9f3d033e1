"""Everyday words that sound like a term: 動機 and 同期 like 動悸.

The recogniser can tell them apart by their context only, so a term that is taught without any takes
the place of words that were known. Their sounds are those of the analyser's own lexicon; how common
they are tells wordfreq (Robyn Speer, https://github.com/rspeer/wordfreq).

Source of the lexicon's layout: `Dictionary::open` in MeCab 0.996, src/dictionary.cpp.
"""

import re
import struct
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from mmap import ACCESS_READ, mmap

from wordfreq import get_frequency_dict

from whisper_terms.errors import UserError
from whisper_terms.kana import can_be_rival
from whisper_terms.readings import settle_reading
from whisper_terms.tables import TERM, WORD, split_list

# Words of one sound that are listed, the commonest first.
_MOST = 3
# An everyday word comes once in a million words, or more often: 動機 does, 同機 does not.
_LEAST_FREQUENCY = 1e-6
_HEADER = struct.Struct("<10I")
_CHARSET_BYTES = 32
# A noun that is no name: written form, reading and pronunciation.
_NOUN = re.compile(
    "名詞,(?:一般|サ変接続|形容動詞語幹|副詞可能),\\*,\\*,\\*,\\*,([^,\0]+),[^,\0]+,([^,\0]+),".encode()
)


def everyday_words(pronunciations: Collection[str]) -> dict[str, list[str]]:
    """The nouns said in a certain way, the commonest first.

    Args:
        pronunciations: in katakana, with ー for long vowels.

    Returns:
        Up to three words by pronunciation, of those that are said so where they stand alone: 元 is
        also read ガン, but not then. Words with hiragana or of katakana alone are left out: they
        are mostly spellings of the others.
    """
    wanted = {said.encode() for said in pronunciations}
    frequencies = word_frequencies()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for match in _NOUN.finditer(*open_lexicon()):
        if match[2] not in wanted:
            continue
        word = match[1].decode()
        if can_be_rival(word) and frequencies.get(word, 0) >= _LEAST_FREQUENCY:
            found[match[2].decode()].add(word)
    return {
        said: list(islice((word for word in ranked if _said(word) == said), _MOST))
        for said, words in found.items()
        for ranked in [sorted(words, key=lambda word: (-frequencies[word], word))]
    }


def homophone_rows(terms: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """Rows of HOMOPHONES, for the user to look over.

    Args:
        terms: rows of terms.tsv.
    """
    by_sound: defaultdict[object, list[object]] = defaultdict(list)
    for term in terms:
        by_sound[term["pronunciation"]].append(term["surface"])
    for term in terms:
        others = [one for one in by_sound[term["pronunciation"]] if one != term["surface"]]
        words = [one for one in split_list(str(term["rivals"])) if one not in others]
        for kind, rivals in ((TERM, others), (WORD, words)):
            for rival in rivals:
                about = {key: term[key] for key in ("term_id", "surface", "reading")}
                yield about | {"rival": rival, "kind": kind}


def _said(word: str) -> str:
    """How a word is said where it stands alone; "" where that can't be told."""
    try:
        return settle_reading(word, "").pronunciation
    except UserError:
        return ""


@cache
def open_lexicon() -> tuple[mmap, int]:
    """The analyser's dictionary, and where its feature strings begin."""
    with (files("pyopenjtalk") / "dictionary" / "sys.dic").open("rb") as source:
        lexicon = mmap(source.fileno(), 0, access=ACCESS_READ)
    *_, trie_bytes, token_bytes, _, _ = _HEADER.unpack_from(lexicon)
    return lexicon, _HEADER.size + _CHARSET_BYTES + trie_bytes + token_bytes


@cache
def word_frequencies() -> Mapping[str, float]:
    return get_frequency_dict("ja", "large")
