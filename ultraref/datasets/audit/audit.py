"""What pairs of equal images and patients mean for the split."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ultraref.datasets.audit.images import AuditImage, load_images
from ultraref.datasets.audit.pairs import Pair, find_pairs
from ultraref.datasets.exclusions import Exclusions
from ultraref.datasets.judged_pairs import ACCEPTED, REJECTED, JudgedPairs, pairs_csv
from ultraref.datasets.likeness.confidence import Unrelated
from ultraref.datasets.likeness.furniture import Furniture
from ultraref.datasets.likeness.perceptual_hash import connected_groups
from ultraref.datasets.splits import Splits
from ultraref.defaults import CANDIDATE_DISTANCE, CORRELATION
from ultraref.errors import UserError


@dataclass(frozen=True)
class Audit:
    """The outcome.

    Attributes:
        splits: splits by data root.
        images: all images.
        pairs: all candidates, confirmed or not, the surest first.
        max_distance, min_correlation: the thresholds.
        unrelated: what unrelated pairs of these images reach.
        furniture: of each set, by its name; left out of the comparison.
    """

    splits: dict[str, Splits]
    images: list[AuditImage]
    pairs: list[Pair]
    max_distance: int
    min_correlation: float
    unrelated: Unrelated = field(default_factory=Unrelated)
    furniture: Mapping[str, Furniture] = field(default_factory=dict)

    @property
    def confirmed(self) -> list[Pair]:
        """The pairs that show the same."""
        return [pair for pair in self.pairs if pair.confirmed]

    @property
    def leaks(self) -> list[Pair]:
        """Confirmed pairs in different parts. Fold k of two sets is one part: joint training holds both out."""
        return [pair for pair in self.confirmed if self._is_across(pair)]

    @property
    def possible(self) -> list[Pair]:
        """Pairs that correlate as far as asked for, but not enough to be sure: a person must look at them."""
        return [
            pair
            for pair in self.pairs
            if not pair.confirmed and not pair.judged and pair.correlation >= self.min_correlation
        ]

    @property
    def possible_leaks(self) -> list[Pair]:
        """Possible pairs in different parts."""
        return [pair for pair in self.possible if self._is_across(pair)]

    @property
    def ranked(self) -> list[Pair]:
        """All pairs in the order in which a person should look at them: leaks, possible leaks, the others, each the surest first."""
        leaks, possible = set(self.leaks), set(self.possible_leaks)
        return sorted(self.pairs, key=lambda pair: (pair not in leaks, pair not in possible, -pair.score))

    def _is_across(self, pair: Pair) -> bool:
        return self.images[pair.first].part != self.images[pair.second].part

    @property
    def two_classes(self) -> list[Pair]:
        """Confirmed pairs of two classes."""
        return [
            pair
            for pair in self.confirmed
            if None not in (classes := {self.images[i].category for i in (pair.first, pair.second)})
            and len(classes) == 2
        ]

    @property
    def split_patients(self) -> dict[tuple[str, str], list[int]]:
        """Images of each patient who is in several parts, by (set, patient)."""
        own: dict[tuple[str, str], list[int]] = {}
        for index, image in enumerate(self.images):
            if image.patient is not None:
                own.setdefault((image.dataset, image.patient), []).append(index)
        return {key: members for key, members in own.items() if len({self.images[i].part for i in members}) > 1}

    @property
    def is_leaking(self) -> bool:
        """Whether anything of one part is known from another."""
        return bool(self.leaks or self.split_patients)

    def exclusions(self) -> Exclusions:
        """What to leave out so that nothing leaks.

        Images that are connected by confirmed pairs or a patient keep to one part: the test set if one of them is in
        it, else the part with most of them. The others are left out.
        """
        edges = [(pair.first, pair.second) for pair in self.confirmed]
        edges += [(members[0], i) for members in self.split_patients.values() for i in members[1:]]
        clusters: dict[int, list[int]] = {}
        for index, root in enumerate(connected_groups(len(self.images), edges)):
            clusters.setdefault(root, []).append(index)
        reasons: dict[str, dict[str, str]] = {}
        for members in clusters.values():
            counts = Counter(self.images[i].part for i in members)
            kept = "test" if "test" in counts else min(counts, key=lambda part: (-counts[part], part))
            shown = next(self.images[i] for i in members if self.images[i].part == kept)
            for image in (self.images[i] for i in members if self.images[i].part != kept):
                reason = (
                    f"in {image.part}, but the same as or of one patient with {shown.dataset}/{shown.name} in {kept}"
                )
                reasons.setdefault(image.dataset, {})[image.name] = reason
        return Exclusions({splits.dataset: splits.hash for splits in self.splits.values()}, reasons)

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns the number of pairs of each kind: in one part, across parts of one set, across sets."""
        table = {}
        for kind, chosen in {
            "exact": [pair for pair in self.confirmed if pair.exact],
            "near": [pair for pair in self.confirmed if not pair.exact and not pair.flip],
            "mirrored": [pair for pair in self.confirmed if pair.flip],
            "one lesion in two classes": self.two_classes,
            "possible, to be looked at": self.possible,
            "other candidates": [pair for pair in self.pairs if not pair.confirmed and pair not in set(self.possible)],
        }.items():
            table[kind] = {
                "within a part": 0,
                "across folds": 0,
                "training and test": 0,
                "across sets": 0,
            }
            for pair in chosen:
                table[kind][self._relation(pair)] += 1
        return table

    def _relation(self, pair: Pair) -> str:
        first, second = self.images[pair.first], self.images[pair.second]
        if first.dataset != second.dataset:
            return "across sets"
        if first.part == second.part:
            return "within a part"
        return "training and test" if "test" in (first.part, second.part) else "across folds"

    def to_json(self) -> str:
        """Returns the text of the report: sets, thresholds, counts, confirmed pairs, patients."""

        def described(index: int) -> dict:
            image = self.images[index]
            return {"dataset": image.dataset, "name": image.name, "part": image.part, "class": image.category}

        leaks = set(self.leaks)
        pairs = [
            {
                "first": described(pair.first),
                "second": described(pair.second),
                "flip": pair.flip,
                "hash_distance": pair.distance,
                "correlation": round(pair.correlation, 3),
                "detail": round(pair.detail, 3),
                "confidence": round(pair.score, 2),
                "exact": pair.exact,
                "confirmed": pair.confirmed,
                "judged": pair.judged,
                "leaks": pair in leaks,
            }
            for pair in self.pairs
        ]
        content = {
            "leaking": self.is_leaking,
            "max_hash_distance": self.max_distance,
            "min_correlation": self.min_correlation,
            "unrelated": asdict(self.unrelated),
            "datasets": [
                {
                    "name": splits.dataset,
                    "images": len(splits.images),
                    "grouped": splits.grouped,
                    "grouping": splits.grouping,
                    "splits_hash": splits.hash,
                    "screens": [
                        {"size": list(size), "images": frame.count, "percent": round(100 * frame.share, 1)}
                        for size, frame in self._frames(splits.dataset)
                    ],
                }
                for splits in self.splits.values()
            ],
            "counts": self.counts(),
            "patients_in_several_parts": [
                {"dataset": dataset, "patient": patient, "images": [described(i) for i in members]}
                for (dataset, patient), members in self.split_patients.items()
            ],
            "pairs": pairs,
        }
        return json.dumps(content, indent=1) + "\n"

    def _frames(self, dataset: str):
        return self.furniture[dataset].frames.items() if dataset in self.furniture else ()

    def to_csv(self, count: int) -> str:
        """Returns the text of pairs.csv: the first `count` of `ranked`, numbered as on the contact sheet, and all that are confirmed.

        Confirmed pairs are accepted already; a person changes verdicts and fills in the empty ones.
        """
        leaks, rows = set(self.leaks), []
        for number, pair in enumerate(self.ranked, 1):
            if number <= count or pair.confirmed:
                first, second = self.images[pair.first], self.images[pair.second]
                rows.append(
                    {
                        "number": number,
                        "first_set": first.dataset,
                        "first": first.name,
                        "second_set": second.dataset,
                        "second": second.name,
                        "hash_distance": pair.distance,
                        "correlation": f"{pair.correlation:.3f}",
                        "detail": f"{pair.detail:.3f}",
                        "flip": pair.flip,
                        "confidence": f"{pair.score:.2f}",
                        "leaks": "yes" if pair in leaks else "",
                        "verdict": ACCEPTED if pair.confirmed else REJECTED if pair.judged else "",
                    }
                )
        return pairs_csv(rows)


def audit(
    roots: list[str | Path],
    max_distance: int = CANDIDATE_DISTANCE,
    min_correlation: float = CORRELATION,
    judged: JudgedPairs | None = None,
    progress: Callable = lambda items, description: items,
) -> Audit:
    """Compares all images of converted sets.

    Args:
        roots: the converted sets.
        max_distance: largest Hamming distance of the 256-bit pHashes of candidates.
        min_correlation: smallest correlation after registration that confirms one, if its score does.
        judged: verdicts of a person, which stand above the rules.
        progress: (list, description) -> the list, wrapped to show progress.

    Raises:
        FileNotFoundError: a root has no splits.json, or files are missing.
        ValueError: two sets have one name.
    """
    splits = {str(root): Splits.read(root) for root in roots}
    names = [each.dataset for each in splits.values()]
    if len(set(names)) < len(roots):
        raise UserError(
            f"each set must be given once and under its own name, but {', '.join(map(str, roots))} are named "
            f"{', '.join(names)}; convert with --name"
        )
    images, furniture = load_images(splits, lambda items: progress(items, "reading images"))
    pairs, unrelated = find_pairs(
        images, max_distance, min_correlation, judged, lambda items: progress(items, "registering pairs")
    )
    return Audit(splits, images, pairs, max_distance, min_correlation, unrelated, furniture)
