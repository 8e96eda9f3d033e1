"""The tokenizer that is built here against openai-whisper's own."""

import pytest
from transformers import WhisperTokenizer
from whisper.tokenizer import get_tokenizer

from whisper_terms.tokenizer import build_tokenizer

STRINGS = [
    "",
    " ",
    "  two  spaces ",
    "こんにちは。",
    "心窩部痛と嚥下障害を認める。",
    "麤麤しい鬱蒼とした驫",
    "𠮟責、𩸽、𠮷野家、髙島屋、﨑",
    "䕃、㐂寿、龘",
    "葛󠄀城市の辻󠄁さん",
    "ガギグゲゴ パピプペポ ﾊﾝｶｸ",
    "が と が",
    "々〆〇ヶー〜・「」『』【】",
    "ailia SDK で推論する",
    "Visual C++ と C# と .NET 8.0",
    "it's we'll they've I'd I'M",
    "The quick brown fox\njumps over\tthe lazy dog.",
    "2024年3月14日 09:26:53",
    "①②③ ㎡ ㌔ ﷽ Ⅳ ½",
    "100,000円(税込)/月",
    "🙂🏽‍🚀 と 👨‍👩‍👧",
    "éèê naïve Ångström ﬁ",
    "Здравствуйте 안녕하세요 你好 สวัสดี مرحبا",
    "、、、、、。。。",
    "あ" * 50,
    "\u3000全角の空白\u3000",
    "\r\n\r\n  \n",
    "抗ミトコンドリア抗体陽性",
    "ヘモグロビンA1cは7.2%",
    "東京特許許可局局長今日急遽許可却下",
    "\u200bゼロ幅\ufeff",
]
COUNTS = {99: 51_865, 100: 51_866}


@pytest.fixture(scope="module", params=COUNTS)
def pair(request):
    theirs = get_tokenizer(multilingual=True, num_languages=request.param)
    return build_tokenizer(request.param), theirs


@pytest.mark.parametrize("text", STRINGS)
def test_encodes_and_decodes_as_openai_does(pair, text):
    ours, theirs = pair
    ids = ours.encode(text, add_special_tokens=False)
    assert ids == theirs.encode(text)
    assert ours.decode(ids) == theirs.decode(ids) == text


def test_every_byte_pair_has_openais_id(pair):
    ours, theirs = pair
    # Half characters included: a token's bytes, not its text, are compared.
    spelling = {character: byte for byte, character in _bytes_to_unicode().items()}
    for token, token_id in ours.get_vocab().items():
        if token_id < theirs.eot:
            assert bytes(spelling[c] for c in token) == theirs.encoding.decode_single_token_bytes(
                token_id
            )


def test_special_tokens_have_openais_ids(pair):
    ours, theirs = pair
    vocabulary = ours.get_vocab()
    assert len(vocabulary) == len(ours) == COUNTS[theirs.num_languages]
    assert sorted(vocabulary.values()) == list(range(len(ours)))
    assert {name: vocabulary[name] for name in theirs.special_tokens} == theirs.special_tokens
    assert ours.all_special_ids[-1] + 1 == theirs.timestamp_begin
    assert len(theirs.special_tokens) - len(ours.all_special_ids) == 1501


def test_pads_ends_and_starts_as_on_the_hub(pair):
    ours, theirs = pair
    assert ours.pad_token_id == ours.eos_token_id == ours.bos_token_id == theirs.eot == 50257
    assert ours("あ").input_ids == [
        theirs.sot, theirs.no_timestamps, *theirs.encode("あ"), theirs.eot,
    ]  # fmt: skip
    ours.set_prefix_tokens(language="ja", task="transcribe", predict_timestamps=True)
    language = theirs.to_language_token("ja")
    assert ours("あ").input_ids[:3] == [theirs.sot, language, theirs.transcribe]


def test_survives_saving(pair, tmp_path):
    ours, _ = pair
    ours.save_pretrained(tmp_path)
    again = WhisperTokenizer.from_pretrained(tmp_path)
    text = "<|startoftranscript|><|0.00|> 心窩部痛<|2.40|><|endoftext|>"
    assert again.get_vocab() == ours.get_vocab()
    assert again(text).input_ids == ours(text).input_ids
    assert again.all_special_ids == ours.all_special_ids


def _bytes_to_unicode() -> dict[int, str]:
    """GPT-2's printable spelling of bytes (openai/gpt-2, src/encoder.py)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + index) for index, byte in enumerate(others)
    }
