"""What a conversion says of near-duplicates, in lines."""

from collections.abc import Iterator, Mapping, Sequence

from ultraref.datasets.converters.group_sheet import GROUP_SHEET_NAME

_LISTED = 5


def describe_large_groups(groups: Sequence[Mapping]) -> Iterator[str]:
    """Yields a line for each group of near-duplicates that is larger than usual, for the top of the report."""
    for group in groups:
        names = ", ".join(group["names"][:3])
        if group["accepted"]:
            what = "taken as one group, as --accept-large-groups says"
        else:
            what = (
                f"NOT taken as one group: only pairs of up to {group['distance_left']} bits are kept together, at most "
                f"{group['largest_left']} images. If they do show the same, convert with --accept-large-groups"
            )
        yield f"LARGE GROUP: {len(group['names'])} images look alike ({names}, ...), see {GROUP_SHEET_NAME}; {what}"


def describe_duplicates(facts: Mapping) -> Iterator[str]:
    """Yields lines about the distance, the screens that were left out, and groups that a given split parts."""
    if not facts:
        return
    usual = ""
    if facts["middle"] is not None:
        usual = f"; unrelated images differ in {facts['middle']} +- {facts['spread']} bits"
    yield f"duplicates: up to {facts['distance']} bits, {facts['why']}{usual}"
    for frame in facts["furniture"]:
        height, width = frame["size"]
        device = f" of {frame['device']}" if frame["device"] else ""
        yield (
            f"screen: {frame['percent']} % of the {frame['images']} images of {height} x {width} px{device} hardly varies and was left out "
            "of the comparison"
        )
    for first, second in facts.get("parted_near_duplicates", [])[:_LISTED]:
        yield f"note: {first} and {second} show the same, and lie in two parts"
    more = len(facts.get("parted_near_duplicates", [])) - _LISTED
    if more > 0:
        yield f"note: and {more} more pairs that show the same lie in two parts; see report.json"
    for first, second in facts["pairs_rejected_but_together"][:_LISTED]:
        yield f"note: {first} and {second} were rejected as a pair, but are connected through others"
