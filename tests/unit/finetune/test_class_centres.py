"""Class centres move as under torch's AdamW, and only those that took part in the step."""

import numpy as np
import pytest
import torch

from nearkin.finetune.class_centres import ClassCentres

CPU = torch.device("cpu")


def gradient(step, n, width=6):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(step))


def test_all_classes_move_as_with_torchs_adamw():
    ours = ClassCentres(9, 6, 1, CPU)
    theirs = ours.weights.clone().requires_grad_()
    adamw = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.0)
    for number in range(1, 20):
        beta = 0.85 + 0.005 * number
        centres_used = ours.gather(None)
        centres_used.grad = theirs.grad = gradient(number, 9)
        ours.step(None, centres_used, rate=0.1 / number, beta=beta, number=number)
        adamw.param_groups[0].update(lr=0.1 / number, betas=(beta, 0.999))
        adamw.step()
        assert torch.allclose(ours.weights, theirs, atol=1e-6)


@pytest.mark.parametrize("every", [None, list(range(9))])
def test_naming_all_classes_is_the_same_as_naming_none(every):
    first, second = ClassCentres(9, 6, 1, CPU), ClassCentres(9, 6, 1, CPU)
    for centres, classes in ((first, None), (second, every)):
        for number in (1, 2, 3):
            centres_used = centres.gather(classes)
            centres_used.grad = gradient(number, 9)
            centres.step(classes, centres_used, rate=0.1, beta=0.9, number=number)
    assert torch.equal(first.weights, second.weights)


def test_classes_that_took_no_part_stay():
    centres, before = ClassCentres(9, 6, 1, CPU), ClassCentres(9, 6, 1, CPU)
    classes = torch.tensor([1, 4])
    centres_used = centres.gather(classes)
    centres_used.grad = gradient(1, 2)
    centres.step(classes, centres_used, rate=0.1, beta=0.9, number=1)
    moved = (centres.weights != before.weights).any(dim=1)
    assert np.flatnonzero(moved.numpy()).tolist() == [1, 4]
    assert centres.second[[0, 2, 3, 5, 6, 7, 8]].abs().max() == 0
