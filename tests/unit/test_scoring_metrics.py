import math

import pytest

from whisper_terms.scoring.metrics import CharacterErrorRate


@pytest.fixture
def metric(tmp_path):
    return CharacterErrorRate(cache_dir=str(tmp_path))


def test_it_is_the_micro_average_after_normalisation(metric):
    result = metric.compute(
        predictions=["肺縁です", "パイ トーチ", "はい"],
        references=["肺炎です。", "パイトーチ", ""],
    )
    assert result == {"cer": pytest.approx((1 + 0 + 2) / (4 + 5 + 0))}


def test_only_silence(metric):
    assert math.isnan(metric.compute(predictions=["はい"], references=[""])["cer"])
