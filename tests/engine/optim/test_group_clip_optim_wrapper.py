import torch
from mmengine.logging import MessageHub

from ultraref.engine.optim import GroupClipOptimWrapper


def test_each_group_is_clipped_by_its_own_norm():
    small, large, frozen = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    frozen.requires_grad_(False)
    groups = [{"params": [frozen]}, {"params": [small]}, {"params": [large]}]
    wrapper = GroupClipOptimWrapper(optimizer=torch.optim.SGD(groups, lr=1.0), clip_grad=dict(max_norm=1.0))
    small.grad, large.grad = torch.tensor([0.3, 0.4]), torch.tensor([30.0, 40.0])
    wrapper.step()
    torch.testing.assert_close(small.detach(), -torch.tensor([0.3, 0.4]))
    torch.testing.assert_close(large.detach(), -torch.tensor([0.6, 0.8]), atol=1e-5, rtol=0)
    assert MessageHub.get_current_instance().get_scalar("train/grad_norm").current() == 0.5
