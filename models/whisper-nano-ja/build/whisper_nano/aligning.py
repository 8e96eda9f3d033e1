"""When the phones of a recording are said, as a trained encoder hears it: forced alignment.

The borders of synthetic speech other than Open JTalk's are not known. The encoder of stage 1 gives
each frame a score for each phone, and the Viterbi algorithm finds the best way through the phones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from whisper_nano.augmentation import normalise
from whisper_nano.codes import FRAME_SECONDS, FRAMES
from whisper_nano.encoder_stage import PhoneHead
from whisper_nano.layout import Region, lay_out
from whisper_nano.network import encode
from whisper_nano.phones import PHONE_IDS, SILENCE
from whisper_nano.spectrogram import MEL_BINS, SMALLEST_POWER
from whisper_nano.speech_store import Utterance
from whisper_terms.progress import progress

# Share of the spoken frames that must be heard as what they are aligned with, or it is misread.
_AGREEMENT = 0.4
_STAY, _NEXT, _SKIP = range(3)


def align_utterances(
    utterances: Sequence[Utterance], encoder: nn.Module, head: PhoneHead
) -> list[Utterance]:
    """The utterances with the borders of their phones; those that do not fit are left out.

    Args:
        utterances: with phones, whatever their borders.
        encoder, head: of stage 1.
    """
    return list(_aligned(utterances, encoder, head))


def _aligned(
    utterances: Sequence[Utterance], encoder: nn.Module, head: PhoneHead
) -> Iterator[Utterance]:
    for utterance in progress(utterances, "align"):
        if not len(utterance.phones) < utterance.frames <= FRAMES:
            continue
        scores = phone_log_shares(utterance, encoder, head)
        said = best_path(scores, utterance.phones)
        wanted = utterance.phones[said]
        heard = scores.argmax(1) == wanted
        if heard[wanted != SILENCE].mean() >= _AGREEMENT:
            # The first frame of each phone; a pause that was not made has none.
            firsts = np.searchsorted(said, np.arange(len(utterance.phones) + 1))
            yield replace(utterance, borders=(firsts * FRAME_SECONDS).astype(np.float32))


def phone_log_shares(utterance: Utterance, encoder: nn.Module, head: PhoneHead) -> np.ndarray:
    """Log of the chance of each phone in each frame, shape (frames, phones)."""
    layout = lay_out([Region(0, utterance.frames)], np.random.default_rng(0))
    power = np.full((1, MEL_BINS, 2 * layout.frames), SMALLEST_POWER, np.float32)
    power[0, :, : 2 * utterance.frames] = 10 ** utterance.spectrogram.astype(np.float32)
    with torch.inference_mode():
        encodings = encode(encoder, normalise(torch.from_numpy(power)), layout)
        return head(encodings)[0, : utterance.frames].log_softmax(-1).numpy()


def best_path(scores: np.ndarray, phones: np.ndarray) -> np.ndarray:
    """The most likely phone of each frame, in their order; only pauses may be left out.

    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm" (1967, IEEE Transactions on Information Theory 13 (2)).

    Args:
        scores: log of the chance of each phone of the inventory, shape (frames, inventory).
        phones: what is said, shape (n,), n <= frames.

    Returns:
        For each frame an index into `phones`, shape (frames,), rising.
    """
    frames, count = len(scores), len(phones)
    # What follows a pause can also follow what is before the pause.
    after_pause = np.zeros(count, bool)
    after_pause[2:] = phones[1:-1] == PHONE_IDS["pau"]
    total = np.full(count, -np.inf)
    total[0] = scores[0, phones[0]]
    came = np.zeros((frames, count), np.int8)
    for frame in range(1, frames):
        ways = np.full((3, count), -np.inf)
        ways[_STAY] = total
        ways[_NEXT, 1:] = total[:-1]
        ways[_SKIP, 2:] = np.where(after_pause[2:], total[:-2], -np.inf)
        came[frame] = ways.argmax(0)
        total = ways.max(0) + scores[frame, phones]
    path = np.empty(frames, int)
    place = count - 1
    for frame in range(frames - 1, -1, -1):
        path[frame] = place
        place -= came[frame, place]
    return path
