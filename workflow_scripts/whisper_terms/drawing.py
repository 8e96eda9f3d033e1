"""Which windows are taken where not all are wanted: drawn by a hash, so always the same."""

from collections.abc import Iterable, Sequence

from whisper_terms.replay import FEWEST_REPLAY
from whisper_terms.sharding import digest
from whisper_terms.windows import Window

# Windows of each kind that tell points of an interpolation apart.
HELD_OUT = 150


def drawn(windows: Iterable[Window]) -> list[Window]:
    """The windows in the order in which they are taken."""
    return sorted(windows, key=lambda window: digest(window.id))


def without_surplus(
    windows: Sequence[Window], replay_for_terms: int = FEWEST_REPLAY
) -> list[Window]:
    """Leave out replay that no recipe would draw, before anything is computed of it.

    Of 300 hours of recordings beside forty terms, that is nearly all.

    What is kept are those that come first when they are drawn: of each split as many as are asked
    for, of those with and of those without a text, since some recipes take the former alone.

    Args:
        windows: all windows of a layout, in any order.
        replay_for_terms: windows of replay that are kept for each window of terms.

    Returns:
        Those that are kept, in the same order.
    """
    terms: dict[str, int] = {}
    for window in windows:
        terms[window.split] = terms.get(window.split, 0) + (not window.is_replay)
    left = {
        (split, labelled): max(HELD_OUT, replay_for_terms * count)
        for split, count in terms.items()
        for labelled in (False, True)
    }
    surplus = set()
    for window in drawn(window for window in windows if window.is_replay):
        group = window.split, window.is_labelled
        if not left[group]:
            surplus.add(window.id)
        else:
            left[group] -= 1
    return [window for window in windows if window.id not in surplus]
