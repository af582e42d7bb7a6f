"""SAM: Kirillov et al., "Segment Anything", arXiv:2304.02643.

Names, URLs: the README of facebookresearch/segment-anything. Sizes and hashes: the files, as many repositories that pin
them state them too.
"""

from ultraref.models.weights.profile import PROMPTS, WeightsProfile
from ultraref.models.weights.seen import not_seen

CITATION = "Kirillov et al. 2023, Segment Anything, arXiv:2304.02643"
SEEN = not_seen("trained on SA-1B, 11 million photographs licensed from one provider (arXiv:2304.02643)", "2026-11-25")


def _sam(arch: str, suffix: str, size: int, sha256: str) -> WeightsProfile:
    file_name = f"sam_{arch}_{suffix}.pth"
    return WeightsProfile(
        name=f"sam_{arch}",
        title=f"SAM ViT-{arch[-1].upper()}",
        file_name=file_name,
        page="https://github.com/facebookresearch/segment-anything",
        licence="Apache-2.0",
        citation=CITATION,
        encoder="SAMViT",
        arch=arch,
        image_size=1024,
        seen=SEEN,
        # segment_anything/modeling/sam.py, utils/transforms.py. Training: the paper's section 3 and appendix A.
        scale="imagenet",
        fit="pad",
        prompts=PROMPTS,
        candidates=3,
        urls=(f"https://dl.fbaipublicfiles.com/segment_anything/{file_name}",),
        size=size,
        sha256=sha256,
    )


SAM_VIT_B = _sam("vit_b", "01ec64", 375_042_383, "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912")
SAM_VIT_L = _sam("vit_l", "0b3195", 1_249_524_607, "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622")
SAM_VIT_H = _sam("vit_h", "4b8939", 2_564_550_879, "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e")
