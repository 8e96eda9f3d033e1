"""Mix HTS voices into new ones.

An encoder that has heard a few voices understands no other. The HTS engine speaks with any mixture
of voices that were built alike, so every sentence has another speaker: one's spectra with the
melody of the second and the rhythm of a third, and even somewhat beyond the voices themselves.

pyopenjtalk drives the engine with one voice only, so its shared library is called here directly.
Sources: `HTS_Engine_load` and what follows in hts_engine_API 1.10, include/HTS_engine.h.
"""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyopenjtalk.htsengine

from whisper_terms.errors import Fault, UserError

# sizeof(HTS_Engine) is under 1 kB.
_STRUCTURE_BYTES = 16_384
_FULL_SCALE = 32_768  # of samples; speech reaches a fifth of it
# Shares are of a symmetric Dirichlet distribution, then stretched somewhat: those below 0 lead
# beyond the voices. With 1.3 one sentence in ten can't be spoken any more.
_CONCENTRATION, _STRETCH = 0.7, 1.15
_BETA, _ALPHA = (0.0, 0.3), (-0.04, 0.04)  # sharpness of formants; frequency warp
# What functions answer that do not answer with an int.
_ANSWERS = {
    "load": ctypes.c_bool,
    "synthesize_from_strings": ctypes.c_bool,
    "get_alpha": ctypes.c_double,
    "get_generated_speech": ctypes.c_double,
} | dict.fromkeys(
    (
        "get_nsamples",
        "get_nstate",
        "get_nstream",
        "get_fperiod",
        "get_sampling_frequency",
        "get_state_duration",
    ),
    ctypes.c_size_t,
)


class VoiceMixer:
    """An HTS engine with several voices."""

    def __init__(self, paths: Sequence[str]):
        """Load the voices, files .htsvoice.

        Raises:
            UserError: the voices can't be loaded together.
        """
        self._library = ctypes.CDLL(pyopenjtalk.htsengine.__file__)
        for name, answer in _ANSWERS.items():
            self._function(name).restype = answer
        self._engine = ctypes.create_string_buffer(_STRUCTURE_BYTES)
        self._voices = len(paths)
        self._call("initialize")
        if not self._call("load", _strings(paths), ctypes.c_size_t(len(paths))):
            cure = "mixes is for HTS voices of one kind: same rate, same vector lengths"
            raise UserError(Fault("can't be mixed", cure, Path(paths[0]), value=", ".join(paths)))
        self.rate = self._call("get_sampling_frequency")
        self._alpha = self._call("get_alpha")

    def speak(
        self, labels: Sequence[str], half_tone: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Speak as somebody new.

        Args:
            labels: full-context labels, one a phone.
            half_tone: pitch shift in semitones.
            rng: source of the mixture.

        Returns:
            Samples, float32, `rate` in Hz, and the seconds that each phone takes, shape (phones,);
            None for a mixture that does not work.
        """
        self._mix(rng)
        self._call("add_half_tone", ctypes.c_double(half_tone))
        spoken = self._call(
            "synthesize_from_strings", _strings(labels), ctypes.c_size_t(len(labels))
        )
        try:
            return self._read(len(labels)) if spoken else None
        finally:
            self._call("refresh")

    def _mix(self, rng: np.random.Generator) -> None:
        self._set_shares("set_duration_interpolation_weight", (), rng)
        for stream in range(self._call("get_nstream")):
            number = (ctypes.c_size_t(stream),)
            shares = self._set_shares("set_parameter_interpolation_weight", number, rng)
            for voice, share in enumerate(shares):
                self._set("set_gv_interpolation_weight", voice, number, share)
        self._call("set_beta", ctypes.c_double(rng.uniform(*_BETA)))
        self._call("set_alpha", ctypes.c_double(self._alpha + rng.uniform(*_ALPHA)))

    def _set_shares(self, name: str, stream: tuple, rng: np.random.Generator) -> np.ndarray:
        even = rng.dirichlet(np.full(self._voices, _CONCENTRATION))
        shares = _STRETCH * even - (_STRETCH - 1) / self._voices
        for voice, share in enumerate(shares):
            self._set(name, voice, stream, share)
        return shares

    def _set(self, name: str, voice: int, stream: tuple, share: float) -> None:
        self._call(name, ctypes.c_size_t(voice), *stream, ctypes.c_double(share))

    def _read(self, phones: int) -> tuple[np.ndarray, np.ndarray] | None:
        states = self._call("get_nstate")
        frames = [
            self._call("get_state_duration", ctypes.c_size_t(state))
            for state in range(phones * states)
        ]
        read = self._function("get_generated_speech")
        samples = np.array(
            [
                read(self._engine, index)
                for index in map(ctypes.c_size_t, range(self._call("get_nsamples")))
            ]
        )
        # Far outside the voices a filter may overflow.
        if not np.isfinite(samples).all() or np.abs(samples).max() > _FULL_SCALE:
            return None
        seconds = np.reshape(frames, (phones, states)).sum(1) * self._call("get_fperiod")
        return (samples / _FULL_SCALE).astype(np.float32), seconds / self.rate

    def _call(self, name: str, *arguments):
        return self._function(name)(self._engine, *arguments)

    def _function(self, name: str):
        return getattr(self._library, f"HTS_Engine_{name}")


def _strings(texts: Sequence[str]) -> ctypes.Array:
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts))
