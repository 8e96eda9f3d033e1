"""How the bundled model is trained: transcripts, losses, the loop, the whole vocabulary."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from nano_build import TEXTS, generator, sentences, utterances
from torch import nn
from whisper.tokenizer import get_tokenizer
from whisper_nano.assemble import whole_embedding, whole_model
from whisper_nano.codes import FRAME_SECONDS, WIDTH, code_phones, encode_alignment
from whisper_nano.decoder_stage import TextWindows
from whisper_nano.encoder_stage import PhoneHead
from whisper_nano.guidance import GUIDED_HEADS, guidance_loss, guidance_mask
from whisper_nano.joint_stage import match_sentences
from whisper_nano.layout import Region, lay_out, put_region
from whisper_nano.moving import batch_workers, to_device
from whisper_nano.network import (
    decode,
    encode,
    load_vocabulary,
    load_weights,
    new_network,
    save_weights,
)
from whisper_nano.settings import Stage
from whisper_nano.simulation import Placed, time_phones
from whisper_nano.speech_windows import SpeechBatch, SpeechWindows
from whisper_nano.start import follow, small_embedding
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


def place(some) -> list[Placed]:
    """Sentences one after another."""
    placed, start = [], 0.2
    for sentence in some:
        placed.append(Placed(sentence, time_phones(sentence, generator()), start))
        start = placed[-1].end
    return placed


def test_all_of_a_step_is_where_its_batch_is(monkeypatch) -> None:
    """On a device that stands for a GPU; most operations refuse what lies on the CPU."""
    device = torch.device("meta")
    monkeypatch.setattr("whisper_nano.network.fast_precision", nullcontext)
    model, head = new_network(64).model.to(device), PhoneHead().to(device)
    layout = lay_out([Region(0, 90), Region(20, 40)], generator())
    frames = layout.frames
    features, accent = torch.zeros(2, 80, 2 * frames), torch.zeros(2, frames)
    phones = torch.zeros(2, frames, dtype=torch.long)
    batch = to_device(SpeechBatch(features, phones, accent, layout, [[], []]), device)
    encodings = encode(model.encoder, batch.features, batch.layout)
    codes = encode_alignment(code_phones(batch.phones), batch.accent, batch.layout.places)
    thinned, chosen = batch.layout.thinned(0.5, generator())
    heard = encodings.gather(1, chosen[..., None].expand(-1, -1, WIDTH))
    inputs = torch.zeros(2, 5, dtype=torch.long, device=device)
    hidden, looks = decode(model.decoder, inputs, heard, thinned, GUIDED_HEADS)
    mask = guidance_mask(torch.zeros(2, 5, 2, device=device), thinned.places)
    loss = (encodings - codes).square().mean() + head(encodings).mean() + hidden.mean()
    loss = loss + (looks[0] * mask).mean()
    loss.backward()
    assert loss.device == device
    with pytest.raises(RuntimeError):
        encode(model.encoder, batch.features, layout)


# -------------------------------------------------------------------------------------------------
# Transcripts


@pytest.mark.parametrize("timed", [True, False])
def test_a_transcript_says_what_is_said_and_where(timed):
    placed = place(sentences())
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
    placed = place(sentences()[:1])
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
    inside = torch.zeros(1, 3, 80)
    for row, frame in enumerate((11, 21, 79)):
        inside[:, row, frame] = 1
    outside = inside.flip(-1)
    heads = len(GUIDED_HEADS)
    assert guidance_loss([inside] * heads, spans, frames) == pytest.approx(0, abs=1e-3)
    assert guidance_loss([outside] * heads, spans, frames) > 5
    some = guidance_loss([inside] * (heads - 1) + [outside], spans, frames)
    assert 1 < some < 5
    assert guidance_loss([inside] * heads, torch.full((1, 3, 2), -1.0), frames) == 0


# -------------------------------------------------------------------------------------------------
# Vocabulary


def test_the_shared_row_counts_for_all_that_it_stands_for(vocabulary):
    embedding = torch.randn(vocabulary.size, WIDTH, generator=torch.Generator().manual_seed(1))
    hidden = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(2)) / WIDTH
    whole = embedding[-1].repeat(WHISPER_TOKENS, 1)
    whole[torch.from_numpy(vocabulary.tokens)] = embedding[:-1]
    tokens = torch.from_numpy(vocabulary.tokens[:5])
    ids = torch.tensor(vocabulary.ids(tokens.tolist()))
    small = vocabulary.cross_entropy(hidden @ embedding.T, ids, smoothing=0)
    large = nn.functional.cross_entropy(hidden @ whole.T, tokens)
    assert small.item() == pytest.approx(large.item(), abs=1e-4)
    assert vocabulary.ids([next(iter(set(range(50_000)) - set(vocabulary.tokens)))]) == [
        vocabulary.size - 1
    ]


def test_unseen_tokens_differ_from_each_other_as_seen_ones_do(vocabulary):
    embedding = torch.randn(vocabulary.size, WIDTH, generator=torch.Generator().manual_seed(1))
    whole = whole_embedding(embedding, vocabulary)
    assert whole.shape == (WHISPER_TOKENS, WIDTH)
    seen = torch.from_numpy(vocabulary.tokens)
    torch.testing.assert_close(whole[seen], embedding[:-1])
    unseen = np.setdiff1d(np.arange(WHISPER_TOKENS), vocabulary.tokens)
    rows = whole[torch.from_numpy(unseen)]
    torch.testing.assert_close(rows.mean(0), 0.4 * embedding[-1], atol=2e-3, rtol=0)
    assert rows.std(0).mean().item() == pytest.approx(0.05, rel=0.01)


def test_a_model_can_be_trained_on(vocabulary):
    embedding = torch.randn(vocabulary.size, WIDTH, generator=torch.Generator().manual_seed(1))
    small = small_embedding(whole_embedding(embedding, vocabulary), vocabulary)
    torch.testing.assert_close(small[:-1], embedding[:-1])
    # It is the median of rows that differ.
    torch.testing.assert_close(small[-1], embedding[-1], atol=5e-3, rtol=0)


def test_an_older_model_can_be_trained_on_too(vocabulary):
    embedding = torch.randn(vocabulary.size, WIDTH, generator=torch.Generator().manual_seed(1))
    whole = embedding[-1].repeat(WHISPER_TOKENS, 1)
    whole[torch.from_numpy(vocabulary.tokens)] = embedding[:-1]
    torch.testing.assert_close(small_embedding(whole, vocabulary), embedding)


def test_a_training_is_followed_a_part_of_the_way(tmp_path, vocabulary):
    def model(seed):
        network = new_network(vocabulary.size, seed).model
        parts = {"encoder": network.encoder, "decoder": network.decoder}
        return whole_model({n: part.state_dict() for n, part in parts.items()}, vocabulary)

    start, trained = model(1), model(2)
    start.save_pretrained(tmp_path)
    before, after = start.state_dict(), {n: w.clone() for n, w in trained.state_dict().items()}
    follow(trained, str(tmp_path), 0.25)
    for name, weights in trained.state_dict().items():
        torch.testing.assert_close(weights, 0.75 * before[name] + 0.25 * after[name])


def test_weights_are_saved_by_module(tmp_path, vocabulary):
    module = nn.Linear(2, 3)
    save_weights(tmp_path / "w.safetensors", {"encoder": module}, vocabulary)
    weights = load_weights(tmp_path / "w.safetensors")
    assert weights.keys() == {"encoder"}
    torch.testing.assert_close(weights["encoder"], dict(module.state_dict()))
    tokens = load_vocabulary(tmp_path / "w.safetensors").tokens
    np.testing.assert_array_equal(tokens, vocabulary.tokens)


# -------------------------------------------------------------------------------------------------
# Layouts


def test_sampled_frames_stand_for_all_that_are_silent():
    layout = lay_out([Region(100, 50), Region(0, 80)], generator())
    assert layout.frames > 80 and layout.places.shape == layout.weight.shape
    assert layout.places[0, :50].tolist() == list(range(100, 150))
    for places, weight in zip(layout.places, layout.weight, strict=True):
        assert len(set(places.tolist())) == layout.frames and places.max() < 1500
        assert weight.exp().sum() == pytest.approx(1500, rel=1e-4)
    thin, chosen = layout.thinned(0.5, generator())
    assert thin.frames == round(layout.frames / 2)
    torch.testing.assert_close(thin.places, layout.places.gather(1, chosen))
    assert thin.weight.exp().sum(1).mean() == pytest.approx(1500, rel=0.5)


def test_a_region_is_inside_its_window():
    for seed in range(50):
        region = put_region(1400, 0.5, generator(seed))
        assert 0 <= region.first <= 100 and region.length == 1400
    assert put_region(2000, 0.5, generator()) == Region(0, 1500)


# -------------------------------------------------------------------------------------------------
# Network


def test_encoding_equals_transformers_on_a_whole_window():
    encoder = new_network(64).model.encoder.eval()
    features = torch.randn(1, 80, 3000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = encoder(features).last_hidden_state
        ours = encode(encoder, features)
    assert (ours - theirs).abs().mean() < 0.02  # ours: bfloat16, where there is


def test_decoding_equals_transformers_on_a_whole_window():
    model = new_network(64).eval()
    # Encoder output differs from frame to frame, or every attention would be right.
    encodings = torch.randn(2, 1500, WIDTH, generator=torch.Generator().manual_seed(0))
    inputs = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(1))
    layout = lay_out([Region(0, 1500)] * 2, generator())
    model.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = model.model.decoder(
            input_ids=inputs, encoder_hidden_states=encodings, output_attentions=True
        )
        hidden, looks = decode(model.model.decoder, inputs, encodings, layout, GUIDED_HEADS)
    assert (hidden - theirs.last_hidden_state).abs().mean() < 0.02
    for (layer, head), look in zip(GUIDED_HEADS, looks, strict=True):
        wanted = theirs.cross_attentions[layer][:, head]
        assert (look - wanted).abs().sum(-1).max() < 0.1


def test_sampled_silence_acts_as_a_whole_window():
    """The encodings of a short region, beside sampled silence, are those of the whole window."""
    encoder = new_network(64).model.encoder.eval()
    features = torch.full((1, 80, 3000), -0.5)
    features[..., :200] = torch.randn(1, 80, 200, generator=torch.Generator().manual_seed(0))
    layout = lay_out([Region(0, 110)], generator())
    short = features[..., : 2 * layout.frames]
    with torch.no_grad():
        whole = encode(encoder, features)[:, :90]
        sampled = encode(encoder, short, layout)[:, :90]
        alone = encode(encoder, features[..., :220])[:, :90]
    assert (sampled - whole).abs().mean() < 0.5 * (alone - whole).abs().mean()


# -------------------------------------------------------------------------------------------------
# Batches


@pytest.mark.parametrize("most", [1, 3])
def test_text_batches(vocabulary, most):
    windows = TextWindows(sentences(), vocabulary, frames=1200)
    for seed in range(5):
        batch = windows.make(most, 0.5, generator(seed))
        task = batch.task
        encodings = batch.simulation.encodings()
        assert encodings.shape == (*task.layout.places.shape, WIDTH)
        assert task.inputs.shape == task.answers.shape == task.spans.shape[:2]
        assert len(task.inputs) == len(encodings)
        assert task.spans.max() <= 1500 and task.inputs.max() < vocabulary.size
        assert encodings.isfinite().all()
        # A network's layer norm gives the same.
        assert encodings.square().mean().item() == pytest.approx(1, abs=0.01)


def test_speech_is_matched_with_its_sentence():
    spoken = match_sentences(utterances(), sentences())
    assert [one.sentence.text for one in spoken] == TEXTS
    assert not match_sentences(utterances(), sentences()[:0])


@pytest.mark.parametrize("most", [1, 3])
def test_speech_batches(most):
    windows = SpeechWindows(utterances(), frames=1200)
    firsts = []
    for seed in range(20):
        batch = windows.make(most, generator(seed))
        assert batch.features.shape == (len(batch.starts), 80, 2 * batch.layout.frames)
        assert batch.features.isfinite().all()
        assert batch.phones.shape == batch.accent.shape == batch.layout.places.shape
        for row, starts in enumerate(batch.starts):
            said = batch.layout.places[row][batch.phones[row] > 0]
            assert bool(len(said)) is bool(starts)
            for index, start in starts[:1]:
                # Where the phones begin is where the transcript says that they do.
                border = start + utterances()[index].borders[1]
                assert said[0] * FRAME_SECONDS == pytest.approx(border, abs=0.03)
                firsts.append(int(said[0]))
    assert min(firsts) <= 1  # speech may begin with the window


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

    def run(state, until: int, workers: int = 0) -> list:
        torch.manual_seed(0)
        module = nn.Linear(3, 1)

        def make(rng: np.random.Generator, done: float) -> tuple[torch.Tensor, float]:
            return torch.from_numpy(rng.standard_normal((4, 3), np.float32)), done

        def learn(batch: tuple[torch.Tensor, float]) -> dict[str, torch.Tensor]:
            sound, done = batch
            if done * 7 >= until:
                raise Killed
            loss = module(sound).square().mean()
            loss.backward()
            return {"loss": loss.detach()}

        train([(module, 0.1)], make, learn, Stage(steps=7, **STAGE), state, workers)
        return [weight.tolist() for weight in module.parameters()]

    unbroken = run(tmp_path / "unbroken", until=7)
    with pytest.raises(Killed):
        run(tmp_path / "killed", until=5)
    assert (tmp_path / "killed" / CHECKPOINT).exists()
    assert run(tmp_path / "killed", until=7) == unbroken
    # Nor does it matter who makes the batches.
    assert run(tmp_path / "workers", until=7, workers=2) == unbroken


def test_batches_are_made_ahead_only_for_a_gpu():
    assert batch_workers(torch.device("cpu"), 16) == 0
    assert batch_workers(torch.device("cuda"), 16) == 15
    assert batch_workers(torch.device("cuda"), 1) == 1
