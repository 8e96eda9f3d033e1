"""Another sample rate for an engine's samples, without SciPy.

`scipy.signal` takes more than a second to load, which each job that speaks some hundred utterances
would pay anew. This is the filter of its `resample_poly`, on which the bundled model was trained,
as products of matrices; the tests compare the two.
"""

from fractions import Fraction
from functools import cache

import numpy as np

# As SciPy has them: zero crossings of the filter on each side, and the shape of its window.
_CROSSINGS, _BETA = 10, 5.0
# It bounds the matrices.
_DENOMINATOR = 1000


def resample(samples: np.ndarray, rate: float, new_rate: float) -> np.ndarray:
    """Change the sample rate by polyphase filtering.

    Sums are taken in double precision. In single precision their last bit depends on the CPU's kind
    and on the number of threads, and with it one sample in ten thousand of a recording, all that is
    trained on it, and every number of a result. In double precision that bit is lost when the sum
    is rounded.

    Args:
        samples: shape (n,), float32. What is before and after them counts as 0.
        rate: theirs, in Hz.
        new_rate: the wanted one. The ratio of the two is taken for the nearest fraction with a
            denominator up to 1,000, so that it is less than 0.1 % off.

    Returns:
        Shape (ceil(n * new_rate / rate),), float32.
    """
    ratio = Fraction(new_rate / rate).limit_denominator(_DENOMINATOR)
    if ratio == 1:
        return samples
    before, here, after = _matrices(ratio)
    length = -(-len(samples) * ratio.numerator // ratio.denominator)
    size = len(here)
    # A block of silence ahead, and one behind the last, whole or not.
    padded = np.pad(samples.astype(np.float64), (size, size + -len(samples) % size))
    blocks = padded.reshape(-1, size)
    made = blocks[:-2] @ before
    made += blocks[1:-1] @ here
    made += blocks[2:] @ after
    return made.ravel()[:length].astype(np.float32)


@cache
def _matrices(ratio: Fraction) -> np.ndarray:
    """What a block of new samples takes of the old ones: of the block before, its own, the next.

    With `up` over `down` the ratio, new sample m is the sum over all old samples k of
    filter(m * down - k * up) * samples[k] [scipy.signal.resample_poly]. Blocks are long enough for
    the filter to reach no farther than the next.

    Returns:
        Shape (3, old samples in a block, new samples in a block), float64.
    """
    up, down = ratio.numerator, ratio.denominator
    reach = _CROSSINGS * max(up, down)
    blocks = 1 + reach // (up * down)
    taps = np.arange(-reach, reach + 1)
    kernel = np.sinc(taps / max(up, down)) * np.kaiser(len(taps), _BETA)
    kernel *= up / kernel.sum()
    old, new = np.arange(blocks * down), np.arange(blocks * up)
    shifts = np.array([-1, 0, 1])[:, None, None] * (blocks * up * down)
    # (1, 1, new) - (1, old, 1) - (3, 1, 1) -> (3, old, new)
    offsets = new * down - old[:, None] * up - shifts
    inside = np.abs(offsets) <= reach
    return np.where(inside, kernel[np.clip(offsets, -reach, reach) + reach], 0)
