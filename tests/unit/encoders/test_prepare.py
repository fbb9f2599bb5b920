"""Encoders from a config: the requested weights, or an error with the remedy."""

import pickle
from contextlib import suppress

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform

from nearkin.encoders.checkpoints import load_by_order, read_checkpoint
from nearkin.encoders.encoder import load_encoder, save_encoder
from nearkin.encoders.open_clip_models import build_open_clip_image
from nearkin.encoders.prepare import build_encoder
from nearkin.images.reader import resize_and_crop

torch.set_num_threads(1)  # tests run in parallel

SQUARE = {"size": 224, "crop_pct": 0.875, "interpolation": "bicubic"}
SMALL = {"size": 176, "crop_pct": 0.875, "interpolation": "bicubic"}
CLIP = {"size": 224, "crop_pct": 1.0, "interpolation": "bicubic"}
RESNET = {"library": "timm", "name": "resnet10t", "weights": "random", "seed": 1}
LITE0 = {"library": "pip_weights", "name": "efficientnet_lite0", "weights": "pretrained"}


def build_tensors(model, geometry=SMALL):
    return build_encoder(model, geometry)[0].state_dict()


def write_checkpoint(path, seed=5, **changes):
    """A timm checkpoint with a classifier, as a training run would leave it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tensors = timm.create_model("resnet10t", num_classes=7).state_dict()
    tensors |= changes
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in tensors.items()}}, path)
    return {**RESNET, "weights": str(path)}, tensors


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_an_encoder_equals_timms_transform_and_model(tmp_path):
    tower, description = build_encoder(LITE0, SQUARE)
    paths = tmp_path / "w.safetensors", tmp_path / "e.json"
    save_encoder(tower, description, *paths)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (240, 300, 3), dtype=np.uint8))
    transform = create_transform(
        224, crop_pct=0.875, interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3
    )
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(tower.trunk(transform(image)[None]))[0].numpy()
    vector = load_encoder(*paths).embed(resize_and_crop(image, SQUARE)[None])[0]
    assert np.allclose(vector, expected, atol=1e-6)
    assert description.width == 1280 and description.parameters == 3_371_008


def test_random_weights_depend_only_on_the_seed():
    state_before = torch.random.get_rng_state()
    first, again, other = (
        build_tensors(RESNET | {"seed": seed})["trunk.conv1.0.weight"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state_before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", ["tuned.safetensors", "tuned.pth"])
def test_a_checkpoint_is_loaded_whole_without_its_classifier(tmp_path, name):
    model, tensors = write_checkpoint(tmp_path / name)
    weights = build_tensors(model)
    assert set(weights) == {f"trunk.{key}" for key in tensors if not key.startswith("fc.")}
    assert all(torch.equal(weights[f"trunk.{k}"], v) for k, v in tensors.items() if not k.startswith("fc."))


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path):
    model, tensors = write_checkpoint(tmp_path / "a.safetensors", extra=torch.zeros(2))
    with pytest.raises(ValueError, match=r"a.safetensors: does not fit.*'extra' is not part"):
        build_encoder(model, SMALL)
    path = tmp_path / "b.safetensors"
    save_file({k: v for k, v in tensors.items() if k not in ("conv1.0.weight", "extra")}, path)
    with pytest.raises(ValueError, match="'conv1.0.weight' is missing"):
        build_encoder(model | {"weights": str(path)}, SMALL)
    with pytest.raises(ValueError, match="does not fit the architecture"):
        build_encoder(model | {"name": "resnet18", "weights": str(path)}, SQUARE)


@pytest.mark.parametrize("name", ["evil.pth", "evil.pt", "evil.bin", "evil.ckpt", "evil.safetensors"])
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, name):
    class Code:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / name
    for save in (lambda: path.write_bytes(pickle.dumps(Code())), lambda: torch.save({"a": Code()}, path)):
        save()
        with pytest.raises(ValueError, match=f"{name}: .*(damaged|never run)"):
            build_encoder(RESNET | {"weights": str(path)}, SMALL)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"\x10\0\0\0\0\0\0\0 broken", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_corrupt_checkpoint_is_reported(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name):
        build_encoder(RESNET | {"weights": str(path)}, SMALL)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [False, True])
def test_a_pickle_damaged_at_any_position_is_reported(tmp_path, zipped):
    path, random = tmp_path / "broken.pt", np.random.default_rng(1)
    tensors = {"a": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2)}
    torch.save(tensors, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    truncated = [whole[:n] for n in range(0, len(whole), 3)]
    positions = random.integers(0, len(whole), 500)
    flipped = [whole[:position] + random.bytes(1) + whole[position + 1 :] for position in positions]
    for content in truncated + flipped:
        path.write_bytes(content)
        with suppress(ValueError):  # a flipped bit in a number cannot be detected
            try:
                read_checkpoint(path)
            except ValueError as error:
                assert str(error).startswith(f"{path}: ")
                raise


def test_a_state_dict_without_names_is_refused(tmp_path):
    torch.save({0: torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="a.pt: holds no state_dict"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.bool, torch.complex64])
def test_weights_that_are_not_floats_are_refused(tmp_path, kind):
    _, tensors = write_checkpoint(tmp_path / "whole.safetensors")
    model, _ = write_checkpoint(
        tmp_path / "a.safetensors", **{"conv1.0.weight": tensors["conv1.0.weight"].to(kind)}
    )
    message = rf"a.safetensors: .*'conv1.0.weight' is {kind}, not torch.float32; .*save them as"
    with pytest.raises(ValueError, match=message):
        build_encoder(model, SMALL)


def test_packaged_weights_must_be_floats_too():
    with pytest.raises(ValueError, match="pip_weights: .*'bias' is torch.int8, not torch.float32"):
        tensors = {"a": torch.ones(2, 2), "b": torch.ones(2, dtype=torch.int8)}
        load_by_order(torch.nn.Linear(2, 2), tensors, source="pip_weights")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_float_type_are_accepted(tmp_path, kind):
    _, tensors = write_checkpoint(tmp_path / "whole.safetensors")
    floats = {name: tensor.to(kind) for name, tensor in tensors.items() if tensor.is_floating_point()}
    model, _ = write_checkpoint(tmp_path / "a.safetensors", **floats)
    weights = build_tensors(model)["trunk.conv1.0.weight"]
    assert torch.equal(weights, floats["conv1.0.weight"].float())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"weights": None}, "has no `weights`: write pretrained, a tag"),
        ({"weights": "pretraind"}, "did you mean 'pretrained'"),
        ({"weights": "tuned.pth"}, "write weights: ./tuned.pth"),
        ({"weights": "gone/tuned.pth"}, "gone/tuned.pth: no such checkpoint"),
        ({"name": "resnet5"}, "no model 'resnet5'; near names: .*resnet50"),
        ({"name": "resnet18.fb_swsl_ig1b_ft_in2k"}, "near names: .*resnet18.fb_swsl_ig1b_ft_in1k"),
        ({"library": "open_clip", "name": "ViT-B32"}, "near names: .*ViT-B-32"),
        ({"library": "open_clip", "name": "ViT-B-32", "weights": "opnai"}, "did you mean 'openai'"),
        ({"library": "open_clip", "name": "ViT-B-32", "weights": "openai"}, "write name: ViT-B-32-quickgelu"),
        ({"library": "open_clip", "name": "ViT-L-14", "weights": "random"}, "differ in preprocessing"),
        ({"library": "open_clip", "name": "hf-hub:o/x", "weights": "random"}, "write weights: pretrained"),
        ({"library": "pip_weights", "name": "efficientnet_lite1"}, "near names: efficientnet_lite0"),
        ({"library": "pip_weights", "name": "efficientnet_lite0", "weights": "openai"}, "pretrained, random"),
    ],
)
def test_wrong_names_or_weights_are_errors_with_a_remedy(changes, message):
    with pytest.raises(ValueError, match=message):
        build_encoder(RESNET | changes, SQUARE)


def test_a_wrong_geometry_is_reported_with_the_expected_one():
    with pytest.raises(ValueError, match="'size': 176.*'size': 224"):
        build_encoder(RESNET, SQUARE)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "pretrained"},
        {"name": "hf-hub:nobody/no-such-model", "weights": "pretrained"},
        {"library": "open_clip", "name": "ViT-B-32-quickgelu", "weights": "openai"},
        {"library": "open_clip", "name": "hf-hub:nobody/no-such-model", "weights": "pretrained"},
    ],
)
def test_without_a_network_the_error_suggests_a_local_checkpoint(offline, changes, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    model = RESNET | changes
    with pytest.raises(
        ValueError, match=f"{model['name']}.*cannot be fetched.*path of a local checkpoint as"
    ):
        build_encoder(model, SMALL)


def test_the_histogram_counts_colours_and_fits_any_geometry():
    tower, description = build_encoder(
        {"library": "histogram"}, {"size": 2, "crop_pct": 1.0, "interpolation": "bicubic"}
    )
    image = np.array([[[0, 0, 0], [255, 255, 255]], [[0, 0, 255], [31, 31, 31]]], dtype=np.uint8)
    features = tower(torch.from_numpy(image[None]))[0]
    assert description.width == 512 and torch.linalg.vector_norm(features) == 1
    assert features.nonzero().flatten().tolist() == [0, 7, 511]  # black twice, blue, white
    assert torch.allclose(features[[0, 7, 511]] ** 2, torch.tensor([0.5, 0.25, 0.25]))


def test_levels_of_a_colour_spread_evenly_over_the_bins():
    tower, _ = build_encoder(
        {"library": "histogram"}, {"size": 16, "crop_pct": 1.0, "interpolation": "bicubic"}
    )
    ramp = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    ramp[0, ..., 2] = np.arange(256).reshape(16, 16)
    assert tower(torch.from_numpy(ramp))[0][:8].tolist() == [pytest.approx((1 / 8) ** 0.5)] * 8


def register_tiny_clip(monkeypatch):
    """A CLIP small enough for a test, under a name of its own."""
    import open_clip
    from open_clip import factory

    vision = {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 4, "vocab_size": 8, "width": 16, "heads": 2, "layers": 1}
    config = {"embed_dim": 8, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny-quickgelu", config)
    return open_clip.create_model("Tiny-quickgelu").eval()


def test_a_clip_checkpoint_provides_its_image_tower(monkeypatch, tmp_path):
    whole = register_tiny_clip(monkeypatch)
    towers = {"whole.pt": whole.state_dict(), "tower.pt": whole.visual.state_dict()}
    image = torch.rand(2, 3, 32, 32)
    for name, tensors in towers.items():
        torch.save(tensors, tmp_path / name)
        trunk, facts = build_open_clip_image("Tiny-quickgelu", str(tmp_path / name))
        with torch.inference_mode():
            assert torch.equal(trunk.eval()(image), whole.encode_image(image))
    assert facts["architecture"]["quick_gelu"] and facts["size"] == 32 and facts["crop_pct"] == 1.0


def test_a_clip_encoder_can_be_loaded_without_its_registry(monkeypatch, tmp_path):
    register_tiny_clip(monkeypatch)
    model = {"library": "open_clip", "name": "Tiny-quickgelu", "weights": "random"}
    tower, description = build_encoder(model, CLIP | {"size": 32})
    paths = tmp_path / "w.safetensors", tmp_path / "e.json"
    save_encoder(tower, description, *paths)
    monkeypatch.undo()
    assert load_encoder(*paths).embed(np.zeros((1, 32, 32, 3), dtype=np.uint8)).shape == (1, 8)
