"""A training killed ten times in a row ends with the weights and the table of an uninterrupted one."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import save_file

from nearkin.finetune.train import train
from tests.factories import encoders as examples
from tests.factories.recipes import recipe_of
from tests.factories.training import study, taught_by

ROOT = Path(__file__).parents[3]
RECIPE = recipe_of(trainable="all", epochs=100, batch_size=4, sample_rate=0.75, augment="rand_augment")


def main(folder):
    """Train in a folder, from the state that is there."""
    labels, splits, images = study()
    store = examples.store(folder / "pixels.arrow", images, labels["uuid"].to_list())
    encoder = examples.encoder()
    settings = {"recipe": RECIPE, "state_path": folder / "state", "save_seconds": 0}
    outcome = train(encoder, taught_by(labels, splits, [store]), **settings)
    outcome.table.write_parquet(folder / "table.parquet")
    save_file(encoder.tower.state_dict(), folder / "weights.safetensors")


def started(folder):
    command = [
        sys.executable,
        "-c",
        "import sys; from tests.unit.finetune.test_killed import *; main(Path(sys.argv[1]))",
    ]
    return subprocess.Popen([*command, folder], cwd=ROOT)


def made(folder):
    return [(folder / name).read_bytes() for name in ("table.parquet", "weights.safetensors")]


@pytest.mark.slow
def test_ten_kills_in_a_row_change_no_bit(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    assert started(whole).wait() == 0
    moments, state = random.Random(1), killed / "state"  # noqa: S311
    for _ in range(10):
        before = state.stat().st_mtime_ns if state.exists() else 0
        with started(killed) as run:
            while run.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.2))
            run.kill()
        assert not (killed / "weights.safetensors").exists(), "it was done before it could be killed"
    assert started(killed).wait() == 0
    assert made(killed) == made(whole)
