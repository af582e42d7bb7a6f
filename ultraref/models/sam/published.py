"""The files of SAM weights that their authors publish, and how their images are scaled."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishedWeights:
    """One published file.

    Attributes:
        name: of the weights, for messages.
        file_name: under which they are published.
        url: of the file, or of the page that links to it.
        arch: what to build for them, for messages.
        scale: how their images are scaled, one of `image_encoders.SCALES`.
        size: of the file in bytes.
        sha256: of the file.
    """

    name: str
    file_name: str
    url: str
    arch: str
    scale: str
    size: int
    sha256: str

    @property
    def is_direct(self) -> bool:
        """Whether `url` is the file itself, which a command can download."""
        return self.url.endswith(f"/{self.file_name}")


SAM_VIT_B = PublishedWeights(
    name="SAM ViT-B",
    file_name="sam_vit_b_01ec64.pth",
    url="https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth",
    arch="SAMViT vit_b",
    scale="imagenet",
    size=375_042_383,
    sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
)
SAM_VIT_L = PublishedWeights(
    name="SAM ViT-L",
    file_name="sam_vit_l_0b3195.pth",
    url="https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth",
    arch="SAMViT vit_l",
    scale="imagenet",
    size=1_249_524_607,
    sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
)
SAM_VIT_H = PublishedWeights(
    name="SAM ViT-H",
    file_name="sam_vit_h_4b8939.pth",
    url="https://dl.fbaipublicfiles.com/segment_anything/sam_vit_h_4b8939.pth",
    arch="SAMViT vit_h",
    scale="imagenet",
    size=2_564_550_879,
    sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
)
MEDSAM_VIT_B = PublishedWeights(
    name="MedSAM",
    file_name="medsam_vit_b.pth",
    url="https://zenodo.org/records/10689643/files/medsam_vit_b.pth",
    arch="SAMViT vit_b",
    scale="minmax",
    size=375_049_145,
    sha256="34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74",
)
LITE_MEDSAM = PublishedWeights(
    name="LiteMedSAM",
    file_name="lite_medsam.pth",
    url="https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM",
    arch="TinyViT at 256 px",
    scale="minmax",
    size=39_370_479,
    sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
)
PUBLISHED = (SAM_VIT_B, SAM_VIT_L, SAM_VIT_H, MEDSAM_VIT_B, LITE_MEDSAM)


def find_published(path: str | Path) -> PublishedWeights | None:
    """Returns the record of a file, known by its content, else by its name.

    The content is hashed only where the size is that of a record. A name that contains "medsam", in any case, counts as one
    of the MedSAM family: of LiteMedSAM if it contains "lite" as well.
    """
    path = Path(path)
    same_size = [record for record in PUBLISHED if record.size == path.stat().st_size]
    if same_size:
        digest = _sha256(path)
        for record in same_size:
            if record.sha256 == digest:
                return record
    name = path.name.lower()
    for record in PUBLISHED:
        if record.file_name == name:
            return record
    if "medsam" in name:
        return LITE_MEDSAM if "lite" in name else MEDSAM_VIT_B
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
