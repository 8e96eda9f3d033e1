"""Another sample rate for speech: SciPy's filter, without SciPy."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from whisper_terms.speech.resampling import resample

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow_scripts"
# 48 kHz, the same with other vocal tracts, rates of other engines, and of telephones.
RATES = [48_000, 43_200, 51_360, 44_100, 24_000, 22_050, 16_000, 8_000, 47_777]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("length", [1, 2, 33, 34, 1_000, 30_011])
def test_it_is_scipys_filter(rate, length):
    ratio = Fraction(16_000, rate).limit_denominator(1000)
    samples = np.random.default_rng(0).uniform(-1, 1, length).astype(np.float32)
    made = resample(samples, rate, 16_000)
    wanted = resample_poly(samples, ratio.numerator, ratio.denominator)
    assert made.dtype == np.float32 and made.shape == wanted.shape
    np.testing.assert_allclose(made, wanted, atol=1e-6)


def test_neither_threads_nor_the_kind_of_cpu_change_a_bit():
    code = (
        "import sys, numpy as np; from whisper_terms.speech.resampling import resample\n"
        "samples = np.random.default_rng(0).uniform(-1, 1, 200_000).astype(np.float32)\n"
        "for rate in map(int, sys.argv[1:]):\n"
        "    sys.stdout.buffer.write(resample(samples, rate, 16_000).tobytes())\n"
    )
    command = [sys.executable, "-c", code, *map(str, RATES)]
    plain = {name: value for name, value in os.environ.items() if "OPENBLAS" not in name}
    here, threaded, elsewhere = (
        subprocess.run(
            command, cwd=SCRIPTS, env=plain | settings, capture_output=True, check=True
        ).stdout
        for settings in (
            {"OPENBLAS_NUM_THREADS": "1"},
            {"OPENBLAS_NUM_THREADS": "2"},
            # As a CPU without AVX would take the products; of no effect on others than x86.
            {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"},
        )
    )
    assert here and here == threaded == elsewhere


def test_nothing_stays_nothing():
    assert resample(np.zeros(0, np.float32), 48_000, 16_000).shape == (0,)


@pytest.mark.parametrize("script", ["synthesise_shard", "synthesise_replay", "settle_readings"])
def test_scipy_is_not_loaded_to_speak(script):
    code = f"import sys, {script}, whisper_terms.speech.openjtalk; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert "numpy" in loaded and not {name for name in loaded if name.startswith("scipy")}
