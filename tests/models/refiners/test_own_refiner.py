"""A refiner of one's own: what it is given, and what becomes of what it gives."""

import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from ultraref.models.refiners import BaseRefiner, RefinerInputs, RefinerOutput
from ultraref.registry import MODELS, REFINERS
from ultraref.structures import Prompts
from ultraref.testing.tiny_models import tiny_refinement


@REFINERS.register_module(force=True)
class BrightPixels(BaseRefiner):
    """q is 1 where the image is brighter than 128."""

    image_size = 64

    def forward(self, inputs: RefinerInputs) -> RefinerOutput:
        self.given = inputs
        prob = (inputs.image[:, :1] > 128).float()
        return RefinerOutput(
            prob,
            rows=torch.arange(len(prob)),
            candidate_logits=prob * 20 - 10,
            candidate_iou=prob.new_ones(len(prob), 1),
            prompts=Prompts(),
            roi=None,
            empty=inputs.coarse_prob.flatten(1).sum(dim=1) < 1,
        )

    def candidate_target(self, gt, output):
        return gt

    def input_contract(self):
        return {}


def test_the_model_hands_on_what_it_knows_and_takes_q():
    init_default_scope("ultraref")
    source, gate = dict(type="FromSample", size=32), dict(type="ConstantGate", value=1.0)
    model = MODELS.build(tiny_refinement(coarse_source=source, refiner=dict(type="BrightPixels"), gate=gate)).eval()
    image, coarse = torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 32, 32)
    image[..., :48], coarse[0, 0, 8:16] = 255.0, 0.6
    size = torch.tensor([[64, 40], [64, 64]])
    with torch.no_grad():
        output = model.refine(dict(sam_image=image, coarse_prob=coarse, content_size=size, image_hash=["a", "b"]))
    given = model.refiner.given
    assert given.image is image
    assert given.content_size is size
    assert (given.coarse_size, given.image_hashes) == (32, ["a", "b"])
    assert (given.with_features, given.with_logits, given.given_prompts, given.embedding) == (False, False, None, None)
    # Of 48 bright columns 40 are image; the second coarse mask is empty.
    expected = F.pad(torch.ones(1, 1, 64, 40), (0, 24))
    assert torch.equal(output.sam.prob, torch.cat([expected, torch.zeros(1, 1, 64, 64)]))
    assert torch.equal(output.refined_prob, output.sam.prob)
