import base64
import io
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import find_annotations
from ultraref.errors import UserError


def annotation(*objects, tags=(), **more):
    return {
        "description": "",
        "tags": list(tags),
        "size": {"height": 48, "width": 60},
        "objects": list(objects),
        **more,
    }


def thing(kind, title="nodule", **more):
    return {"id": 1, "classId": 2, "labelerLogin": "x", "geometryType": kind, "tags": [], "classTitle": title, **more}


def polygon(exterior, *interior, **more):
    return thing("polygon", points={"exterior": exterior, "interior": list(interior)}, **more)


def bitmap(picture, origin, pack=zlib.compress):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    data = base64.b64encode(pack(buffer.getvalue())).decode()
    return thing("bitmap", points={"exterior": [], "interior": []}, bitmap={"data": data, "origin": origin})


def test_polygons_with_holes_and_bitmaps(archive, write_json, square_points, draw_square, masks_of):
    for name in "abcd":
        archive.image(f"project/ds0/img/{name}.png")
    mask = np.ones((14, 14), np.uint8)
    mask[0, 0] = 0
    alpha = Image.fromarray(np.dstack([np.full((14, 14, 3), 255, np.uint8), mask * 255]))
    write_json(
        "project/meta.json", {"classes": [{"title": "nodule", "shape": "polygon", "color": "#ff0000"}], "tags": []}
    )
    write_json(
        "project/ds0/ann/a.png.json",
        annotation(
            polygon(square_points(), square_points(14, 12, 3)),
            tags=[{"name": "device", "value": "GE"}, {"name": "new"}],
        ),
    )
    write_json("project/ds0/ann/b.png.json", annotation(bitmap(alpha, [12, 10])))
    write_json("project/ds0/ann/c.json", annotation(bitmap(Image.fromarray(mask * 255).convert("1"), [12, 10])))
    write_json("project/ds0/ann/d.png.json", annotation())
    found = find_annotations(archive.root)
    masks = masks_of(found)
    np.testing.assert_array_equal(masks["a"], draw_square() - draw_square(12, 14, 3))
    expected = draw_square()
    expected[10, 12] = 0
    np.testing.assert_array_equal(masks["b"], expected)
    np.testing.assert_array_equal(masks["c"], expected)
    assert not masks["d"].any()
    assert found.samples[0].attributes == {"device": "GE", "new": "yes", "lesion_classes": "nodule"}
    assert found.bad == found.left_out == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (bitmap(Image.new("1", (14, 14), 1), [50, 10]), "doesn't lie in the image of 48 x 60"),
        (bitmap(Image.new("1", (14, 14), 1), [1, 1], pack=lambda data: zlib.compress(data)[:-9]), "is cut off"),
        (bitmap(Image.new("1", (14, 14), 1), [1, 1], pack=lambda data: data), "can't be unpacked"),
        (bitmap(Image.new("1", (90, 90), 1), [0, 0]), "more than the limit"),
        (bitmap(Image.new("1", (9, 9), 1), [0, 0], pack=lambda _: zlib.compress(bytes(10**7))), "unpacks to more than"),
        (bitmap(Image.new("1", (9, 9), 1), [0.5, 0]), r"origin \[x, y\] and data are needed"),
        (thing("bitmap"), "its bitmap is None"),
        (polygon([[1, 1], [2, 2]]), "has 2 points"),
        (thing("polygon"), "its points are None"),
        (thing("polygon", points={"exterior": [[0, 0], [9, 0], [9, 9]], "interior": 3}), "not a list of holes"),
        (thing("circle", points={"exterior": [[0, 0]]}), "one point and a radius"),
    ],
)
def test_damaged_objects(archive, write_json, broken, message):
    archive.image("ds/img/a.png")
    write_json("ds/ann/a.png.json", annotation(broken))
    (sample,) = find_annotations(archive.root).samples
    with pytest.raises(
        UserError, match=re.escape(f"{archive.root}/ds/ann/a.png.json: object 0 (nodule)") + f".*{message}"
    ) as caught:
        sample.load_masks(sample)
    assert "\n" not in str(caught.value)


def test_rectangles_are_no_outlines_and_damaged_files_are_defects(archive, write_json, square_points):
    for name in "abc":
        archive.image(f"ds/img/{name}.png")
    write_json(
        "ds/ann/a.png.json", annotation(thing("rectangle", points={"exterior": [[1, 1], [5, 5]], "interior": []}))
    )
    write_json("ds/ann/b.png.json", annotation(3))
    write_json("ds/ann/c.png.json", annotation(polygon(square_points())))
    found = find_annotations(archive.root)
    assert [sample.name for sample in found.samples] == ["c"]
    assert "b.png.json: object 0 is 3" in found.bad[0]
    assert "a.png.json: object 0 (nodule) on a.png is a rectangle, which is no outline" in found.bad[1]
