"""The loss over the vocabulary equals that of torch's own functions on whole tensors."""

import pytest
import torch
from small_models import small_model
from torch.nn import functional

from whisper_terms import token_loss as module
from whisper_terms.config import Recipe
from whisper_terms.token_loss import Wanted, hidden_states, token_loss
from whisper_terms.trainable import choose_weights

TOKENS, WIDTH, WORDS = 103, 8, 50


@pytest.fixture(params=[40 * WORDS, 1 << 24], ids=["four parts", "one part"])
def scores(request, monkeypatch):
    """How many scores are in memory at once."""
    monkeypatch.setattr(module, "_SCORES", request.param)


@pytest.fixture
def numbers():
    torch.manual_seed(0)
    return {
        "hidden": torch.randn(TOKENS, WIDTH, requires_grad=True),
        "head": torch.randn(WORDS, WIDTH, requires_grad=True),
        "labels": torch.randint(WORDS, (TOKENS,)),
        "weights": torch.rand(TOKENS) + 0.5,
    }


@pytest.fixture
def wanted():
    torch.manual_seed(1)
    return Wanted(torch.randn(TOKENS, WIDTH), torch.randn(WORDS, WIDTH), 0.7)


def by_torch(hidden, head, labels, weights, wanted=None):
    """The same on the scores of all tokens, differentiated by torch."""
    scores = hidden @ head.T
    loss = (functional.cross_entropy(scores, labels, reduction="none") * weights).sum()
    if wanted:
        target = (wanted.hidden @ wanted.head.T).log_softmax(-1)
        divergence = (target.exp() * (target - scores.log_softmax(-1))).sum()
        loss = loss + wanted.weight * divergence
    return loss


def gradients(loss, numbers):
    return torch.autograd.grad(loss, [numbers["hidden"], numbers["head"]])


def test_products_have_few_shapes(scores, numbers, monkeypatch):
    """Of every new one oneDNN keeps megabytes."""
    sizes, real = set(), module._log_probabilities
    monkeypatch.setattr(
        module,
        "_log_probabilities",
        lambda states, head: sizes.add(len(states)) or real(states, head),
    )
    for tokens in range(TOKENS):
        some = {name: value[:tokens] for name, value in numbers.items() if name != "head"}
        token_loss(head=numbers["head"], **some)
    assert sizes <= {32, 64, 96, 128}


@pytest.mark.parametrize("compared", [False, True])
def test_loss_and_gradients_are_torchs(scores, numbers, wanted, compared):
    other = wanted if compared else None
    ours, theirs = token_loss(**numbers, wanted=other), by_torch(**numbers, wanted=other)
    torch.testing.assert_close(ours, theirs)
    # Of a multiple of the loss too.
    for one, two in zip(gradients(3 * ours, numbers), gradients(3 * theirs, numbers), strict=True):
        torch.testing.assert_close(one, two)


def test_products_are_taken_in_the_precision_of_an_autocast(scores, numbers, wanted):
    exact = by_torch(**numbers, wanted=wanted)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = token_loss(**numbers, wanted=wanted)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=1e-2, atol=0)
    for one, two in zip(gradients(rounded, numbers), gradients(exact, numbers), strict=True):
        assert one.dtype == torch.float32
        assert float((one - two).norm() / two.norm()) < 2e-2


def test_a_frozen_matrix_gets_no_gradient(scores, numbers):
    numbers["head"] = numbers["head"].detach()
    token_loss(**numbers).backward()
    assert numbers["head"].grad is None
    (wanted,) = torch.autograd.grad(by_torch(**numbers), numbers["hidden"])
    torch.testing.assert_close(numbers["hidden"].grad, wanted)


def test_without_gradients(scores, numbers, wanted):
    with torch.no_grad():
        loss = token_loss(**numbers, wanted=wanted)
    assert not loss.requires_grad
    torch.testing.assert_close(loss, by_torch(**numbers, wanted=wanted).detach())


def test_no_tokens(numbers):
    none = {name: value if name == "head" else value[:0] for name, value in numbers.items()}
    loss = token_loss(**none)
    assert float(loss.detach()) == 0
    (of_head,) = torch.autograd.grad(loss, none["head"])
    assert not of_head.any()


@pytest.mark.parametrize("train", ["decoder", "lora"])
def test_hidden_states_make_the_scores(train):
    model = choose_weights(small_model(), Recipe(train=train)).eval()
    torch.manual_seed(0)
    features, tokens = torch.randn(2, 80, 3000), torch.tensor([[5, 6, 7], [8, 9, 10]])
    inputs = {"input_features": features, "decoder_input_ids": tokens}
    with torch.no_grad():
        scores = model(**inputs).logits
        with hidden_states(model) as head:
            hidden = model(**inputs).logits
        assert hidden.shape == (2, 3, head.shape[1])
        torch.testing.assert_close(hidden @ head.T, scores)
        # And the model is as before, after an error too.
        with pytest.raises(RuntimeError, match="no luck"), hidden_states(model):
            raise RuntimeError("no luck")
        torch.testing.assert_close(model(**inputs).logits, scores)
