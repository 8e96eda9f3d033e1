"""openai-whisper's model, hearing a sample of the padding instead of all of it.

Whisper always hears 30 s. What follows a recording of 4 s is filled up with zeros, so that six
sevenths of the encoder's work, and of every look of the decoder at the sound, go to frames that
differ in their position alone. Here the padding is cut into a few stretches, and one frame is
computed for each: at the mean of its positions, and in every attention it counts for all frames of
the stretch, which is to add log n to the score of a key that stands for n. No weight changes, and a
recording of 30 s is heard as ever. For shorter ones it is an approximation.
"""

import torch
from torch import Tensor, nn
from whisper.model import AudioEncoder, MultiHeadAttention, Whisper


def sample_padding(model: Whisper, frames: int) -> Whisper:
    """Let a model compute so many frames of the padding; the model itself is changed.

    Args:
        model: openai-whisper's.
        frames: at least 1, for the longest recording of a batch; shorter ones have more.
    """
    model.encoder = _SampledEncoder(model.encoder, frames)
    for block in model.decoder.blocks:
        block.cross_attn = _WeightedAttention(block.cross_attn)
    return model


class _SampledEncoder(nn.Module):
    """Gives encodings with one channel more: the log of how many frames each stands for."""

    def __init__(self, encoder: AudioEncoder, frames: int):
        super().__init__()
        self.encoder, self.frames = encoder, frames

    def forward(self, mel: Tensor) -> Tensor:
        """Shape (batch, Mel bins, 3000) -> (batch, frames, width + 1)."""
        encoder, heard = self.encoder, _heard(mel)
        borders = stretches(heard, self.frames, len(encoder.positional_embedding))
        # The last of these is padding in every recording, and like all padding but for its place.
        last = min(int(heard.max()), len(encoder.positional_embedding) - 1)
        mel = mel[..., : 2 * (last + 2)]
        sound = nn.functional.gelu(encoder.conv2(nn.functional.gelu(encoder.conv1(mel))))
        rows = torch.arange(len(mel), device=mel.device)[:, None]
        hidden = sound.transpose(1, 2)[rows, borders[:, :-1].clamp(max=last)]
        hidden = (hidden + _means(encoder.positional_embedding, borders)).to(hidden.dtype)
        weight = borders.diff().log().to(hidden.dtype)
        for block in encoder.blocks:
            seen = block.attn_ln(hidden)
            keys, values = block.attn.key(seen), block.attn.value(seen)
            hidden = hidden + _attend(block.attn, seen, keys, values, weight)
            hidden = hidden + block.mlp(block.mlp_ln(hidden))
        return torch.cat([encoder.ln_post(hidden), weight[..., None]], -1)


class _WeightedAttention(nn.Module):
    """The decoder's attention to the encodings of `_SampledEncoder`."""

    def __init__(self, attention: MultiHeadAttention):
        super().__init__()
        # A module of its class, so that openai-whisper keeps the keys and values of it.
        self.attention = attention

    def forward(self, x: Tensor, xa: Tensor, mask: None = None, kv_cache: dict | None = None):
        attention, cache = self.attention, kv_cache or {}
        if attention.key in cache:
            keys, values = cache[attention.key], cache[attention.value]
        else:
            keys, values = attention.key(xa[..., :-1]), attention.value(xa[..., :-1])
        return _attend(attention, x, keys, values, xa[..., -1]), None


def stretches(heard: Tensor, frames: int, positions: int) -> Tensor:
    """Cut windows into stretches: each frame that sounds is one, and the padding has the others.

    Args:
        heard: for each window the number of its first frames that are not padding, shape (batch,).
        frames: stretches of the padding after the longest of them, where it has so many frames.
        positions: frames of a whole window.

    Returns:
        The first frame of each stretch, and last the number of positions: int64, shape
        (batch, stretches + 1), rising.
    """
    count = min(positions, int(heard.max()) + frames)
    number = torch.arange(count + 1, device=heard.device)
    heard = heard[:, None]
    even = heard + (number - heard) * (positions - heard) // (count - heard).clamp(min=1)
    return torch.where(number < heard, number, even)


def _means(values: Tensor, borders: Tensor) -> Tensor:
    """Means over stretches: (positions, width), (batch, n + 1) -> (batch, n, width)."""
    sums = nn.functional.pad(values.double().cumsum(0), (0, 0, 1, 0))[borders].diff(dim=1)
    return (sums / borders.diff()[..., None]).to(values.dtype)


def _heard(mel: Tensor) -> Tensor:
    """Frames of the encoder that anything but padding reaches, of each window."""
    sounding = (mel != 0).any(1)
    length = torch.arange(1, mel.shape[2] + 1, device=mel.device) * sounding
    # A frame sees five of the spectrogram, from two before its first to two after.
    return ((length.amax(1) + 1) // 2 + 1).clamp(max=mel.shape[2] // 2)


def _attend(
    attention: MultiHeadAttention, asking: Tensor, keys: Tensor, values: Tensor, weight: Tensor
) -> Tensor:
    """Attention to weighted keys; `weight` is the log of what each stands for."""
    queries, keys, values = (
        one.unflatten(2, (attention.n_head, -1)).transpose(1, 2)
        for one in (attention.query(asking), keys, values)
    )
    mixed = nn.functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=weight[:, None, None]
    )
    return attention.out(mixed.transpose(1, 2).flatten(2))
