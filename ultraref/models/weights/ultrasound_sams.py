"""SAMs for ultrasound and for medical images in general that this toolkit can't load.

Their records are here so that naming such a file gives an answer, and what it has seen.
"""

from ultraref.models.weights.profile import PROMPTS, Seen, WeightsProfile

CHECKED = "2026-11-25"
ADAPTERS = "it has an adapter in every block of the image encoder"

SAM_MED2D = WeightsProfile(
    name="sam_med2d",
    title="SAM-Med2D",
    file_name="sam-med2d_b.pth",
    page="https://github.com/OpenGVLab/SAM-Med2D",
    licence="Apache-2.0",
    citation="Cheng et al. 2023, SAM-Med2D, arXiv:2308.16184",
    encoder=None,
    no_encoder=ADAPTERS,
    arch="vit_b with adapters",
    image_size=256,
    seen={
        "busi": Seen(
            "seen",
            "in the list of sets of SA-Med2D-20M, arXiv:2311.11969 (as reported; the list was not at hand)",
            CHECKED,
        )
    },
    prompts=PROMPTS,
)
SAMUS = WeightsProfile(
    name="samus",
    title="SAMUS",
    file_name="SAMUS.pth",
    page="https://github.com/xianlin7/SAMUS",
    licence="unknown",
    citation="Lin et al. 2023, SAMUS, arXiv:2309.06824",
    encoder=None,
    no_encoder="it has a CNN branch beside the image encoder",
    arch="vit_b with a CNN branch",
    image_size=256,
    seen={
        "busi": Seen("seen", "US30K/MainPatient/train-Breast-BUSI.txt of xianlin7/SAMUS", CHECKED),
        "udiat": Seen(
            "unseen", "US30K has it for testing only: test-Breast-UDIAT.txt, no training list (xianlin7/SAMUS)", CHECKED
        ),
    },
    prompts=("points",),
)
ULTRASAM = WeightsProfile(
    name="ultrasam",
    title="UltraSam",
    file_name="UltraSam.pth",
    page="https://github.com/CAMMA-public/UltraSam",
    licence="unknown",
    citation="Meyer et al. 2025, UltraSam, doi 10.1007/s11548-025-03517-8",
    encoder=None,
    no_encoder="it has MMDetection's names and layout",
    arch="vit_b",
    image_size=1024,
    seen={
        name: Seen("seen", f"{title} is in the table of US-43d in the README of CAMMA-public/UltraSam", CHECKED)
        for name, title in {
            "busi": "BUSI",
            "busbra": "BUS-BRA",
            "breast": "BrEaST",
            "bus_uclm": "BUS_UCML",
            "bus_uc": "BUS_UC",
            "udiat": "BUS (Dataset B)",
        }.items()
    },
    prompts=("points", "box"),
)
