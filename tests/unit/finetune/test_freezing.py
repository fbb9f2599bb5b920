"""Which layers are frozen and which are trainable; both parts in sequence compute the encoder."""

import pytest
import timm
import torch

from nearkin.encoders.architectures import ImageEncoder, build_network
from nearkin.encoders.prepare import build_encoder
from nearkin.finetune.freezing import freeze
from tests.factories import encoders as examples

HALF = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
VISION = {"image_size": 32, "layers": 4, "width": 32, "head_width": 16, "patch_size": 16}
CLIP = {"library": "open_clip", "embed_dim": 8, "vision": VISION, "quick_gelu": True}
CLIP_ON_TIMM = CLIP | {
    "vision": {
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": 224,
    }
}


def build_trunk(kind):
    """(network, image size, embedding width) of an architecture."""
    if kind == "clip":
        return build_network(CLIP), 32, 8
    if kind == "clip on timm":
        return build_network(CLIP_ON_TIMM), 224, 8
    name = {"efficientnet": "tf_efficientnet_lite0", "vit": "vit_tiny_patch16_224"}[kind]
    network = timm.create_model(name, pretrained=False, num_classes=0)
    return network, 224, network.num_features


def make_pixels(size, n=2):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("kind", ["efficientnet", "vit", "clip", "clip on timm"])
@pytest.mark.parametrize("trainable", ["head", "last_1", "last_3", "all"])
def test_frozen_and_trainable_parts_compose_the_encoder(kind, trainable):
    network, size, width = build_trunk(kind)
    tower = ImageEncoder(network, **HALF).eval()
    parts = freeze(tower, trainable, width=width, size=size)
    with torch.inference_mode():
        inputs = make_pixels(size) if parts.frozen is None else parts.frozen(make_pixels(size))
        assert torch.equal(parts.trainable(inputs), tower(make_pixels(size)))


def test_last_blocks_of_lite0_and_later_layers_are_trainable():
    network, size, width = build_trunk("efficientnet")
    names = set(freeze(ImageEncoder(network, **HALF), "last_5", width=width, size=size).parameters)
    blocks = {tuple(name.split(".")[2:4]) for name in names if ".blocks." in name}
    assert blocks == {("5", "0"), ("5", "1"), ("5", "2"), ("5", "3"), ("6", "0")}
    others = {name.split(".")[1] for name in names if ".blocks." not in name}
    assert others == {"conv_head", "bn2"}


def test_last_blocks_of_a_clip_tower_are_trainable():
    network, size, width = build_trunk("clip")
    tower = ImageEncoder(network, **HALF)
    names = set(freeze(tower, "last_2", width=width, size=size).parameters)
    blocks = {name.split(".")[3] for name in names if "resblocks" in name}
    assert blocks == {"2", "3"}
    assert {name for name in names if "resblocks" not in name} == {
        "trunk.ln_post.weight",
        "trunk.ln_post.bias",
        "trunk.proj",
    }
    assert {name for name, value in tower.named_parameters() if value.requires_grad} == names


def test_new_head_is_the_identity_and_an_existing_head_is_kept():
    tower = examples.tower()
    before = tower(make_pixels(16)).detach()
    parts = freeze(tower, "head", width=6, size=16)
    assert list(parts.parameters) == ["projection.weight"]
    assert torch.allclose(tower(make_pixels(16)), before, atol=1e-6)
    tower.projection.weight.data[0, 0] = 2.0
    new_parts = freeze(tower, "head", width=6, size=16)
    assert new_parts.parameters["projection.weight"][0, 0] == 2.0


def test_batch_norm_statistics_do_not_change():
    tower = examples.tower()
    tower.train()
    parts = freeze(tower, "all", width=6, size=16)
    before = tower.trunk.norm.running_mean.clone()
    parts.trainable(make_pixels(16))
    assert torch.equal(tower.trunk.norm.running_mean, before)
    assert any("norm" in name for name in parts.parameters)


def test_unsupported_trainable_values_are_errors():
    with pytest.raises(ValueError, match="blocks of Net are not known.*write all or head"):
        freeze(examples.tower(), "last_2", width=6, size=16)
    network, size, width = build_trunk("clip")
    with pytest.raises(ValueError, match="last_9, but the encoder has 4 blocks"):
        freeze(ImageEncoder(network, **HALF), "last_9", width=width, size=size)
    histogram, _ = build_encoder({"library": "histogram"}, examples.GEOMETRY)
    with pytest.raises(ValueError, match="no weights that could be trained"):
        freeze(histogram, "all", width=512, size=16)
