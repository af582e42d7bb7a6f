"""What a model's weights have seen of the sets that it is tested on."""

from collections.abc import Iterable, Mapping

from ultraref.models.weights.profile import STATES, Seen

# The published sets of breast ultrasound, by the names of configs/_base_/datasets; breast is BrEaST.
ULTRASOUND_SETS = ("busi", "busbra", "bus", "bus_uc", "bus_uclm", "udiat", "breast")
_WORDS = {
    "seen": "seen by {}",
    "presumed": "presumed seen by {}",
    "unseen": "not seen by {}",
    "unknown": "unknown whether {} has seen it",
}


def not_seen(evidence: str, date: str) -> dict[str, Seen]:
    """Returns the `seen` of weights that were trained on photographs alone."""
    return {name: Seen("unseen", evidence, date) for name in ULTRASOUND_SETS}


def weights_seen(profiles: Mapping[str, Mapping], sets: Iterable[str]) -> dict[str, dict[str, dict]]:
    """Looks up what weights have seen of sets.

    Args:
        profiles: name -> record in plain types, as `provenance.collect_weights` gives them.
        sets: names of sets. Case, hyphens and underscores don't matter.

    Returns:
        Name of a set -> name of the weights -> state, evidence and date; weights that have seen it come first. What a
        record doesn't say is unknown. A model without published weights has an empty dict for each set.
    """
    report = {}
    for name in sets:
        found = {weights: _look_up(record, name) for weights, record in profiles.items()}
        report[name] = dict(sorted(found.items(), key=lambda item: STATES.index(item[1]["state"])))
    return report


def describe_seen(report: Mapping[str, Mapping[str, Mapping]]) -> list[str]:
    """Returns a report of `weights_seen` in words, a line for each set and file."""
    lines = []
    for name, weights in report.items():
        for which, seen in weights.items():
            words = _WORDS[seen["state"]].format(which)
            lines.append(f"{name}: {words} ({seen['evidence']})")
        if not weights:
            lines.append(f"{name}: not seen by published weights, of which the model has none")
    return lines


def _look_up(record: Mapping, set_name: str) -> dict:
    for name, seen in record["seen"].items():
        if _key(name) == _key(set_name):
            return dict(seen)
    return {"state": "unknown", "evidence": record.get("note") or "its record says nothing of this set", "date": ""}


def _key(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
