"""The page: Gradio's components around the viewer. All that is computed is the session's.

The only module that imports Gradio, which takes seconds and is an extra: import it in a function (`ultraref.apis.demo.serve`).
"""

import base64
import html
from collections.abc import Callable
from importlib import resources
from itertools import count
from pathlib import Path

import gradio as gr

from ultraref.apis.demo.demo_model import DemoModel
from ultraref.apis.demo.gate_choice import GateChoice
from ultraref.apis.demo.session import Session
from ultraref.apis.demo.view import answer_view, image_view
from ultraref.apis.inference.reading import BAD_INPUT
from ultraref.datasets.readers.coarse_mask import KINDS
from ultraref.errors import UserError

CSS = """
.gradio-container { max-width: 1360px !important; padding: 12px !important; }
footer { display: none !important; }
.head { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; color: var(--body-text-color); }
.head h1 { font-size: 20px; margin: 0; }
.numbers { width: 100%; border-collapse: collapse; color: var(--body-text-color); }
.numbers th, .numbers td { text-align: left; padding: 5px 8px 5px 0; font-weight: 400; vertical-align: top; }
.numbers tr { border-bottom: 1px solid var(--border-color-primary); }
.numbers th { width: 45%; }
.numbers td { font-weight: 600; font-variant-numeric: tabular-nums; }
"""
_GATES = [("The model's", "model"), ("Same everywhere", "constant"), ("Where the coarse mask is unsure", "uncertainty")]
_FLAGS = (
    ("coarse_empty", "the coarse mask is empty"),
    ("gate_closed", "the gate lets nothing of SAM in"),
    ("disagreement", "coarse mask and SAM disagree"),
)
# Seconds: how often uploads are looked through, and after how many they are deleted. Each is read at once, into its session; but two
# users who upload the same file share one on the disk.
_FORGOTTEN = (300, 600)
# What answers to what the user does beside the image: never two at a time for one model.
_QUEUE = dict(concurrency_id="model", concurrency_limit=1, show_progress="hidden", api_visibility="private")


def build_page(model: DemoModel, max_pixels: int) -> gr.Blocks:
    """Returns the page. Each browser tab that opens it has a session of its own.

    Args:
        model: shared by all sessions.
        max_pixels: most pixels of an image.
    """
    replies = _Replies(model, max_pixels)
    with gr.Blocks(title="ultraref demo", analytics_enabled=False, delete_cache=_FORGOTTEN) as page:
        state = gr.State(None)
        gr.HTML(f"<div class='head'><h1>ultraref</h1><span>{html.escape(model.title)}</span></div>")
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                image = gr.File(label="Image: PNG, JPEG, TIFF, DICOM, NIfTI, .npy", height=130, elem_id="image-file")
                frame = gr.Slider(0, 1, 0, step=1, label="Frame", visible=False)
                viewer = gr.HTML(
                    None,
                    html_template=_part("viewer.html"),
                    css_template=_part("viewer.css"),
                    js_on_load=_part("viewer.js"),
                    apply_default_css=False,
                    elem_id="viewer",
                )
            with gr.Column(scale=1, min_width=300):
                numbers = gr.HTML(replies.numbers(None), apply_default_css=False, elem_id="numbers")
                with gr.Row():
                    save_mask = gr.Button("Download mask", size="sm", min_width=120, elem_id="save-mask")
                    save_json = gr.Button("Download JSON", size="sm", min_width=120, elem_id="save-json")
                kind = gr.Radio(_GATES, value="model", label="Gate", elem_id="gate-kind")
                cap = gr.Slider(0, 1, 1, step=0.05, label="Cap of the gate", elem_id="gate-cap")
                with gr.Accordion("Coarse mask from a file", open=False):
                    holds = gr.Radio(list(KINDS), value="auto", label="It holds")
                    coarse = gr.File(label="PNG, .npy, NIfTI, .npz", height=130, elem_id="coarse-file")

        shown = [state, viewer, numbers]
        opened = dict(inputs=[state, image], outputs=[*shown, image, frame], **_QUEUE)
        image.upload(replies.open, **opened).then(replies.prepare, state, state, **_QUEUE)
        frame.release(replies.show_frame, [state, frame], shown, **_QUEUE)
        coarse.upload(replies.load_coarse, [state, coarse, holds], [*shown, coarse], **_QUEUE)
        viewer.ask(replies.ask, state, shown, trigger_mode="multiple", **_QUEUE)
        for component in (kind, cap):
            component.input(replies.choose_gate, [state, kind, cap], shown, trigger_mode="always_last", **_QUEUE)
        save_mask.click(replies.save_mask, state, [state, viewer], **_QUEUE)
        save_json.click(replies.save_json, state, [state, viewer], **_QUEUE)
    return page


class _Replies:
    """What the page's events call. Everything from a browser is data of a stranger, which the session checks."""

    def __init__(self, model: DemoModel, max_pixels: int):
        self._model, self._max_pixels = model, max_pixels
        # Equal values in a row would not be shown again.
        self._serial = count(1)

    def open(self, session: Session | None, path: str | None) -> tuple:
        def read(session: Session) -> None:
            session.open(Path(path).read_bytes(), Path(path).name)

        session, *shown = self._step(session, read, path, picture=True)
        frames = session.origin.num_frames
        slider = gr.Slider(value=0, maximum=max(1, frames - 1), visible=frames > 1)
        return session, *shown, None, slider

    def prepare(self, session: Session | None) -> Session | None:
        if session is not None:
            session.prepare()
        return session

    def show_frame(self, session: Session | None, frame: int) -> tuple:
        return self._step(session, lambda session: session.show_frame(int(frame)), picture=True)

    def load_coarse(self, session: Session | None, path: str | None, kind: str) -> tuple:
        return *self._step(session, lambda session: session.load_coarse(path, kind), path), None

    def choose_gate(self, session: Session | None, kind: str, cap: float) -> tuple:
        def choose(session: Session) -> None:
            session.gate = GateChoice(kind, cap)

        return self._step(session, choose)

    def ask(self, session: Session | None, event: gr.EventData) -> tuple:
        detail = event._data if isinstance(event._data, dict) else {}
        return self._step(session, lambda session: _do(session, detail), answers=True)

    def save_mask(self, session: Session | None) -> tuple:
        return self._save(session, "_mask.png", "image/png", Session.mask_png)

    def save_json(self, session: Session | None) -> tuple:
        return self._save(session, ".json", "application/json", lambda session: session.to_json().encode())

    def numbers(self, session: Session | None) -> str:
        """Returns what is measured, as a table."""
        rows = _numbers(session) if session is not None and session.answer is not None else [("Area", "no mask yet")]
        cells = "".join(f"<tr><th scope='row'>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in rows)
        return f"<table class='numbers'>{cells}</table>"

    def _step(
        self,
        session: Session | None,
        action: Callable[[Session], None],
        path: str | None = None,
        picture: bool = False,
        answers: bool = False,
    ) -> tuple[Session, dict, str]:
        """Does a step, and returns the session, the message to the viewer, and the numbers."""
        session = session or Session(self._model, self._max_pixels)
        message = dict(serial=next(self._serial), answers=answers)
        try:
            action(session)
        except BAD_INPUT as error:
            text = str(error)
            if path is not None:
                # The user knows the name of the file, not where the page keeps its copy.
                text = text.replace(f"{Path(path).parent}/", "")
            message.update(notice=text, bad=True)
        if session.image is not None:
            if picture and not message.get("bad"):
                message["picture"] = image_view(session)
            message["view"] = answer_view(session)
            message.setdefault("notice", _hint(session))
        return session, message, self.numbers(session)

    def _save(self, session: Session | None, ending: str, kind: str, content: Callable[[Session], bytes]) -> tuple:
        session = session or Session(self._model, self._max_pixels)
        message = dict(serial=next(self._serial))
        try:
            data = base64.b64encode(content(session)).decode()
            message["download"] = dict(name=session.name + ending, type=kind, data=data)
        except UserError as error:
            message.update(notice=str(error), bad=True)
        return session, message


def _do(session: Session, detail: dict) -> None:
    """What was done on the image."""
    kind = detail.get("kind")
    if kind == "point":
        session.add_point(detail.get("x"), detail.get("y"), detail.get("label"))
    elif kind == "box" and isinstance(detail.get("box"), list) and len(detail["box"]) == 4:
        session.set_box(*detail["box"])
    elif kind == "stroke":
        session.paint(detail.get("stroke"), detail.get("radius"), bool(detail.get("erase")))
    elif kind == "undo":
        session.undo()
    elif kind == "clear":
        session.clear()
    else:
        raise UserError(f"the page can't do {kind!r}")


def _hint(session: Session) -> str:
    if session.answer is not None:
        return ""
    if session.question.points:
        return "Add a point in the lesion, or draw a box around it"
    return "Click the lesion, draw a box around it, or paint a coarse mask"


def _numbers(session: Session) -> list[tuple[str, str]]:
    row = session.measurements()
    millimetres = f"unknown: {row['spacing_note']}" if row["area_mm2"] == "" else f"{row['area_mm2']:,.1f}"
    quality = "SAM was not asked" if row["predicted_iou"] == "" else f"{row['predicted_iou']:.2f}"
    rows = [
        ("Image", f"{session.name}, {row['width']} x {row['height']} px"),
        ("Area", f"{row['area_px']:,} px"),
        ("Area in mm²", millimetres),
        ("Predicted IoU of SAM's mask", quality),
        ("Lesions", str(row["lesions"])),
    ]
    if row["changed_px"] == "":
        rows.append(("Gate", "none: there is no coarse mask"))
    else:
        rows.append(("Differs from coarse", f"{row['changed_px']:,} px"))
    warnings = [text for flag, text in _FLAGS if row[flag] == 1]
    return [*rows, ("Note", "; ".join(warnings))] if warnings else rows


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
