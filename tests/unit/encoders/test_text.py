"""Caption vectors equal those of open_clip's own model, from any of its checkpoints; or an error."""

import numpy as np
import open_clip
import polars as pl
import pytest
import torch
from open_clip import factory

from nearkin.encoders.text import load_text_encoder, prepare_text_encoder
from nearkin.finetune.pseudo_labels import mean_with_captions
from nearkin.storage import tables
from nearkin.storage.atomic import DamagedError
from nearkin.tables.embeddings import make_caption_embeddings_schema
from nearkin.tables.labels import Captions
from scripts.embed_captions import embed_captions
from tests.factories.random_study import labels_of

TEXTS = ["a fish", "Parus major, a bird with a yellow breast", "word " * 200]


@pytest.fixture
def clip(monkeypatch):
    """A small CLIP with CLIP's own tokens, under its own name."""
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny", config)
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Foreign", config | {"text_cfg": {"hf_model_name": "o/x"}})
    torch.manual_seed(0)
    return open_clip.create_model("Tiny").eval()


def make_model(weights="random", name="Tiny"):
    return {"library": "open_clip", "name": name, "weights": str(weights)}


def add_text_prefix(tensors):
    """The same tensors with the names that open_clip gives them in models with a separate text tower."""
    return {
        name if name.startswith(("visual.", "logit_scale")) else f"text.{name}": value
        for name, value in tensors.items()
    }


@pytest.mark.parametrize("rename", [dict, add_text_prefix])
def test_vectors_equal_those_of_open_clip(clip, tmp_path, rename):
    torch.save(rename(clip.state_dict()), tmp_path / "w.pt")
    prepare_text_encoder(make_model(tmp_path / "w.pt"), tmp_path / "t.safetensors")
    vectors = load_text_encoder(tmp_path / "t.safetensors").embed(TEXTS)
    with torch.inference_mode():
        expected = clip.encode_text(open_clip.get_tokenizer("Tiny")(TEXTS), normalize=True).numpy()
    assert vectors.dtype == np.float32 and abs(vectors - expected).max() < 1e-6


def test_random_weights_follow_their_seed(clip, tmp_path):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        prepare_text_encoder(make_model() | {"seed": seed}, tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_models_without_a_text_encoder_are_reported(clip, tmp_path):
    torch.save(clip.visual.state_dict(), tmp_path / "image.pt")
    with pytest.raises(ValueError, match="image.pt': no text tower in it; name the whole"):
        prepare_text_encoder(make_model(tmp_path / "image.pt"), tmp_path / "t")
    with pytest.raises(ValueError, match="'Foreign' does not read texts in CLIP's own tokens .*'o/x'"):
        prepare_text_encoder(make_model(name="Foreign"), tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_a_damaged_file_is_reported(clip, tmp_path):
    path = tmp_path / "t.safetensors"
    prepare_text_encoder(make_model(), path)
    content = path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for damaged, message in [
        (flipped, "own fingerprint"),
        (content[:-9], "no whole"),
        (b"", "no whole"),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match=f"t.safetensors: .*{message}"):
            load_text_encoder(path)


def test_every_caption_gets_its_vector(clip, tmp_path):
    labels = labels_of(["Aa aa"] * 5)
    texts = pl.Series(["a fish", "a bird", "a fish", "x", "a bird"])
    captions = labels.with_columns(caption=texts, caption_source=pl.lit("delivered"))
    tables.write(captions, tmp_path / "captions.parquet", Captions)
    prepare_text_encoder(make_model(), tmp_path / "t.safetensors")
    paths = tmp_path / "t.safetensors", tmp_path / "captions.parquet", tmp_path / "e.parquet"
    embed_captions(*paths, encoder_threads=1, metadata={"dataset": "d", "model": "m"})
    table = tables.read(paths[2], make_caption_embeddings_schema(8)).join(captions, on="uuid")
    encoder = load_text_encoder(paths[0])
    expected = np.concatenate([encoder.embed([text]) for text in table["caption"]])
    assert len(table) == 5
    assert np.allclose(table["emb"].to_numpy(), expected, atol=1e-6)


def test_a_vector_that_is_not_finite_is_reported(clip, tmp_path):
    clip.text_projection.data[:] = float("nan")
    torch.save(clip.state_dict(), tmp_path / "w.pt")
    prepare_text_encoder(make_model(tmp_path / "w.pt"), tmp_path / "t.safetensors")
    with pytest.raises(ValueError, match="the caption 'a fish' is not finite, or zero; take other weights"):
        load_text_encoder(tmp_path / "t.safetensors").embed(TEXTS)


def test_the_mean_of_image_and_caption_has_unit_length():
    images, captions = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[0, 2, 1]]
    means = mean_with_captions(images, captions)
    half = 0.5**0.5
    assert np.allclose(means, [[1, 0, 0], [0, half, half], [0, half, half]])
