"""Class centres move as with AdamW of torch, and only those that take part in the step."""

import numpy as np
import pytest
import torch

from nearkin.finetune.class_centres import ClassCentres

CPU = torch.device("cpu")


def make_gradient(step, n, width=6):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(step))


def test_centres_move_as_with_torch_adamw_if_all_classes_take_part():
    centres = ClassCentres(9, 6, 1, CPU)
    reference = centres.weights.clone().requires_grad_()
    adamw = torch.optim.AdamW([reference], lr=0.1, weight_decay=0.0)
    for number in range(1, 20):
        beta = 0.85 + 0.005 * number
        centres_used = centres.gather(None)
        centres_used.grad = reference.grad = make_gradient(number, 9)
        centres.step(None, centres_used, rate=0.1 / number, beta=beta, number=number)
        adamw.param_groups[0].update(lr=0.1 / number, betas=(beta, 0.999))
        adamw.step()
        assert torch.allclose(centres.weights, reference, atol=1e-6)


@pytest.mark.parametrize("all_classes", [None, list(range(9))])
def test_listing_all_classes_equals_passing_none(all_classes):
    first, second = ClassCentres(9, 6, 1, CPU), ClassCentres(9, 6, 1, CPU)
    for centres, classes in ((first, None), (second, all_classes)):
        for number in (1, 2, 3):
            centres_used = centres.gather(classes)
            centres_used.grad = make_gradient(number, 9)
            centres.step(classes, centres_used, rate=0.1, beta=0.9, number=number)
    assert torch.equal(first.weights, second.weights)


def test_centres_of_unsampled_classes_do_not_move():
    centres, before = ClassCentres(9, 6, 1, CPU), ClassCentres(9, 6, 1, CPU)
    classes = torch.tensor([1, 4])
    centres_used = centres.gather(classes)
    centres_used.grad = make_gradient(1, 2)
    centres.step(classes, centres_used, rate=0.1, beta=0.9, number=1)
    has_moved = (centres.weights != before.weights).any(dim=1)
    assert np.flatnonzero(has_moved.numpy()).tolist() == [1, 4]
    assert centres.second[[0, 2, 3, 5, 6, 7, 8]].abs().max() == 0
