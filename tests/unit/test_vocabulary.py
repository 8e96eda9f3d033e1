"""whisper_terms.vocabulary: the scores that openai-whisper's decoder gives."""

import pytest
import torch
from whisper.model import ModelDimensions, Whisper

from whisper_terms.vocabulary import quicken_decoder


@pytest.fixture
def model() -> Whisper:
    torch.manual_seed(0)
    model = Whisper(ModelDimensions(80, 20, 16, 2, 1, 51865, 24, 16, 2, 2)).eval()
    # The package leaves them as memory happens to be.
    torch.nn.init.normal_(model.decoder.positional_embedding)
    return model


@torch.inference_mode()
def test_whole_beginnings_and_single_steps_score_as_before(model: Whisper) -> None:
    sound = torch.randn(3, 20, 16)
    tokens = torch.randint(51865, (3, 6))
    wanted = model.decoder(tokens, sound)
    quicken_decoder(model)
    assert model.decoder.forward.__module__ == quicken_decoder.__module__
    torch.testing.assert_close(model.decoder(tokens, sound), wanted, rtol=1e-5, atol=1e-5)
    cache, hooks = model.install_kv_cache_hooks()
    begun = model.decoder(tokens[:, :4], sound, kv_cache=cache)
    steps = [model.decoder(tokens[:, i : i + 1], sound, kv_cache=cache) for i in (4, 5)]
    for hook in hooks:
        hook.remove()
    seen = torch.cat([begun, *steps], dim=1)
    torch.testing.assert_close(seen, wanted, rtol=1e-5, atol=1e-5)


def test_scores_of_a_step_lie_row_by_row(model: Whisper) -> None:
    """What follows reads each recording's scores one after another."""
    quicken_decoder(model)
    assert model.decoder(
        torch.zeros(3, 1, dtype=torch.long), torch.randn(3, 20, 16)
    ).is_contiguous()
