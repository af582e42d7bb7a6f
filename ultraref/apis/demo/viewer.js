// The image with its layers, and what the user does on it. Gradio calls this with `element`, `props`, `trigger` and `watch`; everything that
// is said of the image goes to Python as the event "ask", and everything that is drawn comes back in props.value.
const COLOURS = { coarse: [240, 228, 66], sam: [0, 158, 115], gate: [255, 255, 255], refined: [213, 94, 0] };
const POINTS = { 1: "rgb(86,180,233)", 0: "rgb(204,121,167)" };
const BOX = "rgb(230,230,230)";
const FILL = 0.3; // of a mask's inside, against 1 of its outline

const find = (selector) => element.querySelector(selector);
const canvas = find("canvas"), context = canvas.getContext("2d"), stage = find(".stage"), notice = find(".notice");
const brush = find("input[name=brush]"), brushLabel = find(".brush");
const undo = find("button[name=undo]"), clear = find("button[name=clear]");
let picture = null; // {image, width, height}: what is shown, and the size of the file's image, in whose pixels all coordinates are
let layers = {}; // name -> canvas
let said = { points: [], box: null, asked: null };
let drag = null; // {tool, places}: between pressing and letting go
let cross = null; // the keyboard's place
let corner = null; // the first corner of a box by keyboard
let waiting = 0;

const tool = () => find("input[name=tool]:checked").value;
const scale = () => canvas.width / picture.width;

function load(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = url;
  });
}

// From a map (grey, 0 to 255) to colour with transparency: masks as outline and light inside, the gate by its value.
function tint(image, name) {
  const layer = document.createElement("canvas");
  const width = (layer.width = image.naturalWidth), height = (layer.height = image.naturalHeight);
  const paint = layer.getContext("2d");
  paint.drawImage(image, 0, 0);
  const pixels = paint.getImageData(0, 0, width, height), data = pixels.data;
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && values[y * width + x] > 127;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      let alpha = name === "gate" ? 0.7 * values[i] : 0;
      if (name !== "gate" && values[i] > 127) {
        const edge = !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
        alpha = edge ? 255 : 255 * FILL;
      }
      [data[4 * i], data[4 * i + 1], data[4 * i + 2]] = COLOURS[name];
      data[4 * i + 3] = alpha;
    }
  }
  paint.putImageData(pixels, 0, 0);
  return layer;
}

// Canvas pixels are those of the screen, so that points and lines have one size whatever the image's.
function fit() {
  if (!picture) return;
  const ratio = picture.width / picture.height;
  canvas.style.width = "min(100%, calc(72vh * " + ratio + "))";
  canvas.style.aspectRatio = String(ratio);
  const width = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
  canvas.width = width;
  canvas.height = Math.max(1, Math.round(width / ratio));
  draw();
}

function line(colour, width, dash, path) {
  // A dark line below, so that it is seen on bright tissue too.
  for (const [style, extra] of [["rgba(0,0,0,0.6)", 2], [colour, 0]]) {
    context.setLineDash(extra ? [] : dash);
    context.strokeStyle = style;
    context.lineWidth = width + extra;
    context.beginPath();
    path();
    context.stroke();
  }
  context.setLineDash([]);
}

function draw() {
  if (!picture) return;
  const unit = window.devicePixelRatio || 1, s = scale();
  const at = ([x, y]) => [(x + 0.5) * s, (y + 0.5) * s];
  const frame = ([x1, y1], [x2, y2], colour, dash) =>
    line(colour, 1.5 * unit, dash, () => context.rect(x1, y1, x2 - x1, y2 - y1));
  context.globalAlpha = 1;
  context.drawImage(picture.image, 0, 0, canvas.width, canvas.height);
  for (const label of element.querySelectorAll(".layers label")) {
    const layer = layers[label.dataset.layer];
    context.globalAlpha = label.querySelector("input").value / 100;
    if (layer) context.drawImage(layer, 0, 0, canvas.width, canvas.height);
  }
  context.globalAlpha = 1;
  if (said.asked) frame(at(said.asked.slice(0, 2)), at(said.asked.slice(2)), BOX, [4 * unit, 4 * unit]);
  if (said.box) frame(at(said.box.slice(0, 2)), at(said.box.slice(2)), BOX, []);
  for (const [x, y, label] of said.points) {
    const [u, v] = at([x, y]);
    context.beginPath();
    context.arc(u, v, 5 * unit, 0, 2 * Math.PI);
    context.fillStyle = POINTS[label];
    context.strokeStyle = "black";
    context.lineWidth = 1.5 * unit;
    context.fill();
    context.stroke();
  }
  const places = drag && drag.places;
  if (drag && drag.tool === "box") frame(at(places[0]), at(places[places.length - 1]), BOX, []);
  if (corner && cross) frame(at(corner), at(cross), BOX, []);
  if (drag && (drag.tool === "paint" || drag.tool === "erase")) {
    context.strokeStyle = drag.tool === "paint" ? "rgba(240,228,66,0.6)" : "rgba(0,0,0,0.6)";
    context.lineWidth = brush.value * s;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    places.forEach((place, i) => context[i ? "lineTo" : "moveTo"](...at(place)));
    context.lineTo(...at(places[places.length - 1]));
    context.stroke();
  }
  if (cross && document.activeElement === canvas) {
    const [u, v] = at(cross), arm = 9 * unit;
    line("rgb(230,159,0)", 1.5 * unit, [], () => {
      context.moveTo(u - arm, v);
      context.lineTo(u + arm, v);
      context.moveTo(u, v - arm);
      context.lineTo(u, v + arm);
    });
  }
}

function say(text, bad) {
  notice.textContent = text;
  notice.classList.toggle("bad", Boolean(bad));
}

function ask(detail) {
  waiting += 1;
  say("Working …");
  trigger("ask", detail);
}

function place(event) {
  const rect = canvas.getBoundingClientRect();
  const x = ((event.clientX - rect.left) / rect.width) * picture.width - 0.5;
  const y = ((event.clientY - rect.top) / rect.height) * picture.height - 0.5;
  return [Math.min(Math.max(x, 0), picture.width - 1), Math.min(Math.max(y, 0), picture.height - 1)];
}

function apply(kind, places) {
  const [x, y] = places[0], last = places[places.length - 1];
  if (kind === "lesion" || kind === "background") {
    said.points = [...said.points, [x, y, kind === "lesion" ? 1 : 0]];
    ask({ kind: "point", x, y, label: kind === "lesion" ? 1 : 0 });
  } else if (kind === "box") {
    ask({ kind: "box", box: [x, y, ...last] });
  } else {
    ask({ kind: "stroke", stroke: places, radius: brush.value / 2, erase: kind === "erase" });
  }
  draw();
}

canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("pointerdown", (event) => {
  if (!picture || (event.button !== 0 && event.button !== 2)) return;
  cross = corner = null;
  drag = { tool: event.button === 2 ? "background" : tool(), places: [place(event)] };
  canvas.setPointerCapture(event.pointerId);
  draw();
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.places.push(place(event));
  draw();
});
canvas.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { tool: kind, places } = drag;
  drag = null;
  apply(kind, kind === "lesion" || kind === "background" ? [place(event)] : places);
});
canvas.addEventListener("pointercancel", () => {
  drag = null;
  draw();
});
for (const name of ["focus", "blur"]) canvas.addEventListener(name, draw);

canvas.addEventListener("keydown", (event) => {
  if (!picture) return;
  const step = event.shiftKey ? 10 : 1;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const key = event.key.toLowerCase();
  cross = cross || [(picture.width - 1) / 2, (picture.height - 1) / 2];
  if (moves[event.key]) {
    cross = cross.map((value, i) => value + moves[event.key][i]);
    cross = [Math.min(Math.max(cross[0], 0), picture.width - 1), Math.min(Math.max(cross[1], 0), picture.height - 1)];
    draw();
  } else if (event.key === "Enter" || event.key === " ") {
    if (tool() !== "box") apply(tool(), [cross]);
    else if (corner) {
      apply("box", [corner, cross]);
      corner = null;
    } else {
      corner = cross;
      say("Go to the opposite corner and press Enter");
    }
  } else if (key === "b" && !event.ctrlKey && !event.metaKey) apply("background", [cross]);
  else if (key === "u" || (key === "z" && (event.ctrlKey || event.metaKey))) ask({ kind: "undo" });
  else return;
  event.preventDefault();
});

function chooseTool() {
  const painting = tool() === "paint" || tool() === "erase";
  brushLabel.classList.toggle("on", painting);
  brush.disabled = !painting;
  // A finger draws with the tools that are drawn with, and scrolls the page with the others.
  canvas.style.touchAction = painting || tool() === "box" ? "none" : "manipulation";
  corner = null;
  draw();
}
for (const input of element.querySelectorAll("input[name=tool]")) input.addEventListener("change", chooseTool);
for (const input of element.querySelectorAll(".layers input")) input.addEventListener("input", draw);
for (const swatch of element.querySelectorAll(".layers i"))
  swatch.style.background = "rgb(" + COLOURS[swatch.parentElement.dataset.layer] + ")";
undo.addEventListener("click", () => ask({ kind: "undo" }));
clear.addEventListener("click", () => ask({ kind: "clear" }));

function save({ name, type, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Messages are drawn in the order in which they came, though pictures are decoded in their own time.
let turn = Promise.resolve();
watch("value", () => {
  const message = props.value;
  turn = turn.then(() => show(message)).catch((error) => say(String(error), true));
});

async function show(message) {
  if (!message) return;
  if (message.answers) waiting = Math.max(0, waiting - 1);
  if (message.download) save(message.download);
  if (message.picture) {
    picture = Object.assign({}, message.picture, { image: await load(message.picture.image) });
    cross = corner = drag = null;
    layers = {};
    stage.classList.remove("blank");
  }
  if (message.view) {
    const drawn = {};
    for (const [name, url] of Object.entries(message.view.layers)) if (url) drawn[name] = tint(await load(url), name);
    layers = drawn;
    said = message.view;
    for (const label of element.querySelectorAll(".layers label"))
      label.classList.toggle("absent", !layers[label.dataset.layer]);
    undo.disabled = !message.view.can_undo;
    clear.disabled = !(said.points.length || said.box || message.view.given_coarse);
  }
  if (waiting === 0 || message.bad) say(message.notice || "", message.bad);
  canvas.dataset.serial = message.serial;
  message.picture ? fit() : draw();
}

stage.classList.add("blank");
chooseTool();
new ResizeObserver(fit).observe(stage);
