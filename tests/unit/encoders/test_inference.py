"""An optimised encoder gives the vectors of its own transform and forward, or close ones when rounded."""

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform
from torch import nn

from nearkin.encoders import class_token, inference, onednn
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.prepare import build_encoder
from nearkin.images.reader import resize_and_crop
from tests.factories import encoders as examples

SQUARE = {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"}
MODELS = {
    "lite0": ({"library": "pip_weights", "name": "efficientnet_lite0", "weights": "pretrained"}, SQUARE),
    "timm": (
        {"library": "timm", "name": "test_vit", "weights": "random"},
        SQUARE | {"size": 160, "crop_pct": 0.95},
    ),
    "open_clip": (
        {"library": "open_clip", "name": "ViT-S-32", "weights": "random"},
        SQUARE | {"crop_pct": 1.0},
    ),
}


CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"))


def make_photos():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (3, 9, 12, 3), dtype=np.uint8)
    return [Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC) for pixels in coarse]


def compute_reference(tower, description):
    """The vectors of the library's own transform and forward, without any code of this project."""
    transform = create_transform(
        (3, description.size, description.size), interpolation=description.interpolation,
        mean=description.mean, std=description.std, crop_pct=description.crop_pct,
    )  # fmt: skip
    with torch.inference_mode():
        features = tower.trunk(torch.stack([transform(photo) for photo in make_photos()])).double()
    return nn.functional.normalize(features).numpy()


def optimise(name, precision, device="cpu"):
    tower, description = build_encoder(*MODELS[name])
    return inference.optimise_for_inference(
        Encoder(tower, description, torch.device(device)), precision=precision
    )


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("name", MODELS)
def test_optimised_encoders_equal_their_transform_and_forward(name, device):
    tower, description = build_encoder(*MODELS[name])
    expected = compute_reference(tower.eval(), description)
    pixels = np.stack([resize_and_crop(photo, description.geometry) for photo in make_photos()])
    exact = optimise(name, "fp32", device)
    vectors = exact.embed(pixels)
    assert abs(vectors - expected).max() < 1e-5
    assert np.array_equal(exact.embed(pixels[::-1].copy())[::-1], vectors)
    rounded = optimise(name, "bf16", device)
    cosines = (rounded.embed(pixels) * expected).sum(axis=1)
    assert cosines.min() > 0.995 and cosines.max() < 1 - 1e-9
    for encoder in (exact, rounded):
        fast = device == "cpu" and onednn.has_onednn(encoder.tower.dtype)
        assert encoder.products == ("oneDNN" if fast else "torch")


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_tf32_has_an_effect_only_on_cuda(device):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    exact, reduced = (optimise("timm", precision, device).embed(pixels) for precision in ("fp32", "tf32"))
    assert np.allclose(reduced, exact, atol=0 if device == "cpu" else 1e-2)


def test_the_last_block_of_a_clip_transformer_computes_one_token():
    trunk = optimise("open_clip", "fp32").tower.trunk
    assert type(trunk.transformer.resblocks[-1]) is class_token.ClassTokenBlock
    assert type(optimise("timm", "fp32").tower.trunk) is type(build_encoder(*MODELS["timm"])[0].trunk)
    averaged = build_encoder(*MODELS["open_clip"])[0].trunk
    averaged.pool_type = "avg"
    class_token.keep_class_token_only(averaged)
    assert type(averaged.transformer.resblocks[-1]) is not class_token.ClassTokenBlock


def test_linear_maps_and_attention_equal_torch():
    if not onednn.has_onednn(torch.float32):
        pytest.skip("this torch has no oneDNN")
    torch.manual_seed(0)
    whole = nn.ModuleDict(
        {
            "attention": nn.MultiheadAttention(16, 4, batch_first=True),
            "unsupported": nn.MultiheadAttention(16, 4, batch_first=True, add_zero_attn=True),
            "linear": nn.Sequential(nn.Linear(16, 3, bias=False)),
        }
    )
    x, y = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    with torch.inference_mode():
        expected = whole["attention"](x, y, y)[0], whole["linear"](x.transpose(0, 1))
        onednn.use_onednn(whole)
        assert type(whole["attention"]) is onednn.Attention
        assert type(whole["unsupported"]) is nn.MultiheadAttention
        outputs = whole["attention"](x, y, y)[0], whole["linear"](x.transpose(0, 1))
    for output, reference in zip(outputs, expected, strict=True):
        assert torch.allclose(output, reference, atol=1e-6)


class ReadsWeights(nn.Module):
    """A network that reads the weights of its linear map, as some do."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(3 * 16 * 16, 6)

    def forward(self, images):
        return nn.functional.linear(images.flatten(1), self.map.weight)


def test_a_network_that_onednn_cannot_replace_is_kept(caplog):
    tower = examples.tower()
    tower.trunk = ReadsWeights()
    encoder = Encoder(tower, examples.description(), torch.device("cpu"))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    expected = encoder.embed(pixels)
    optimised = inference.optimise_for_inference(encoder, precision="fp32")
    assert optimised.products == "torch alone"
    assert np.array_equal(optimised.embed(pixels), expected)
    if onednn.has_onednn(torch.float32):
        assert "slower, by torch alone" in caplog.text


def test_maps_that_onednn_refuses_use_torch(caplog, monkeypatch):
    def refuse(module):
        raise RuntimeError("needs another processor")

    monkeypatch.setattr(inference, "has_onednn", lambda dtype: True)
    monkeypatch.setattr(inference, "use_onednn", refuse)
    assert optimise("timm", "fp32").products == "torch alone"
    assert "(needs another processor): slower, by torch alone" in caplog.text


def test_a_processor_without_bf16_logs_a_warning_and_uses_torch(caplog, monkeypatch):
    monkeypatch.setattr(inference, "has_onednn", lambda dtype: dtype != torch.bfloat16)
    assert optimise("timm", "bf16").products == "torch"
    assert "fp32 is many times faster here" in caplog.text


def test_normalisation_layers_stay_float32_in_bf16():
    class LayerNormFp32(nn.LayerNorm):
        def forward(self, x):
            return super().forward(x.float()).to(x.dtype)

    tower = examples.tower()
    tower.trunk.blocks.append(LayerNormFp32(4))
    encoder = Encoder(tower, examples.description(), torch.device("cpu"))
    optimised = inference.optimise_for_inference(encoder, precision="bf16")
    float32_names = {
        name for name, tensor in tower.trunk.state_dict().items() if tensor.dtype == torch.float32
    }
    assert {name.split(".")[0] for name in float32_names} == {"norm", "blocks"}
    assert all(name.startswith(("norm.", "blocks.3.")) for name in float32_names)
    assert np.isfinite(optimised.embed(np.zeros((1, 16, 16, 3), dtype=np.uint8))).all()
