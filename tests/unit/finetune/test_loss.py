"""Margin softmax equals a full float64 reference, finite differences and values computed by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import ArcFaceLoss

from nearkin.finetune.loss import apply_margin, margin_loss, sample_classes
from nearkin.finetune.schedule import one_cycle
from tests.factories.recipes import recipe_of

torch.set_num_threads(1)  # tests run in parallel

MARGINS = [{"m2": 0.3}, {"m2": 0.0}, {"m1": 1.2, "m2": 0.1, "m3": 0.1}, {"m2": 0.0, "m3": 0.35}]


def draw_batch(seed=0, n=6, n_classes=5, width=4):
    """Random features, class centres and labels."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, width, generator=generator, dtype=torch.float64)
    centres = torch.randn(n_classes, width, generator=generator, dtype=torch.float64)
    return features, centres, torch.randint(0, n_classes, (n,), generator=generator)


def compute_slow_loss(features, labels, centres, recipe):
    """The loss in plain loops (ArcFace, Deng et al. 2019, eq. 4)."""
    losses = []
    for feature, label in zip(features.tolist(), labels.tolist(), strict=True):
        cosines = []
        for j, centre in enumerate(centres.tolist()):
            product = sum(a * b for a, b in zip(feature, centre, strict=True))
            cosine = product / math.hypot(*feature) / math.hypot(*centre)
            if j == label:
                angle = recipe["m1"] * math.acos(cosine) + recipe["m2"]
                edge = math.cos((math.pi - recipe["m2"]) / recipe["m1"])
                cosine = (math.cos(angle) if angle <= math.pi else cosine - edge - 1) - recipe["m3"]
            cosines.append(recipe["logit_scale"] * cosine)
        losses.append(math.log(sum(math.exp(c - cosines[label]) for c in cosines)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margins", MARGINS)
@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_loss_equals_plain_loops(margins, gradient):
    recipe = recipe_of(margin_gradient=gradient, **margins)
    for seed in range(5):
        features, centres, labels = draw_batch(seed)
        expected = compute_slow_loss(features, labels, centres, recipe)
        assert margin_loss(features, labels, centres, recipe).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("margins", MARGINS)
def test_exact_gradient_passes_gradcheck(margins):
    recipe = recipe_of(margin_gradient="exact", logit_scale=4.0, **margins)
    features, centres, labels = draw_batch()
    features.requires_grad_(), centres.requires_grad_()
    assert torch.autograd.gradcheck(lambda f, c: margin_loss(f, labels, c, recipe), (features, centres))


def test_exact_gradient_beyond_pi_points_to_the_class():
    recipe = recipe_of(margin_gradient="exact", m2=0.5)
    cosines = torch.tensor([[-0.99, 0.2]], dtype=torch.float64, requires_grad=True)
    target_cosine = apply_margin(cosines, torch.tensor([0]), recipe)[0, 0]
    assert target_cosine < -1
    assert torch.autograd.grad(target_cosine, cosines)[0].tolist() == [[1.0, 0.0]]
    assert torch.autograd.gradcheck(lambda c: apply_margin(c, torch.tensor([0]), recipe), (cosines,))


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from(MARGINS))
@settings(deadline=None)
def test_score_does_not_fall_if_the_cosine_rises(first, second, margins):
    low, high = sorted((first, second))
    cosines = torch.tensor([[low], [high]], dtype=torch.float64)
    scores = apply_margin(cosines, torch.tensor([0, 0]), recipe_of(**margins))
    assert scores[0] <= scores[1] + 1e-12
    assert scores[1] <= cosines[1] + 1e-5  # a margin never helps


@pytest.mark.parametrize("margins", MARGINS)
def test_straight_through_gradient_is_scale_times_p_minus_y(margins):
    recipe = recipe_of(margin_gradient="straight_through", **margins)
    features, centres, labels = draw_batch()
    normalise = torch.nn.functional.normalize
    cosines = (normalise(features) @ normalise(centres).T).requires_grad_()
    logits = recipe["logit_scale"] * apply_margin(cosines, labels, recipe)
    torch.nn.functional.cross_entropy(logits, labels).backward()
    y = torch.nn.functional.one_hot(labels, 5)
    expected = recipe["logit_scale"] * (logits.softmax(dim=1) - y) / len(labels)
    assert torch.allclose(cosines.grad, expected.detach(), atol=1e-12)


def test_perfect_match_has_a_finite_gradient():
    for gradient in ("exact", "straight_through"):
        centres = torch.eye(2, requires_grad=True)
        features = torch.eye(2).requires_grad_()
        margin_loss(features, torch.tensor([0, 1]), centres, recipe_of(margin_gradient=gradient)).backward()
        assert torch.isfinite(features.grad).all() and torch.isfinite(centres.grad).all()


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5])
def test_loss_equals_arcface_of_pytorch_metric_learning(margin):
    recipe = recipe_of(margin_gradient="exact", m2=margin)
    for seed in range(5):
        features, centres, labels = draw_batch(seed, n=20, width=6)
        features += centres[labels]  # beyond pi the two definitions differ
        features.requires_grad_(), centres.requires_grad_()
        reference = ArcFaceLoss(5, 6, margin=math.degrees(margin), scale=recipe["logit_scale"])
        reference.W.data = centres.detach().T.clone()
        expected, loss = reference(features, labels), margin_loss(features, labels, centres, recipe)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
        by_features, by_centres = torch.autograd.grad(expected, [features, reference.W])
        gradients = torch.autograd.grad(loss, [features, centres])
        assert torch.allclose(gradients[0], by_features, atol=1e-8)
        assert torch.allclose(gradients[1], by_centres.T, atol=1e-8)


@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_sampling_all_classes_gives_the_dense_loss(gradient):
    features, centres, labels = draw_batch()
    features.requires_grad_(), centres.requires_grad_()
    classes, rows = sample_classes(labels.numpy(), 5, 1.0, np.random.default_rng(0))
    recipe, sampled_centres = recipe_of(margin_gradient=gradient), centres[torch.from_numpy(classes)]
    dense_loss = margin_loss(features, labels, centres, recipe)
    sampled_loss = margin_loss(features, torch.from_numpy(rows), sampled_centres, recipe)
    assert torch.equal(dense_loss, sampled_loss)
    for expected, gradients in zip(
        *(torch.autograd.grad(loss, [features, centres]) for loss in (dense_loss, sampled_loss)), strict=True
    ):
        assert torch.allclose(expected, gradients, atol=1e-12)


@given(st.lists(st.integers(0, 29), min_size=1, max_size=20), st.floats(0.01, 1), st.integers(0, 99))
def test_classes_of_the_batch_are_always_in_the_sample(labels, rate, seed):
    labels = np.array(labels)
    classes, rows = sample_classes(labels, 30, rate, np.random.default_rng(seed))
    assert (classes[rows] == labels).all()
    assert (np.diff(classes) > 0).all()
    assert len(classes) == max(len(set(labels.tolist())), round(rate * 30))


@pytest.mark.parametrize("n_steps", [20, 50, 333])
def test_schedule_equals_one_cycle_of_torch(n_steps):
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=n_steps, pct_start=0.1)
    for step in range(n_steps):
        group = optimiser.param_groups[0]
        current = one_cycle(step, n_steps, warmup_fraction=0.1)
        assert current.factor == pytest.approx(group["lr"], abs=1e-12)
        assert current.beta == pytest.approx(group["betas"][0], abs=1e-12)
        optimiser.step()
        if step + 1 < n_steps:
            schedule.step()


@pytest.mark.parametrize("n_steps", [1, 2, 3, 10])
def test_short_schedules_are_positive_and_end_at_the_minimum(n_steps):
    factors = [one_cycle(step, n_steps, warmup_fraction=0.1).factor for step in range(n_steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[-1] == pytest.approx(min(factors))


def test_score_falls_linearly_beyond_an_angle_of_pi():
    """With m1 = 2, 90 degrees become pi, where the cosine is -1; a larger angle continues with slope 1."""
    recipe = recipe_of(margin_gradient="exact", m1=2.0, m2=0.0, m3=0.25)
    cosines = torch.tensor([[0.5, 0.9], [-0.25, 0.9]], dtype=torch.float64)
    cosines_with_margin = apply_margin(cosines, torch.tensor([0, 0]), recipe)
    assert cosines_with_margin[:, 0].tolist() == pytest.approx([-0.5 - 0.25, -1 - 0.25 - 0.25])
    assert cosines_with_margin[:, 1].tolist() == [0.9, 0.9]


def test_cosines_are_clipped_by_a_millionth_at_both_ends():
    recipe = recipe_of(margin_gradient="exact", m2=0.0)
    cosines = torch.tensor([[1.0], [-1.0]], dtype=torch.float64, requires_grad=True)
    cosines_with_margin = apply_margin(cosines, torch.tensor([0, 0]), recipe)
    assert cosines_with_margin[:, 0].tolist() == pytest.approx([1 - 1e-6, -1 + 1e-6], abs=1e-12)
    assert torch.isfinite(torch.autograd.grad(cosines_with_margin.sum(), cosines)[0]).all()


def test_sample_has_at_least_the_classes_of_the_batch():
    classes, rows = sample_classes(np.array([4, 4, 1]), 6, 0.5, np.random.default_rng(0))
    assert len(classes) == 3 and {1, 4} < set(classes.tolist()) and (classes[rows] == [4, 4, 1]).all()
    classes, _ = sample_classes(np.array([0, 1, 2]), 6, 0.1, np.random.default_rng(0))
    assert classes.tolist() == [0, 1, 2]
    samples = [sample_classes(np.array([0]), 30, 0.5, np.random.default_rng(i))[0] for i in range(30)]
    assert all(len(set(classes.tolist())) == 15 for classes in samples)


def test_score_beyond_pi_continues_from_the_minimum_cosine():
    """With m1 = 2 and m2 = 0.5 the minimum is at an angle of (pi - 0.5) / 2."""
    recipe = recipe_of(margin_gradient="exact", m1=2.0, m2=0.5, m3=0.0)
    edge = math.cos((math.pi - 0.5) / 2)
    cosines = torch.tensor([[edge + 1e-9, 0.0], [edge - 0.25, 0.0]], dtype=torch.float64)
    cosines_with_margin = apply_margin(cosines, torch.tensor([0, 0]), recipe)
    assert cosines_with_margin[:, 0].tolist() == pytest.approx([-1.0, -1.25], abs=1e-8)
