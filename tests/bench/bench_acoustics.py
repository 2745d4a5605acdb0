"""Hybrid millidecades of a recording at 48 kHz: ours beside pypam (in a venv of its own) and plain scipy.signal.welch.

    python tests/bench/bench_acoustics.py [hours]

Prints, for one core, seconds of sound per CPU second, without imports, peak resident memory, and the ratio to each peer
in the same run. Ours streams the whole recording (24 hours by default: 8.3 GB of WAV in a temporary folder); peers get
ten minutes of it. Where pypam cannot be installed, that is said and Welch stands alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

RATE = 48_000
TAIL = """
import json, re, resource
used = resource.getrusage(resource.RUSAGE_SELF)
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(json.dumps([used.ru_utime + used.ru_stime - started, int(peak) / 1024]))
"""
START = "import time; started = time.process_time()"
OURS = f"""
import sys; from pathlib import Path
from processors.acoustics.processor import PamParameters, processor
from processors.engine import open_engine
from processors.protocol import Input
{START}
chosen = PamParameters(analysis="HMB", plot="none", calibration={{"type": "EE", "Si": -170}})
inputs = {{"recording": [Input(Path(one).name, Path(one), "") for one in sys.argv[2:]]}}
with open_engine("inline", Path(sys.argv[1])) as engine:
    list(processor.run(inputs, chosen, engine))
"""
WELCH = f"""
import sys; import numpy, scipy.signal, soundfile
{START}
for path in sys.argv[2:]:
    for block in soundfile.blocks(path, blocksize=60 * 48000):
        scipy.signal.welch(block, 48000, "hann", 48000, detrend=False)
"""
PYPAM = f"""
import sys; from pathlib import Path
import pyhydrophone, pypam
{START}
phone = pyhydrophone.SoundTrap(name="s", model="ST300HF", sensitivity=-170, serial_number=67416073, gain_type="High")
for path in sys.argv[2:]:
    file = pypam.AcuFile(Path(path), hydrophone=phone, p_ref=1.0, timezone="UTC")
    file.hybrid_millidecade_bands(nfft=48000, fft_overlap=0.5, binsize=60, db=True, method="density")
"""


def make(folder, hours):
    """Write hours of noise with a tone, one file each (ten minutes where there are fewer), as 16 bit WAV."""
    import soundfile

    minute = np.random.default_rng(1).normal(0, 0.05, RATE * 60)
    minute += 0.1 * np.sin(2 * np.pi * 1000 * np.arange(minute.size) / RATE)
    samples = np.round(minute * 2**15).astype("int16")
    paths = []
    for hour in range(hours):
        paths.append(folder / f"67416073.210610{hour % 24:02d}0000.wav")
        with soundfile.SoundFile(paths[-1], "w", RATE, 1, "PCM_16") as file:
            for _ in range(60):
                file.write(samples)
    return paths


def measure(python, code, *arguments):
    """Run code in a fresh process and return its CPU seconds and peak MiB."""
    done = subprocess.run(
        [python, "-c", code + TAIL, *map(str, arguments)], capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def peer(folder):
    """Make a venv with pypam and return its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "lifewatch-pypam"], check=True)
    return python


def main():
    """Print one line per program."""
    import soundfile

    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "out").mkdir()
        (folder / "short").mkdir()
        paths = make(folder, hours)
        short = folder / "short" / paths[0].name
        soundfile.write(short, soundfile.read(paths[0], frames=600 * RATE, dtype="int16")[0], RATE)
        speed = {}
        programs = {
            "iaos": (lambda: measure(sys.executable, OURS, folder / "out", *paths), hours * 3600),
            "welch": (lambda: measure(sys.executable, WELCH, folder, short), 600),
            "pypam": (lambda: measure(peer(folder / "venv"), PYPAM, folder, short), 600),
        }
        for program, (run, seconds) in programs.items():
            try:
                cpu, peak = run()
            except (RuntimeError, subprocess.CalledProcessError) as trouble:
                print(f"{program:6} not measured: {trouble}")
                continue
            speed[program] = seconds / cpu
            ratio = speed["iaos"] / speed[program]
            told = f"{speed[program]:6.0f} x real time  peak {peak:5.0f} MiB  iaos is {ratio:.1f} x as fast"
            print(f"{program:6} {seconds:6} s  cpu {cpu:7.1f} s  {told}")


if __name__ == "__main__":
    main()
