"""Embeddings do not depend on shards, batch neighbours or previous outputs."""

import dataclasses
import weakref

import numpy as np
import polars as pl
import pytest
import torch

from nearkin.embeddings import shard_files
from nearkin.embeddings.embed import PREFETCH_BATCHES, embed_pixels, fingerprint_embeddings
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.prepare import build_encoder
from nearkin.storage import tables
from nearkin.tables.embeddings import make_embeddings_schema
from scripts.embed_images import embed_images
from tests.factories import encoders as examples

UUIDS = [f"{i:02d}" for i in range(13)]


def make_images(n=13, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def make_coarse_images(n=13, seed=0):
    """Coarse noise, (n, 64, 64, 3)."""
    return make_images(n, seed).repeat(4, axis=1).repeat(4, axis=2)


def make_lite0():
    """The real network on small squares, so that a test is quick; the arithmetic is the same."""
    model = {"library": "pip_weights", "name": "efficientnet_lite0", "weights": "pretrained"}
    tower, description = build_encoder(model, {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"})
    geometry = examples.GEOMETRY | {"size": 64}
    description = dataclasses.replace(description, **geometry, fingerprint="lite0")
    return Encoder(tower, description, torch.device("cpu"))


def embed_all(encoder, store, cached=None):
    """All parts of a shard's embeddings as one table."""
    return pl.concat(embed_pixels(encoder, store, batch_size=4, cached=cached, model="m"))


@pytest.mark.parametrize("make", [examples.encoder, make_lite0])
def test_one_shard_gives_the_same_bytes_as_three(tmp_path, make):
    encoder = make()
    pixels = make_coarse_images() if encoder.description.size == 64 else make_images()
    whole = embed_all(encoder, examples.store(tmp_path / "w", pixels, UUIDS))
    parts = []
    for shard in range(3):
        rows = slice(shard, None, 3)
        store = examples.store(tmp_path / str(shard), pixels[rows], UUIDS[rows])
        parts.append(embed_all(encoder, store))
    joined = pl.concat(parts).sort("uuid")
    assert joined.equals(whole)
    assert joined["emb"].to_numpy().tobytes() == whole["emb"].to_numpy().tobytes()


def test_equal_images_get_equal_bits_at_any_position(tmp_path):
    same = np.repeat(make_coarse_images(1), 13, axis=0)
    table = embed_all(make_lite0(), examples.store(tmp_path / "s", same, UUIDS))
    assert len({row.tobytes() for row in table["emb"].to_numpy()}) == 1


class CountingEncoder(Encoder):
    """An encoder that counts the batches it is given."""

    n_batches = 0

    def launch(self, make_images):
        self.n_batches += 1
        return super().launch(make_images)


@pytest.mark.parametrize("row_group_rows", [3, 2048])
def test_cached_rows_are_reused_by_content(tmp_path, monkeypatch, row_group_rows):
    monkeypatch.setattr("nearkin.embeddings.embed.ROW_GROUP_ROWS", row_group_rows)
    monkeypatch.setattr("nearkin.embeddings.shard_files.ROW_GROUP_ROWS", row_group_rows)
    pixels, old = make_images(), tmp_path / "old.parquet"
    first = examples.store(tmp_path / "a", pixels[:9], UUIDS[:9])
    parts = embed_pixels(examples.encoder(), first, batch_size=4, cached=None, model="m")
    shard_files.write_shard(parts, old, width=6)
    pixels[2] ^= 1  # another picture with an old uuid
    store = examples.store(tmp_path / "b", pixels[1:], UUIDS[1:])
    encoder = CountingEncoder(examples.tower(), examples.description(), torch.device("cpu"))
    again = embed_all(encoder, store, cached=shard_files.ExistingShard(old))
    assert encoder.n_batches == 2  # 12 images, 7 of them cached
    assert again.equals(embed_all(examples.encoder(), store))


def test_the_script_reuses_only_vectors_with_equal_settings(tmp_path, monkeypatch, caplog):
    examples.install(monkeypatch)
    caplog.set_level("INFO")
    weights, description, spec = examples.folder(tmp_path)
    store = examples.store(tmp_path / "0.arrow", make_images(), UUIDS)
    out = tmp_path / "0.parquet"

    def run(batch=4, precision="fp32"):
        caplog.clear()
        embed_images(
            weights,
            description,
            store,
            out,
            precision=precision,
            batch_size=batch,
            encoder_threads=1,
            dataset="d",
            model="m",
        )
        return next(r.message for r in caplog.records if r.name == "nearkin.embeddings.embed")

    assert run() == "embedded 13, reused 0"
    before = out.read_bytes()
    assert run() == "embedded 0, reused 13"
    assert out.read_bytes() == before
    assert run(batch=5) == "embedded 13, reused 0"
    assert run(batch=5, precision="bf16") == "embedded 13, reused 0"
    examples.folder(tmp_path, seed=1)
    assert run(batch=5) == "embedded 13, reused 0"
    out.write_bytes(before[:-9])
    assert run() == "embedded 13, reused 0"
    assert tables.read_metadata(out)["fingerprint"] != spec.fingerprint
    assert (tables.read_metadata(out)["precision"], tables.read_metadata(out)["decode"]) == ("fp32", "exact")
    assert len(tables.read(out, make_embeddings_schema(6))) == 13


def test_an_empty_shard_has_no_rows(tmp_path):
    store = examples.store(tmp_path / "s", make_images(0), [])
    table = embed_all(examples.encoder(), store)
    assert table.shape == (0, 3) and table.schema["emb"] == pl.Array(pl.Float32, 6)


@pytest.mark.parametrize("bias, problem", [(float("nan"), "is not finite"), (0.0, "is zero")])
def test_an_invalid_vector_is_reported_with_image_and_model(tmp_path, bias, problem):
    encoder = examples.encoder()
    encoder.tower.trunk.head.weight.data.zero_()
    encoder.tower.trunk.head.bias.data.fill_(bias)
    store = examples.store(tmp_path / "s", make_images(), UUIDS)
    with pytest.raises(ValueError, match=f"image 00 by model 'tuned' {problem}"):
        list(embed_pixels(encoder, store, batch_size=4, cached=None, model="tuned"))


def test_pixels_of_another_geometry_are_refused(tmp_path):
    store = examples.store(tmp_path / "s", make_images(), UUIDS)
    encoder = Encoder(examples.tower(), examples.description(crop_pct=0.5), torch.device("cpu"))
    with pytest.raises(ValueError, match="pixels are .* but model 'm' needs"):
        embed_all(encoder, store)


def test_the_fingerprint_depends_on_precision_and_decoding():
    fingerprints = {}
    for precision in ("fp32", "tf32", "bf16"):
        description = examples.description(fingerprint="f")
        encoder = Encoder(examples.tower(), description, torch.device("cpu"), precision=precision)
        fingerprints |= {
            (precision, decode): fingerprint_embeddings(encoder, decode) for decode in ("exact", "fast")
        }
    assert fingerprints["fp32", "exact"] == "f"
    assert len(set(fingerprints.values())) == 6


class ConstantSource:
    """A source of n equal pictures that counts the batches in memory."""

    geometry, decode = examples.GEOMETRY, "exact"

    def __init__(self, n):
        self.uuids, self.sha256s = [f"{i:06d}" for i in range(n)], ["0"] * n
        self.n_alive, self.peak = 0, 0

    def __len__(self):
        return len(self.uuids)

    def read_batch(self, rows):
        batch = np.zeros((len(rows), 16, 16, 3), dtype=np.uint8)
        weakref.finalize(batch, self._free)
        self.n_alive += 1
        self.peak = max(self.peak, self.n_alive)
        return batch

    def _free(self):
        self.n_alive -= 1


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_memory_does_not_grow_with_the_shard(monkeypatch, device):
    monkeypatch.setattr("nearkin.embeddings.embed.ROW_GROUP_ROWS", 16)
    monkeypatch.setitem(PREFETCH_BATCHES, "cpu", PREFETCH_BATCHES[device])
    peaks = []
    for n in (32, 512):
        source = ConstantSource(n)
        lengths = [
            len(part)
            for part in embed_pixels(examples.encoder(), source, batch_size=4, cached=None, model="m")
        ]
        assert max(lengths) == 16 and sum(lengths) == n
        peaks.append(source.peak)
    assert max(peaks) <= 6  # batches: two ahead, one being built, two launched, one returned


def test_the_next_batch_launches_before_the_last_is_collected(tmp_path):
    calls = []

    class RecordingEncoder(Encoder):
        def launch(self, make_images):
            calls.append("launch")
            return super().launch(make_images)

        def collect(self, batch):
            calls.append("collect")
            return super().collect(batch)

    encoder = RecordingEncoder(examples.tower(), examples.description(), torch.device("cpu"))
    embed_all(encoder, examples.store(tmp_path / "s", make_images(12), UUIDS[:12]))
    assert calls == ["launch", "launch", "collect", "launch", "collect", "collect"]
