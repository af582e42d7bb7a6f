"""The polynomial decay of TransUNet."""

import pytest
import torch

from ultraref.registry import PARAM_SCHEDULERS

STEPS = 7


def rates(**options):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = PARAM_SCHEDULERS.build(dict(type="FullPolyLR", optimizer=optimizer, **options))
    used = []
    for _ in range(STEPS):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return used


def test_every_step_has_a_rate_by_the_formula():
    assert rates(power=0.9, end=STEPS, by_epoch=False) == pytest.approx(
        [0.5 * (1 - i / STEPS) ** 0.9 for i in range(STEPS)]
    )
    assert rates(power=0.9, end=STEPS, by_epoch=False)[-1] > 0.05


def test_it_ends_at_the_least_rate():
    expected = [0.1 + 0.4 * (1 - i / STEPS) ** 2 for i in range(STEPS)]
    assert rates(power=2, eta_min=0.1, end=STEPS, by_epoch=False) == pytest.approx(expected)


def test_epochs_become_iterations():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    config = dict(
        type="FullPolyLR", optimizer=optimizer, by_epoch=True, end=3, convert_to_iter_based=True, epoch_length=4
    )
    scheduler = PARAM_SCHEDULERS.build(config)
    assert (scheduler.end, scheduler.total_iters) == (12, 12)
