"""Embeddings do not depend on shards, neighbours or what was there before."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch

from nearkin.embedding import embed
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.prepare import prepare
from nearkin.tables import io
from nearkin.tables.embeddings import embeddings
from scripts.embed_images import embed_images
from tests.unit import encoder_examples as examples

UUIDS = [f"{i:02d}" for i in range(13)]


def images(n=13, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def coarse(n=13, seed=0):
    """Coarse noise, (n, 64, 64, 3)."""
    return images(n, seed).repeat(4, axis=1).repeat(4, axis=2)


def lite0():
    """The real network on small squares, so that a test is quick; the arithmetic is the same."""
    model = {"library": "package", "name": "efficientnet_lite0", "weights": "pretrained"}
    tower, description = prepare(model, {"size": 224, "crop": 0.875, "interpolation": "bicubic"})
    geometry = examples.GEOMETRY | {"size": 64}
    description = dataclasses.replace(description, **geometry, fingerprint="lite0")
    return Encoder(tower, description, torch.device("cpu"))


@pytest.mark.parametrize("make", [examples.encoder, lite0])
def test_one_shard_gives_the_same_bytes_as_three(tmp_path, make):
    encoder = make()
    pixels = coarse() if encoder.description.size == 64 else images()
    whole = embed(encoder, examples.store(tmp_path / "w", pixels, UUIDS), batch=4, known=None, model="m")
    parts = []
    for shard in range(3):
        some = slice(shard, None, 3)
        store = examples.store(tmp_path / str(shard), pixels[some], UUIDS[some])
        parts.append(embed(encoder, store, batch=4, known=None, model="m"))
    joined = pl.concat(parts).sort("uuid")
    assert joined.equals(whole)
    assert joined["emb"].to_numpy().tobytes() == whole["emb"].to_numpy().tobytes()


def test_equal_images_get_equal_bits_wherever_they_stand(tmp_path):
    same = np.repeat(coarse(1), 13, axis=0)
    table = embed(lite0(), examples.store(tmp_path / "s", same, UUIDS), batch=4, known=None, model="m")
    assert len({row.tobytes() for row in table["emb"].to_numpy()}) == 1


class Counting(Encoder):
    """An encoder that counts the batches it is given."""

    n_batches = 0

    def embed(self, pixels):
        self.n_batches += 1
        return super().embed(pixels)


def test_known_rows_are_taken_over_by_content(tmp_path):
    pixels = images()
    first = embed(
        examples.encoder(),
        examples.store(tmp_path / "a", pixels[:9], UUIDS[:9]),
        batch=4,
        known=None,
        model="m",
    )
    pixels[2] ^= 1  # another picture under an old name
    store = examples.store(tmp_path / "b", pixels, UUIDS)
    counting = Counting(examples.tower(), examples.description(), torch.device("cpu"))
    again = embed(counting, store, batch=4, known=first, model="m")
    assert counting.n_batches == 2  # 13 images, 8 of them known
    assert again.equals(embed(examples.encoder(), store, batch=4, known=None, model="m"))


def test_the_script_reuses_only_what_the_same_encoder_made_in_the_same_way(tmp_path, monkeypatch, caplog):
    examples.install(monkeypatch)
    caplog.set_level("INFO")
    weights, description, told = examples.folder(tmp_path)
    examples.store(tmp_path / "0.arrow", images(), UUIDS)
    out = tmp_path / "0.parquet"

    def run(batch=4):
        caplog.clear()
        embed_images(
            weights,
            description,
            tmp_path / "0.arrow",
            out,
            batch=batch,
            arithmetic_threads=1,
            dataset="d",
            model="m",
        )
        return next(r.message for r in caplog.records if r.name == "nearkin.embedding")

    assert run() == "embedded 13, reused 0"
    before = out.read_bytes()
    assert run() == "embedded 0, reused 13"
    assert out.read_bytes() == before
    assert run(batch=5) == "embedded 13, reused 0"
    examples.folder(tmp_path, seed=1)
    assert run(batch=5) == "embedded 13, reused 0"
    out.write_bytes(before[:-9])
    assert run() == "embedded 13, reused 0"
    assert io.metadata(out)["fingerprint"] != told.fingerprint
    assert len(io.read(out, embeddings(6))) == 13


def test_an_empty_shard_has_no_rows(tmp_path):
    store = examples.store(tmp_path / "s", images(0), [])
    table = embed(examples.encoder(), store, batch=4, known=None, model="m")
    assert table.shape == (0, 3) and table.schema["emb"] == pl.Array(pl.Float32, 6)


@pytest.mark.parametrize("bias, what", [(float("nan"), "is not finite"), (0.0, "is zero")])
def test_a_vector_that_is_none_names_image_and_model(tmp_path, bias, what):
    encoder = examples.encoder()
    encoder.tower.trunk.head.weight.data.zero_()
    encoder.tower.trunk.head.bias.data.fill_(bias)
    store = examples.store(tmp_path / "s", images(), UUIDS)
    with pytest.raises(ValueError, match=f"image 00 by model 'tuned' {what}"):
        embed(encoder, store, batch=4, known=None, model="tuned")


def test_pixels_of_another_geometry_are_refused(tmp_path):
    store = examples.store(tmp_path / "s", images(), UUIDS)
    encoder = Encoder(examples.tower(), examples.description(crop=0.5), torch.device("cpu"))
    with pytest.raises(ValueError, match="pixels are .* but model 'm' needs"):
        embed(encoder, store, batch=4, known=None, model="m")
