"""A training that is killed ten times ends with the weights and the table of an uninterrupted one."""

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
from tests.factories.training import make_species_datasets, make_study

ROOT = Path(__file__).parents[3]
RECIPE = recipe_of(trainable="all", epochs=100, batch_size=4, sample_rate=0.75, augment="rand_augment")


def main(folder):
    """Train in a folder; resume from its state, if it has one."""
    labels, splits, images = make_study()
    store = examples.store(folder / "pixels.arrow", images, labels["uuid"].to_list())
    encoder = examples.encoder()
    settings = {"recipe": RECIPE, "state_path": folder / "state", "save_seconds": 0}
    outcome = train(encoder, make_species_datasets(labels, splits, [store]), **settings)
    outcome.table.write_parquet(folder / "table.parquet")
    save_file(encoder.tower.state_dict(), folder / "weights.safetensors")


def start_training(folder):
    """A process that trains in a folder."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tests.unit.finetune.test_killed import *; main(Path(sys.argv[1]))",
    ]
    return subprocess.Popen([*command, folder], cwd=ROOT)


def read_outputs(folder):
    """The bytes of the table and of the weights."""
    return [(folder / name).read_bytes() for name in ("table.parquet", "weights.safetensors")]


@pytest.mark.slow
def test_ten_kills_do_not_change_weights_or_table(tmp_path):
    reference_folder, resumed_folder = tmp_path / "whole", tmp_path / "killed"
    reference_folder.mkdir(), resumed_folder.mkdir()
    assert start_training(reference_folder).wait() == 0
    delays, state = random.Random(1), resumed_folder / "state"  # noqa: S311
    for _ in range(10):
        old_mtime = state.stat().st_mtime_ns if state.exists() else 0
        with start_training(resumed_folder) as run:
            while run.poll() is None and (not state.exists() or state.stat().st_mtime_ns == old_mtime):
                time.sleep(0.01)
            time.sleep(delays.uniform(0, 0.2))
            run.kill()
        assert not (resumed_folder / "weights.safetensors").exists(), "it ended before it could be killed"
    assert start_training(resumed_folder).wait() == 0
    assert read_outputs(resumed_folder) == read_outputs(reference_folder)
