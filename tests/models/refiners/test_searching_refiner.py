"""Which answer is taken, when nothing is, and that training is the refiner's own."""

import pytest
import torch
from mmengine.registry import init_default_scope

from ultraref.errors import UserError
from ultraref.models.proposals import BaseProposal, Proposals
from ultraref.models.refiners import Alternatives, RefinerInputs, RefinerOutput
from ultraref.registry import MODELS, REFINERS
from ultraref.structures import Prompts
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner

HEAD = dict(type="QualityHead", feature_channels=32, embed_channels=4, hidden_channels=8)
BOX = dict(box=dict(type="ComponentBoxPromptGenerator"))
PROPOSALS = dict(thresholds=dict(type="ThresholdProposal"), second=dict(type="SecondModeProposal"))


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("ultraref")


def config(**options):
    own = dict(roi=None, prompts=BOX, components=dict(min_share=0.2), quality_head=HEAD, proposals=PROPOSALS)
    return tiny_refiner(**{**own, "type": "SearchingRefiner", **options})


def build(**options):
    torch.manual_seed(0)
    return REFINERS.build(config(**options)).eval()


def plain():
    own = config()
    del own["proposals"]
    torch.manual_seed(0)
    return REFINERS.build(dict(own, type="SAMRefiner")).eval()


def batch():
    """A lesion with a faint one apart, nothing, and a lesion."""
    prob = torch.zeros(3, 1, 64, 64)
    prob[0, 0, 4:20, 4:20], prob[0, 0, 40:56, 30:46] = 0.9, 0.3
    prob[2, 0, 20:40, 10:50] = 0.8
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255, prob


def own_output(dice):
    nothing = torch.zeros(len(dice), 1)
    return RefinerOutput(
        torch.full((len(dice), 1, 2, 2), 0.5),
        torch.arange(len(dice)),
        nothing,
        nothing,
        Prompts(),
        None,
        torch.zeros(len(dice), dtype=torch.bool),
        from_logits=torch.ones(len(dice), 1, 2, 2, dtype=torch.bool),
        quality=torch.tensor(dice),
    )


def test_the_answer_that_promises_most_is_taken_or_none():
    nan = torch.nan
    own = own_output([[0.5, 0.7, 0.3], [0.5, 0.7, 0.3], [0.8, 0.7, 0.3], [nan, nan, nan], [0.5, 0.52, 0.3]])
    rows = torch.tensor([0, 0, 1, 2, 4])
    promises = torch.tensor([0.8, 0.9, 0.72, 0.82, 0.1])
    other = Alternatives(rows, torch.arange(5.0).view(5, 1, 1, 1).expand(5, 1, 2, 2) / 10, promises.repeat(3, 1).T)
    chosen = build(margin=0.05)._choose(
        RefinerOutput(**{**own.__dict__, "alternatives": other}), torch.full((5, 1, 2, 2), 0.25)
    )
    # The better of two; another that promises too little more; none above the coarse mask; not asked; SAM's own too little above.
    assert chosen.prob[:, 0, 0, 0].tolist() == pytest.approx([0.1, 0.5, 0.25, 0.5, 0.25])
    assert chosen.quality[:, 1].tolist() == pytest.approx([0.9, 0.7, 0.8, nan, 0.5], nan_ok=True)
    assert chosen.quality[:, 2].tolist() == pytest.approx([0.9, 0.3, 0.0, nan, 0.0], nan_ok=True)
    assert chosen.from_logits[:, 0, 0, 0].tolist() == [False, True, False, True, False]


class Nothing(BaseProposal):
    def forward(self, coarse_prob, embedding):
        return Proposals(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))


def test_what_is_no_better_leaves_the_refiners_own_answer():
    image, prob = batch()
    with torch.no_grad():
        found, expected = build(margin=-1.0), plain()(RefinerInputs(image, prob))
        # Every answer is above the coarse mask then, so that one of SAM's is taken; none other, as none is shown.
        found.proposals = torch.nn.ModuleDict({"nothing": Nothing()})
        output = found(RefinerInputs(image, prob))
    assert torch.equal(output.prob, expected.prob)
    assert torch.equal(output.candidate_logits, expected.candidate_logits)
    assert len(output.alternatives.rows) == 0


def test_all_proposals_of_images_that_are_asked_about_are_judged():
    image, prob = batch()
    with torch.no_grad():
        output = build()(RefinerInputs(image, prob, content_size=torch.tensor([[64, 50], [64, 64], [64, 64]])))
    # Two thresholds and a second mode; none of the empty one; {p > 0.25} and {p > 0.75} of the third.
    assert sorted(output.alternatives.rows.tolist()) == [0, 0, 0, 2, 2]
    assert output.alternatives.quality.isfinite().all()
    assert output.alternatives.prob[output.alternatives.rows == 0][..., 50:].max() == 0


def test_images_that_promise_enough_are_not_asked_about_again():
    image, prob = batch()
    with torch.no_grad():
        everywhere = build()
        own = plain()(RefinerInputs(image, prob)).quality[[0, 2], :2].amax(dim=1)
        between = float(own.mean())
        found = build(ask_below=between)(RefinerInputs(image, prob)).alternatives
        expected = everywhere(RefinerInputs(image, prob)).alternatives
        nothing = build(ask_below=float(own.min()) / 2)(RefinerInputs(image, prob)).alternatives
        every = build(ask_below=between).train()(RefinerInputs(image, prob)).alternatives
    assert own[0] != own[1]
    low = 0 if own[0] < own[1] else 2
    kept = expected.rows == low
    assert torch.equal(found.rows, expected.rows[kept])
    torch.testing.assert_close(found.prob, expected.prob[kept])
    assert len(nothing.rows) == 0
    # The head learns from all.
    assert torch.equal(every.rows, expected.rows)


def test_training_is_the_refiners_own_but_for_the_head():
    image, prob = batch()
    torch.manual_seed(0)
    searching, own = build().train(), plain().train()
    for refiner in (searching, own):
        refiner.quality_head.eval()
    found, expected = searching(RefinerInputs(image, prob)), own(RefinerInputs(image, prob))
    assert torch.equal(found.prob, expected.prob)
    assert torch.equal(found.quality[::2], expected.quality[::2])

    model = MODELS.build(
        tiny_refinement(
            coarse_source=dict(type="FromSample", size=64),
            refiner=config(),
            losses=dict(quality=dict(type="QualityLoss")),
            loss_weights=dict(quality=1.0),
        )
    ).train()
    model(dict(sam_image=image, coarse_prob=prob, gt=prob.round()), mode="loss")["loss_quality"].backward()
    moved = {
        name.split(".")[1] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0
    }
    assert moved == {"quality_head"}


def test_what_it_needs_is_said():
    for options, words in (
        (dict(quality_head=None), "quality_head=dict"),
        (dict(roi=dict(type="LesionROICropper"), components=None), "roi=None"),
        (dict(proposals=dict(second=None)), "proposals has none"),
        (dict(ask_below=0.0), "ask_below=0.0"),
    ):
        with pytest.raises(UserError, match=words):
            build(**options)
