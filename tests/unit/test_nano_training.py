"""How the bundled model is trained: transcripts, losses, the loop, the whole vocabulary."""

import numpy as np
import pytest
import torch
from nano_build import TEXTS, generator, sentences, utterances
from torch import nn
from whisper.tokenizer import get_tokenizer
from whisper_nano.assemble import whole_embedding
from whisper_nano.codes import FRAME_SECONDS, WIDTH
from whisper_nano.decoder_stage import choose_groups, frames_for, place_sentences, simulate
from whisper_nano.encoder_stage import Frames, choose_similar, make_batch
from whisper_nano.frames import choose_frames, take_frames
from whisper_nano.guidance import GUIDED_HEADS, guidance_loss, guidance_mask
from whisper_nano.joint_stage import match_sentences, speech_windows
from whisper_nano.network import encode, load_vocabulary, load_weights, new_network, save_weights
from whisper_nano.settings import JointStage, Stage
from whisper_nano.training import CHECKPOINT, learning_rate, train
from whisper_nano.transcripts import (
    IGNORED,
    NOWHERE,
    collate,
    previous_text,
    transcribe,
    transcribe_noise,
    transcribe_silence,
)
from whisper_nano.vocabulary import WHISPER_TOKENS, Vocabulary

WHISPER = get_tokenizer(True, language="ja", task="transcribe")
STAGE = {"warmup_steps": 2, "hold": 0.3, "floor": 0.01, "checkpoint_steps": 2, "seed": 1}


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of(sentence.tokens for sentence in sentences())


# -------------------------------------------------------------------------------------------------
# Transcripts


@pytest.mark.parametrize("timed", [True, False])
def test_a_transcript_says_what_is_said_and_where(timed):
    placed = place_sentences(sentences(), 1500, generator())
    transcript = transcribe(placed, timed)
    tokens = transcript.tokens
    assert WHISPER.decode([token for token in tokens if token < WHISPER.eot]) == "".join(TEXTS)
    assert tokens[:3] == list(WHISPER.sot_sequence) and tokens[-1] == WHISPER.eot
    assert (WHISPER.no_timestamps in tokens) is not timed
    times = [token for token in tokens if token >= WHISPER.timestamp_begin]
    assert times == sorted(times) and len(times) == 2 * len(TEXTS) * timed
    said = np.array([span for span in transcript.spans if span != NOWHERE])
    assert len(said) == sum(len(one.tokens) for one in sentences()) + len(times)
    assert (np.diff(said[:, 0]) >= -1e-6).all() and said.max() * FRAME_SECONDS <= placed[-1].end


def test_a_prompt_is_read_and_not_learnt(vocabulary):
    placed = place_sentences(sentences()[:1], 1500, generator())
    prompt = previous_text(sentences(), sentences(), generator())
    assert prompt[0] == WHISPER.sot_prev
    transcript = transcribe(placed, True, prompt)
    inputs, answers, spans = collate([transcript, transcribe(placed, True)], vocabulary)
    assert inputs.shape == answers.shape == spans.shape[:2]
    assert (answers[0, : len(prompt)] == IGNORED).all()
    # The prompt aside both rows ask for the same.
    shared = len(transcript.tokens) - len(prompt)
    assert answers[0, len(prompt) :].tolist() == answers[1, :shared].tolist()
    asked = answers[0] != IGNORED
    assert answers[0][asked].tolist() == inputs[0, 1:][asked[:-1]].tolist()


def test_silence_has_its_answers():
    for seed in range(20):
        for transcript in (transcribe_silence(generator(seed)), transcribe_noise(generator(seed))):
            assert transcript.tokens[-1] in (WHISPER.no_speech, WHISPER.eot)
            assert transcript.first < len(transcript.tokens)


# -------------------------------------------------------------------------------------------------
# Guided attention


def test_guidance_mask():
    spans = torch.tensor([[[10.0, 12.0], [-1.0, -1.0]]])
    mask = guidance_mask(spans, torch.arange(30)[None])
    assert mask.shape == (1, 2, 30)
    assert mask[0, 0].nonzero().flatten().tolist() == list(range(5, 18))


def test_guided_heads_are_to_look_where_it_is_said():
    frames = torch.arange(80)[None]
    spans = torch.tensor([[[10.0, 12.0], [20.0, 22.0], [-1.0, -1.0]]])
    inside = torch.zeros(1, 4, 3, 80)
    for row, frame in enumerate((11, 21, 79)):
        inside[:, :, row, frame] = 1
    outside = inside.flip(-1)
    assert guidance_loss([inside] * 4, spans, frames) == pytest.approx(0, abs=1e-3)
    assert guidance_loss([outside] * 4, spans, frames) > 5
    mixed = [inside.clone() for _ in range(4)]
    free = {(layer, head) for layer in range(4) for head in range(4)} - set(GUIDED_HEADS)
    for layer, head in free:
        mixed[layer][:, head] = outside[:, head]
    assert guidance_loss(mixed, spans, frames) == pytest.approx(0, abs=1e-3)
    assert guidance_loss([inside] * 4, torch.full((1, 3, 2), -1.0), frames) == 0


# -------------------------------------------------------------------------------------------------
# Vocabulary


def test_the_shared_row_counts_for_all_that_it_stands_for(vocabulary):
    embedding = torch.randn(vocabulary.size, WIDTH, generator=torch.Generator().manual_seed(1))
    hidden = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(2)) / WIDTH
    whole = whole_embedding(embedding, vocabulary)
    assert whole.shape == (WHISPER_TOKENS, WIDTH)
    tokens = torch.from_numpy(vocabulary.tokens[:5])
    ids = torch.tensor(vocabulary.ids(tokens.tolist()))
    small = vocabulary.cross_entropy(hidden @ embedding.T, ids, smoothing=0)
    large = nn.functional.cross_entropy(hidden @ whole.T, tokens)
    assert small.item() == pytest.approx(large.item(), abs=1e-4)
    assert vocabulary.ids([next(iter(set(range(50_000)) - set(vocabulary.tokens)))]) == [
        vocabulary.size - 1
    ]


def test_weights_are_saved_by_module(tmp_path, vocabulary):
    module = nn.Linear(2, 3)
    save_weights(tmp_path / "w.safetensors", {"encoder": module}, vocabulary)
    weights = load_weights(tmp_path / "w.safetensors")
    assert weights.keys() == {"encoder"}
    torch.testing.assert_close(weights["encoder"], dict(module.state_dict()))
    tokens = load_vocabulary(tmp_path / "w.safetensors").tokens
    np.testing.assert_array_equal(tokens, vocabulary.tokens)


# -------------------------------------------------------------------------------------------------
# Batches


def test_encoder_batches():
    data = [Frames.of(utterance) for utterance in utterances()]
    batch = make_batch(choose_similar(data, 2, generator()), generator())
    assert batch.features.shape == (2, 80, 2 * batch.phones.shape[1])
    assert batch.phones.shape == batch.accent.shape
    assert batch.phones.any(1).all() and batch.features.isfinite().all()


def test_encoding_equals_transformers_on_a_whole_window():
    encoder = new_network(64).model.encoder.eval()
    features = torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = encoder(features).last_hidden_state
        ours = encode(encoder, features)
    assert (ours - theirs).abs().mean() < 0.02  # ours: bfloat16, where there is


@pytest.mark.parametrize("kept", [1.0, 0.05])
def test_decoder_batches(vocabulary, kept):
    singles = [[one] for one in sentences()]
    for groups, frames in (
        (singles, frames_for(singles)),
        (choose_groups(sentences(), 2, 9, generator(1)), 1200),
    ):
        batch = simulate(groups, frames, sentences(), vocabulary, generator(1), kept)
        count, length = batch.frames.shape
        assert batch.encodings.shape == (count, length, WIDTH) and count == len(groups)
        assert (length == frames) is (kept == 1) and batch.frames.max() < frames
        assert batch.inputs.shape == batch.answers.shape == batch.spans.shape[:2]
        assert batch.spans.max() <= frames
        assert batch.encodings.isfinite().all() and batch.inputs.max() < vocabulary.size


def test_frames_near_speech_are_always_kept():
    speech = np.zeros((2, 300), bool)
    speech[0, 100:140] = speech[1, 20] = True
    frames = choose_frames(speech, 0.1, generator())
    assert frames.shape == (2, 52 + 30)
    assert set(range(94, 146)) <= set(frames[0].tolist())
    assert set(range(14, 27)) <= set(frames[1].tolist())
    assert (frames.diff(dim=1) > 0).all()
    values = torch.arange(300.0).expand(2, 300)[..., None].repeat(1, 1, 2)
    torch.testing.assert_close(take_frames(values, frames)[..., 0], frames.float())


def test_joint_windows():
    spoken = match_sentences(utterances(), sentences(), longest=9.0)
    assert len(spoken) == len(TEXTS)
    assert not match_sentences(utterances(), sentences(), longest=0.1)
    stage = JointStage(steps=1, **STAGE, batch_size=3, window_batch_size=2)
    for seed in range(4):
        windows = speech_windows(spoken, stage, generator(seed))
        assert len(windows) in (2, 3)
        assert len({window.features.shape for window in windows}) == 1
        for window in windows:
            assert window.features.shape == (80, 2 * len(window.phones))
            assert np.isfinite(window.features).all()


def test_speech_may_begin_with_the_window():
    spoken = match_sentences(utterances(), sentences(), longest=9.0)
    stage = JointStage(steps=1, **STAGE, batch_size=3, window_batch_size=2)
    firsts = [
        np.flatnonzero(window.phones)[0]
        for seed in range(40)
        for window in speech_windows(spoken, stage, generator(seed))
        if window.phones.any()
    ]
    assert min(firsts) <= 1  # in frames of 20 ms
    assert max(firsts) > 20


# -------------------------------------------------------------------------------------------------
# The loop


def test_learning_rate():
    stage = Stage(steps=100, **(STAGE | {"warmup_steps": 10}))
    rates = [learning_rate(step, stage) for step in range(100)]
    assert rates[:10] == sorted(rates[:10]) and rates[9] == rates[30] == 1
    assert rates[30:] == sorted(rates[30:], reverse=True) and 0.01 <= rates[-1] < 0.02


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path):
    class Killed(Exception):
        pass

    def run(state, until: int) -> list:
        torch.manual_seed(0)
        module = nn.Linear(3, 1)

        def step(rng: np.random.Generator, done: float) -> dict[str, float]:
            if done * 7 >= until:
                raise Killed
            loss = module(torch.from_numpy(rng.standard_normal((4, 3), np.float32))).square().mean()
            loss.backward()
            return {"loss": loss.item()}

        train([(module, 0.1)], step, Stage(steps=7, **STAGE), state)
        return [weight.tolist() for weight in module.parameters()]

    unbroken = run(tmp_path / "unbroken", until=7)
    with pytest.raises(Killed):
        run(tmp_path / "killed", until=5)
    assert (tmp_path / "killed" / CHECKPOINT).exists()
    assert run(tmp_path / "killed", until=7) == unbroken
