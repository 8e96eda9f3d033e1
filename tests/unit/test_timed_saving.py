"""When a checkpoint is written within an epoch."""

from types import SimpleNamespace

import pytest

from whisper_terms import timed_saving
from whisper_terms.timed_saving import TimedSaving


class TestTimedSaving:
    @pytest.fixture
    def clock(self, monkeypatch):
        clock = SimpleNamespace(now=0.0)
        monkeypatch.setattr(timed_saving, "AFTER", 10.0)
        monkeypatch.setattr(timed_saving.time, "monotonic", lambda: clock.now)
        return clock

    def asks(self, saving: TimedSaving, epoch: float) -> bool:
        control = SimpleNamespace(should_save=False)
        saving.on_step_end(SimpleNamespace(device="cpu"), SimpleNamespace(epoch=epoch), control)
        return control.should_save

    def test_when_the_last_one_is_too_long_ago(self, clock):
        saving = TimedSaving()
        clock.now = 10.0
        assert not self.asks(saving, 0.5)
        clock.now = 11.0
        assert self.asks(saving, 0.5)
        saving.on_save(None, None, None)
        clock.now = 20.0
        assert not self.asks(saving, 0.6)

    def test_not_at_the_end_of_an_epoch(self, clock):
        # A training that goes on from there would leave the epoch's evaluation out.
        saving = TimedSaving()
        clock.now = 11.0
        assert not self.asks(saving, 2.0)

    def test_seldom_where_writing_takes_long(self, clock):
        saving = TimedSaving()
        clock.now = 11.0
        assert self.asks(saving, 0.5)
        clock.now = 13.0
        saving.on_save(None, None, None)
        clock.now = 53.0
        assert not self.asks(saving, 0.6)
        clock.now = 53.5
        assert self.asks(saving, 0.6)

    def test_the_checkpoint_of_an_epoch_counts_as_one(self, clock):
        saving = TimedSaving()
        clock.now = 9.0
        saving.on_save(None, None, None)
        clock.now = 18.0
        assert not self.asks(saving, 1.5)
        clock.now = 19.5
        assert self.asks(saving, 1.5)
