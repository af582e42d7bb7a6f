"""What the page says, read with a parser that knows nothing of the template."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from ultraref.apis.report import read_study, write_report
from ultraref.apis.report.page import REPORT_NAME, TABLES_NAME

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements as (tag, attributes), the text of each id, and tags that aren't closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts, self.wrong = [], [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append((tag, attributes.get("id")))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(written):
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def words(text):
    return " ".join(text.split())


def table(written, name):
    with open(written.parent / TABLES_NAME / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_it_stands_alone_and_runs_nothing(page, text):
    assert page.wrong == []
    assert page.open == []
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    # The names of SVG's own namespaces are no addresses that are fetched.
    assert set(re.findall(r"https?://[^\"'\s<>]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_ids_are_unique_and_references_lead_to_them(page, text):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
    assert targets
    assert set(targets) <= set(ids)


def test_names_are_text(page, text, made):
    assert made.hostile not in text
    assert "<b>set</b>" not in text
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert made.hostile in page.texts["table-worst_changes"] or made.hostile in page.texts["table-headline"]
    assert made.hostile in page.texts["table-headline"]
    assert "{{7*7}}" in page.texts["table-headline"]
    assert made.set in page.texts["table-data"]
    assert "it <says> so" in page.texts["data"]
    assert "Overlap: <i>rule</i>" in page.texts["results"]


def test_the_headline_holds_each_result_once(written, page, made):
    head, *rows = table(written, "headline")
    assert head == ["Result", "Run", "Dice (95 % interval)", "Dice minus coarse (95 % interval)", "HD95 (px)"]
    long_name = "a_run_whose_name_is_long_" * 4
    assert [row[:2] for row in rows] == [
        ["coarse alone", "all runs"],
        ["SAM before the gate", made.hostile],
        ["refined with gate (UncertaintyGate)", made.hostile],
        ["SAM before the gate", long_name],
        ["refined with gate (LearnedGate)", long_name],
    ]
    coarse, refined = (float(rows[place][2].split()[0]) for place in (0, 2))
    assert coarse == pytest.approx(np.mean(made.coarse), abs=5e-5)
    assert refined == pytest.approx(np.mean(made.coarse + made.change), abs=5e-5)
    # 10 * 0.04 - 4 * 0.02 - 2 * 0.1 = 0.12 of 40 images.
    mean, low, high = map(float, re.findall(r"[+-]?\d\.\d+", rows[2][3]))
    assert mean == 0.003
    assert low < mean < high
    assert rows[0][3] == ""
    assert [row[4] for row in rows[:3]] == ["10.00", "12.00", "8.00"]
    assert "bootstrap of 40 patients" in page.texts["results"]
    assert "SAM with the true boxes (the upper bound) and SAM without training have a row where" in words(
        page.texts["results"]
    )


def test_harm_is_told_of_all_and_in_detail_of_the_first(written, page, made):
    _, first, second = table(written, "harm")
    # 6 and 2 of 40 lose more than 1 and 5 points; the second run's losses are half, so that 2 remain, of 0.05 at most.
    assert [cell.split(" (")[0] for cell in first[2:6]] == ["15.0 %", "5.0 %", "25.0 %", "0.0 %"]
    assert first[6] == "-0.1000"
    assert second[3].startswith("0.0 %")
    by_class = {row[0]: int(row[1]) for row in table(written, "harm_3_case_class")[1:]}
    assert by_class == {"benign": 30, "malignant": 10}
    assert sum(int(row[1]) for row in table(written, "harm_1_coarse_dice")[1:]) == 40
    assert sum(int(row[1]) for row in table(written, "harm_2_lesion_area")[1:]) == 40
    worst = table(written, "worst_changes")[1:]
    assert [row[0] for row in worst] == [f"case_{number}" for number in (38, 39, 34, 35, 36, 37)]
    assert "case_38" in page.texts["harm"]


def test_plots_and_cases_are_there(page):
    assert len(page.all("svg")) == 2 + 1 + 3
    for section in ("Best", "Median", "Worst"):
        assert section in page.texts["cases"]
    # Nine cases, six that lose; the hostile name and case_39 have no overlay.
    shown = len(page.all("img"))
    assert page.texts["cases"].count("No overlay of this case.") + page.texts["harm"].count("No overlay") == 15 - shown
    assert shown >= 11
    assert all(image["alt"] for image in page.all("img"))


def test_costs_and_provenance_say_what_is_known_and_what_is_not(written, page, made):
    head, first, *_ = table(written, "costs")
    assert head == ["Run", "Parts", "Test (ms an image)"]
    # 0.2 s a batch of 4.
    assert first[2] == "50"
    costs = words(page.texts["costs"])
    assert "Not known: parameters (the checkpoint isn't where the test read it), time of the training" in costs
    assert "FLOPs" in costs
    ((name, users, split, images, digest),) = table(written, "data")[1:]
    assert (name, users, split, images, digest) == (made.set, "all runs", "not known", "40", "5711")
    assert "presumed seen by lite_medsam" in page.texts["data"]
    facts = words(page.texts["configuration"])
    for known in ("SAMViT", "BoxPromptGenerator", "UncertaintyGate (gamma 1.0)", "3.12.1", "2.9.0", "ultraref "):
        assert known in facts
    assert table(written, "models")[1][2:4] == ["2", "7"]


def test_every_table_has_a_csv_and_a_latex_file(written, page):
    folder = written.parent / TABLES_NAME
    names = {element["id"].removeprefix("table-") for element in page.all("table")}
    assert {path.name for path in folder.iterdir()} == {f"{n}.{suffix}" for n in names for suffix in ("csv", "tex")}
    for name in names:
        head, *rows = table(written, name)
        latex = (folder / f"{name}.tex").read_text()
        body = latex[latex.index(r"\midrule") : latex.index(r"\bottomrule")].splitlines()[1:]
        assert len(body) == len(rows)
        assert all(len(re.split(r"(?<!\\)&", line)) == len(head) for line in body)
    # What LaTeX would read as its own is escaped.
    assert r"\&\{\{7*7\}\}" in (folder / "headline.tex").read_text()


def test_the_same_study_gives_the_same_page_and_old_tables_go(tmp_path, made):
    study = read_study([made.write_test(tmp_path / "run")])
    first = write_report(study, tmp_path / "out").read_bytes()
    (tmp_path / "out" / TABLES_NAME / "stale.csv").write_text("")
    assert write_report(study, tmp_path / "out").read_bytes() == first
    assert not (tmp_path / "out" / TABLES_NAME / "stale.csv").exists()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [REPORT_NAME, TABLES_NAME]


def test_a_coarse_network_alone_has_a_report_without_harm(tmp_path, made):
    study = read_study([made.write_test(tmp_path / "run", refines=False)])
    page = Page(write_report(study, tmp_path / "out").read_text())
    assert "None of the runs refines" in page.texts["harm"]
    assert "There are no overlays" in page.texts["cases"]
    assert page.wrong == []


def test_runs_on_other_images_have_tables_of_their_own(tmp_path, made):
    names = [f"other_{number}" for number in range(40)]
    runs = [made.write_test(tmp_path / "one"), made.write_test(tmp_path / "two", names=names)]
    page = Page(write_report(read_study(runs), tmp_path / "out").read_text())
    assert {"table-headline_1", "table-headline_2"} <= set(page.texts)
    assert "measured on different images" in words(page.texts["results"])
