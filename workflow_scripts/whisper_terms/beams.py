"""openai-whisper's beam search, on several windows at once.

The package searches one window at a time: of several, it repeats the tokens for every beam but not
the encodings, and fails. Here the beams of a window look at its encoding together, and the start,
which they share, is computed once. Candidates have the package's scores, rank as the package ranks
them, and end where it ends them, so that the text is the same (but for sums that are rounded in
another order).
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from whisper.decoding import (
    BeamSearchDecoder,
    DecodingOptions,
    DecodingResult,
    DecodingTask,
    PyTorchInference,
)

from whisper_terms.vocabulary import score_tokens

if TYPE_CHECKING:
    from whisper.model import Whisper


def decode_windows(
    model: "Whisper", windows: Tensor, options: DecodingOptions
) -> list[DecodingResult]:
    """Decode windows as `whisper.decode` does each of them, by beam search too.

    Args:
        model: openai-whisper's.
        windows: spectrograms, shape (windows, Mel bins, 3000).
        options: the package's, for a transcript or a translation. With a `beam_size` it searches,
            with a patience of at least 1 (with less, a window that has ended goes on beside
            others); else decoding is greedy.

    Returns:
        The package's result for each window, in their order.
    """
    if options.beam_size is None:
        return model.decode(windows, options)
    return _BeamTask(model, options).run(windows)


class _BeamTask(DecodingTask):
    """The package's task, in which a row is a beam and those of a window lie together."""

    def __init__(self, model: "Whisper", options: DecodingOptions):
        super().__init__(model, options)
        self.inference = _Inference(model, len(self.initial_tokens))
        self.decoder = _Beams(
            options.beam_size, self.tokenizer.eot, self.inference, options.patience
        )

    def _get_audio_features(self, mel: Tensor) -> Tensor:
        # The package expects as many as there are rows, when all is done.
        return super()._get_audio_features(mel).repeat_interleave(self.n_group, dim=0)

    def _detect_language(self, audio_features: Tensor, tokens: Tensor):
        return super()._detect_language(audio_features[:: self.n_group], tokens)

    def _main_loop(
        self, audio_features: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor, list[float]]:
        encodings, tokens = (one[:: self.n_group] for one in (audio_features, tokens))
        scores = torch.zeros(len(tokens), device=tokens.device)
        silence = [np.nan] * len(tokens)
        try:
            for step in range(self.sample_len):
                logits = self.inference.logits(tokens, encodings)
                if step == 0 and self.tokenizer.no_speech is not None:
                    odds = logits[:, self.sot_index].float().softmax(-1)
                    silence = odds[:, self.tokenizer.no_speech].tolist()
                logits = logits[:, -1]
                for rule in self.logit_filters:
                    rule.apply(logits, tokens)
                tokens, scores = self.decoder.advance(tokens, logits, scores)
                if self.decoder.is_complete() or tokens.shape[1] > self.n_ctx:
                    break
        finally:
            self.inference.cleanup_caching()
        return tokens, scores, [one for one in silence for _ in range(self.n_group)]


class _Inference(PyTorchInference):
    """The package's, for rows that share the encoding of their window."""

    def logits(self, tokens: Tensor, audio_features: Tensor) -> Tensor:
        """(rows, n), (windows, frames, width) -> (rows, n or 1, vocabulary)."""
        if not self.kv_cache:
            self.kv_cache, self.hooks = self.model.install_kv_cache_hooks()
        new = tokens if tokens.shape[1] == self.initial_token_length else tokens[:, -1:]
        return score_tokens(self.model.decoder, new, audio_features, self.kv_cache)


class _Beams(BeamSearchDecoder):
    """The package's search, of all windows at once and from one row for each of them."""

    def advance(self, tokens: Tensor, logits: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Go on by a token.

        Args:
            tokens: shape (rows, n); a row for each window at first, and then one for each beam.
            logits: of the token after them, shape (rows, vocabulary).
            scores: sums of the log probabilities of the rows' tokens, shape (rows,).

        Returns:
            Tokens of shape (windows * beam_size, n + 1), the best beam of each window first, and
            their scores.
        """
        if self.finished_sequences is None:
            self.finished_sequences = [{} for _ in tokens]
        windows = len(self.finished_sequences)
        # One of a row's may end it, which leaves enough for all beams.
        logprobs, following = logits.float().log_softmax(-1).topk(self.beam_size + 1)
        totals = (scores[:, None] + logprobs).view(windows, -1)
        ranked = totals.argsort(dim=1, descending=True, stable=True)
        totals, following, ranked = (
            one.tolist() for one in (totals, following.view(windows, -1), ranked)
        )
        beams = []
        for window, finished in enumerate(self.finished_sequences):
            row = window * len(tokens) // windows
            for place in ranked[window]:
                candidate = (
                    row + place // (self.beam_size + 1),
                    following[window][place],
                    totals[window][place],
                )
                if candidate[1] != self.eot:
                    beams.append(candidate)
                elif len(finished) < self.max_candidates:
                    sequence = (*tokens[candidate[0]].tolist(), self.eot)
                    finished[sequence] = candidate[2]
                if len(beams) == (window + 1) * self.beam_size:
                    break
        rows, chosen, best = (list(one) for one in zip(*beams, strict=True))
        self.inference.rearrange_kv_cache(rows)
        chosen = torch.tensor(chosen, device=tokens.device)
        return (
            torch.cat([tokens[rows], chosen[:, None]], dim=1),
            torch.tensor(best, device=tokens.device),
        )

    def is_complete(self) -> bool:
        """Whether every window has as many ended candidates as are looked for."""
        return all(len(one) >= self.max_candidates for one in self.finished_sequences)
