"""Numbers and names that the command line shows as defaults, here so that `--help` needs no import of what uses them."""

# Bits of a perceptual hash.
HASH_BITS = 256
# Two images whose perceptual hashes differ in at most so many of 256 bits stay together in a split. On the 647 images of
# BUSI all 172 pairs up to here show the same lesion or the same examination, by registered correlation and by eye, and
# the nearest unrelated ones (each image against the others' mirror images) are 80 apart: docs/how-to/prepare-data.md.
DUPLICATE_DISTANCE = 76

# The audit's candidates, of 256 bits. Zoomed, turned and shifted copies lie up to here, among thousands of unrelated
# pairs that the correlation then sorts out.
CANDIDATE_DISTANCE = 100
# The audit's pairs. On BUSI, the 830 candidates of an image and the flipped image of another lesion reach 0.40, while all
# pairs above that were the same lesion or examination to the eye.
CORRELATION = 0.45

# Numbers of folds that BUS-BRA publishes.
OFFICIAL_FOLDS = (5, 10)

# The augmentations that the picture of them shows.
SHOWN_AUGMENTATIONS = (
    "RandomGammaContrast",
    "RandomTimeGain",
    "RandomAcousticShadow",
    "RandomHaze",
    "RandomSpeckle",
    "RandomElasticWarp",
    "RandomZoomShift",
)
