"""An encoder's folder: whole, unchanged, and without code."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from nearkin.encoders.encoder import fingerprint_encoder, load_encoder, read_spec, save_encoder
from tests.factories import encoders as examples


@pytest.fixture
def folder(tmp_path, monkeypatch):
    examples.install(monkeypatch)
    return examples.folder(tmp_path)


def make_images(n=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def test_a_loaded_encoder_gives_unit_vectors_of_its_own_preprocessing(folder):
    encoder = load_encoder(*folder[:2])
    vectors = encoder.embed(make_images())
    assert vectors.shape == (3, encoder.width) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    prepared = (torch.from_numpy(make_images()).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    with torch.inference_mode():
        expected = examples.tower().trunk(prepared).numpy()
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_a_projection_belongs_to_the_encoder(tmp_path, monkeypatch, folder):
    plain = load_encoder(*folder[:2]).embed(make_images())
    tower = examples.tower()
    tower.projection = torch.nn.Linear(6, 6, bias=False)
    tower.projection.weight.data = torch.diag(torch.tensor([3.0, 1, 1, 1, 1, 1]))
    paths = tmp_path / "w.safetensors", tmp_path / "e.json"
    save_encoder(tower, examples.description(projection=True), *paths)
    scaled = load_encoder(*paths).embed(make_images())
    expected = plain * [3, 1, 1, 1, 1, 1]
    assert np.allclose(scaled, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


def test_flipped_bytes_are_reported(folder):
    path = folder[0]
    data = path.read_bytes()
    for position in (0, 20, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
        with pytest.raises(ValueError, match="weights.safetensors"):
            load_encoder(*folder[:2])
    path.write_bytes(data[:-3])
    with pytest.raises(ValueError, match="weights.safetensors: not a whole safetensors file"):
        load_encoder(*folder[:2])


@pytest.mark.parametrize("key, value", [("mean", [0.4, 0.5, 0.5]), ("crop_pct", 0.9), ("width", 7)])
def test_a_changed_description_is_reported(folder, key, value):
    path = folder[1]
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ValueError, match="does not have the fingerprint"):
        load_encoder(*folder[:2])


def test_a_pickle_is_refused_and_not_run(folder, tmp_path):
    class Code:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    folder[0].write_bytes(pickle.dumps(Code()))
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_encoder(*folder[:2])
    assert not (tmp_path / "ran").exists()


def test_the_fingerprint_depends_on_names_types_and_shapes(folder):
    tensors, description = load_file(folder[0]), read_spec(folder[1])
    first = next(iter(tensors))
    same = dict(reversed(tensors.items()))
    assert fingerprint_encoder(same, description) == description.fingerprint
    for other in (tensors | {first: tensors[first].double()}, tensors | {first: tensors[first].flatten()}):
        assert fingerprint_encoder(other, description) != description.fingerprint


def test_equal_weights_give_equal_bytes(tmp_path, folder):
    (tmp_path / "again").mkdir()
    again = examples.folder(tmp_path / "again")
    assert [path.read_bytes() for path in again[:2]] == [path.read_bytes() for path in folder[:2]]


def test_weights_that_are_not_finite_are_refused(tmp_path):
    tower = examples.tower()
    tower.trunk.head.bias.data[0] = float("nan")
    with pytest.raises(ValueError, match="trunk.head.bias"):
        save_encoder(tower, examples.description(), tmp_path / "w", tmp_path / "e")
    assert not (tmp_path / "w").exists()


def test_an_invalid_description_is_refused(folder, tmp_path):
    for text in ("", "[]", "{}", '{"mean": 3}'):
        (tmp_path / "e.json").write_text(text)
        with pytest.raises(ValueError, match="e.json: not the description of an encoder"):
            read_spec(tmp_path / "e.json")


def test_a_description_cannot_fetch_an_architecture(folder, tmp_path):
    tensors = load_file(folder[0])
    architecture = {"library": "timm", "name": "hf-hub:somebody/net", "options": {}}
    description = examples.description(architecture=architecture)
    description = examples.description(
        architecture=architecture, fingerprint=fingerprint_encoder(tensors, description)
    )
    save_file(tensors, tmp_path / "w.safetensors")
    (tmp_path / "e.json").write_text(json.dumps(vars(description)))
    with pytest.raises(ValueError, match="no architecture that is built in"):
        load_encoder(tmp_path / "w.safetensors", tmp_path / "e.json")
