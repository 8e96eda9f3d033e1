"""Whisper's tokenizer, made from the file that the openai-whisper package carries."""

from itertools import pairwise

from transformers import AddedToken, WhisperTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode
from whisper.tokenizer import get_encoding

END_OF_TEXT = "<|endoftext|>"
FIRST_TIMESTAMP = "<|0.00|>"


def build_tokenizer(num_languages: int = 99) -> WhisperTokenizer:
    """Make the multilingual tokenizer without a download.

    Ids are Whisper's own: 50,257 byte pairs, 107 or 108 special tokens, 1,501 timestamps.

    Args:
        num_languages: 99 (51,865 ids, up to large-v2) or 100 (51,866 ids, large-v3, with yue).
    """
    encoding = get_encoding("multilingual", num_languages)
    ranks = {token: encoding.encode_single_token(token) for token in encoding.token_byte_values()}
    specials = sorted(encoding.special_tokens_set, key=encoding.encode_single_token)
    first_timestamp = specials.index(FIRST_TIMESTAMP)

    vocabulary = {_as_characters(token): rank for token, rank in ranks.items()}
    # The hub's vocab.json counts the end of text among the byte pairs; it is the unknown token too.
    vocabulary[END_OF_TEXT] = encoding.encode_single_token(END_OF_TEXT)
    tokenizer = WhisperTokenizer(
        vocab=vocabulary,
        merges=_merges(ranks),
        pad_token=END_OF_TEXT,
        extra_special_tokens=specials[:first_timestamp],
        model_max_length=1024,
    )
    # As on the hub, timestamps are added but not special: skip_special_tokens keeps them, and
    # transformers takes the id after the last special token for the first timestamp.
    tokenizer.add_tokens(
        [AddedToken(token, normalized=False) for token in specials[first_timestamp:]]
    )
    return tokenizer


def _merges(ranks: dict[bytes, int]) -> list[tuple[str, str]]:
    """The one merge that makes each byte pair: split it with the merges that rank before it.

    Source: `bpe` in tiktoken's educational encoder, as OpenAI-to-Hugging-Face converters use it.
    """
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            left, right = _split(token, ranks, rank)
            merges.append((_as_characters(left), _as_characters(right)))
    return merges


def _split(token: bytes, ranks: dict[bytes, int], below: int) -> list[bytes]:
    """Byte-pair encode `token` with the merges whose rank is less than `below`."""
    parts = [bytes([byte]) for byte in token]
    while True:
        candidates = [
            (ranks.get(left + right, below), index)
            for index, (left, right) in enumerate(pairwise(parts))
        ]
        rank, index = min(candidates, default=(below, 0))
        if rank >= below:
            return parts
        parts[index : index + 2] = [parts[index] + parts[index + 1]]


_CHARACTERS = bytes_to_unicode()


def _as_characters(token: bytes) -> str:
    """GPT-2's printable spelling of bytes, which Hugging Face vocabularies are written in."""
    return "".join(_CHARACTERS[byte] for byte in token)
