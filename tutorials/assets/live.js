// The live models of the pages. A page holds an empty <div class="live" data-stages="unet"></div>: one stage, or "all".

import { Answers } from "./live_answers.js";
import { watchCamera } from "./live_camera.js";
import { Engine } from "./live_engine.js";
import { Inside } from "./live_inside.js";
import { button, element } from "./widgets.js";
import { join, list, percent, phrase, say, table, words } from "./words.js";

const FOLDER = new URL("../live/", import.meta.url);
const NEEDS = { WebAssembly: "WebAssembly", OffscreenCanvas: say("canvases in workers") };

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

for (const place of document.querySelectorAll("div.live")) mount(place);

async function mount(place) {
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", say("The models, live"));
  const lacking = Object.keys(NEEDS).find((name) => !(name in globalThis));
  const tell = (sentence) => place.append(element("p", {}, sentence));
  if (lacking) {
    const what = NEEDS[lacking];
    tell(say("This browser has no {what}, which the models need. A newer one has.", { what }));
    return;
  }
  const response = await fetch(new URL("models.json", FOLDER)).catch(() => null);
  const listed = await response?.json().catch(() => null);
  if (!listed) tell(say("There is no connection to load {what} from.", { what: say("the models") }));
  else if (listed.missing) tell(say("The live models are not part of this site. {missing}", listed));
  else live(place, listed);
}

function live(place, listed) {
  const stages = new Map(listed.stages.map((stage) => [stage.name, { ...stage, left: stage.bytes, loaded: null }]));
  const all = [...stages.keys()]; // without models of one's own
  const runtime = { ...listed.runtime, left: listed.runtime.bytes };
  let engine = null;
  let start = null; // a promise, from the first click on
  let chosen = stages.has(place.dataset.stages) ? place.dataset.stages : "all";
  let photo = null; // {name, size, shown, view}
  let camera = null;
  let turn = 0; // of the photo and the stages: what belongs to an earlier one is not shown any more

  // ---- What the page shows ----

  const status = element("p", { role: "status", class: "live-status" });
  const rate = element("p", { class: "live-rate", "aria-live": "off" }); // nobody wants to hear it each second
  const progress = element("progress", { "aria-label": say("Loading"), hidden: "" });
  const answers = new Answers(call, point, report);
  const pointed = element("p", { class: "live-pointed" });
  const inside = new Inside(call, fail, () => answers.pointed);
  const file = element("input", { type: "file", accept: "image/*", hidden: "" });
  const model = element("input", { type: "file", accept: ".onnx", hidden: "" });
  const video = button(say("Use the camera"), () => (camera ? keep() : attempt(film)));
  const examples = listed.examples.map(({ file: name, title }) => {
    const alt = say("Example: {title}", { title: phrase(title) });
    const picture = element("img", { src: new URL(name, FOLDER), alt, loading: "lazy" });
    const node = element("button", { type: "button", class: "live-example" }, picture);
    node.addEventListener("click", () => attempt(() => showExample(name, title)));
    return node;
  });
  const note = element("p", { class: "live-note" });
  const sources = element(
    "div",
    { class: "live-sources" },
    element("p", { class: "live-invitation" }, say("Drop or paste a photo of a cat or a dog here")),
    element("div", { class: "live-buttons" }, button(say("Choose a photo"), () => file.click()), video, ...examples),
    note,
  );
  const stage = choose(say("Stage"), [...all, "all"].map((name) => [name, ""]));
  const view = choose(say("Show"), []);
  const strength = element("input", { type: "range", min: 0, max: 100, value: 60 });
  const strengthLabel = element("label", {}, say("Strength"), " ", strength);
  const save = button(say("Download the cut-out (transparent PNG)"), () => attempt(download));
  const controls = element("div", { class: "live-controls" }, stage.node, view.node, strengthLabel, save);
  const own = button(say("Use a model of your own"), () => model.click());
  const actions = element("div", { class: "live-buttons" }, own);
  const results = element("div", { hidden: "" }, controls, answers.node, pointed, actions, inside.node);
  place.append(sources, file, model, progress, status, rate, results);
  tellSizes();

  function call(...values) {
    return engine.call(...values);
  }

  // What is still to be loaded, before the first click and before each choice of a stage.
  function tellSizes() {
    const bytes = missing(names());
    const loads = bytes && say("The first answer loads {size}.", { size: megabytes(bytes) });
    note.textContent = join(say("It is computed in this browser: no photo leaves your machine."), loads);
    for (const option of stage.select.options) {
      const bytes = missing(option.value === "all" ? all : [option.value]);
      const name = option.value === "all" ? say("all, side by side") : words(option.value);
      option.textContent = bytes ? say("{name} (loads {size})", { name, size: megabytes(bytes) }) : name;
    }
  }

  function missing(some) {
    return some.reduce((sum, name) => sum + stages.get(name).left, runtime.left);
  }

  // Of the "runtime", or of a model, so many bytes have come.
  function come(bytes, name) {
    const entry = stages.get(name) ?? runtime;
    entry.left = Math.max(0, entry.left - bytes); // a server may have unpacked what it sends
    if (name === "runtime" || names().includes(name)) progress.value += bytes;
  }

  function names() {
    return chosen === "all" ? all : [chosen];
  }

  function choose(label, options) {
    const node = element("select");
    const fill = (all) => node.replaceChildren(...all.map(([value, text]) => element("option", { value }, text)));
    fill(options);
    return { node: element("label", {}, `${label} `, node), select: node, fill };
  }

  function report(sentence) {
    status.classList.remove("live-error");
    status.textContent = sentence;
  }

  function fail(error) {
    progress.hidden = true;
    status.classList.add("live-error");
    status.textContent = error.message;
  }

  function point(sentence) {
    pointed.textContent = sentence;
    inside.follow();
  }

  async function attempt(action) {
    try {
      await action();
    } catch (error) {
      fail(error);
    }
  }

  // ---- Loading, on the first click ----

  async function ready(name) {
    const entry = stages.get(name);
    await begin(missing(names()));
    if (!entry.loaded) {
      entry.loading ??= engine.call("loadModel", [name, new URL(entry.file, FOLDER).href, entry.bytes]);
      try {
        entry.loaded = await entry.loading;
        entry.left = 0;
      } catch (error) {
        entry.left = entry.bytes;
        throw error;
      } finally {
        entry.loading = null; // after a fault the next click tries again
      }
    }
    progress.hidden = !missing(names());
    tellSizes();
    return entry.loaded;
  }

  // Starts the runtime, once; `bytes` are still to be loaded, with all that follows.
  async function begin(bytes) {
    if (bytes) {
      if (progress.hidden) {
        Object.assign(progress, { hidden: false, value: 0 });
        report(say("Loading ..."));
      }
      progress.max = progress.value + bytes;
    }
    if (!start) {
      engine = new Engine(come);
      start = engine.call("start", [FOLDER.href, listed.runtime, listed.colours, table]);
    }
    try {
      await start;
      runtime.left = 0;
    } catch (error) {
      start = null; // the next click tries again
      runtime.left = runtime.bytes;
      engine.stop();
      throw error;
    }
  }

  // ---- Photos ----

  async function show(source, name) {
    ready(names()[0]).catch(() => {}); // it loads meanwhile; the answers, which need it, tell of a fault
    await begin(missing(names()));
    const filmed = source instanceof ImageBitmap;
    const next = { name, filmed, ...(await engine.call("loadPhoto", [source], filmed ? [source] : [])) };
    photo?.view.close();
    photo = next;
    await answerAll();
  }

  async function showExample(name, title) {
    const found = fetch(new URL(name, FOLDER)).then((response) => (response.ok ? response.blob() : null));
    const picture = await found.catch(() => null); // it may break off on its way, too
    if (!picture) throw new Error(say("There is no connection to load the example from."));
    keep();
    await show(picture, title);
  }

  function take(found, isModel = found?.name.toLowerCase().endsWith(".onnx")) {
    if (!found) return;
    keep();
    if (isModel) attempt(() => showModel(found));
    else attempt(() => show(found, found.name));
  }

  async function film() {
    const mine = watchCamera(
      (frame) => show(frame, "camera"),
      (each) => (rate.textContent = say("{rate} pictures a second.", { rate: each.toFixed(1) })),
    );
    camera = mine;
    video.textContent = say("Keep this picture");
    let unplugged;
    try {
      await mine.stopped;
    } finally {
      unplugged = camera === mine; // or it has failed
      if (unplugged) keep();
    }
    if (photo?.filmed) await answerAll();
    if (unplugged) throw new Error(say("The camera gives no more pictures."));
  }

  // Ends the film, if there is one.
  function keep() {
    camera?.stop();
    camera = null;
    rate.textContent = "";
    video.textContent = say("Use the camera");
  }

  async function showModel(found) {
    await begin(runtime.left);
    const loaded = await engine.call("loadFile", [found]);
    if (!stages.has(found.name)) stage.select.append(element("option", { value: found.name }));
    stages.set(found.name, { name: found.name, left: 0, loaded });
    tellSizes();
    progress.hidden = true;
    stage.select.value = chosen = found.name;
    const [height, width] = loaded.shape;
    const values = { file: found.name, classes: list(loaded.classes), height, width };
    report(say("{file} knows {classes}. It takes {height} x {width} pixels.", values));
    if (photo) await answerAll();
  }

  // ---- Answers ----

  async function answerAll() {
    const mine = ++turn;
    try {
      await answerInTurn(mine);
    } catch (error) {
      if (mine === turn) throw error;
    }
  }

  async function answerInTurn(mine) {
    status.classList.remove("live-error"); // an error that comes from here on stays to be read
    for (const name of names()) {
      const { classes, hasBackground, levels } = await ready(name);
      if (mine !== turn) return;
      if (name === names()[0]) prepare(classes, hasBackground, levels);
      const found = await engine.call("answer", [name]);
      if (mine !== turn) return;
      await answers.show(name, { ...found, classes });
      if (mine !== turn) return;
      const values = { stage: words(name), time: found.milliseconds.toFixed(0), shares: tell(classes, found.shares) };
      if (!camera && !status.classList.contains("live-error"))
        report(say("{stage} answered in {time} ms: {shares}.", values));
    }
    await inside.show();
  }

  const tell = (classes, shares) => list(classes.map((name, i) => `${name} ${percent(shares[i])}`));

  function prepare(classes, hasBackground, levels) {
    if (results.hidden) {
      results.hidden = false;
      requestAnimationFrame(() => answers.node.scrollIntoView({ block: "nearest" })); // on a phone it lies below
    }
    place.classList.add("live-started");
    stage.select.value = chosen;
    const options = [["overlay", say("classes over the photo")], ["classes", say("classes")]];
    options.push(...classes.map((name, number) => [`probability ${number}`, say("probability of {name}", { name })]));
    if (hasBackground) options.push(["cutout", say("cut-out")]);
    const before = view.select.value;
    view.fill(options);
    view.select.value = options.some(([value]) => value === before) ? before : "overlay";
    save.hidden = !hasBackground;
    answers.prepare(photo, names(), classes, listed.colours);
    inside.prepare(chosen === "all" ? null : chosen, levels, stages.get(chosen)?.does);
    changeView();
  }

  function changeView() {
    const [kind, number = 0] = view.select.value.split(" ");
    strengthLabel.hidden = kind !== "overlay";
    return answers.setView(kind, Number(number), strength.value / 100);
  }

  async function download() {
    const name = names().at(-1);
    await ready(name);
    const { file: picture } = await engine.call("cutOut", [name]);
    const url = URL.createObjectURL(picture);
    element("a", { href: url, download: `${photo.name}.cutout.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    report(say("The cut-out of {stage} is downloaded.", { stage: words(name) }));
  }

  // ---- What the reader does ----

  stage.select.value = chosen;
  stage.select.addEventListener("change", () => {
    chosen = stage.select.value;
    if (photo) attempt(answerAll);
  });
  view.select.addEventListener("change", () => attempt(changeView));
  strength.addEventListener("input", changeView);
  for (const input of [file, model])
    input.addEventListener("change", () => {
      take(input.files[0], input === model || undefined); // a model may be chosen as a photo, too
      input.value = ""; // so that the same file can be chosen again
    });
  const hasFiles = (event) => event.dataTransfer.types.includes("Files"); // text is dragged, too: into the search
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // a photo that misses does not replace the page
    if (place.contains(event.target)) place.classList.add("live-over");
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (place.contains(event.target)) take(event.dataTransfer.files[0]);
  });
  for (const end of ["dragleave", "drop"]) place.addEventListener(end, () => place.classList.remove("live-over"));
  addEventListener("paste", (event) => {
    const [first] = event.clipboardData.files;
    const all = [...document.querySelectorAll("div.live")];
    const meant = all.find((each) => each.contains(document.activeElement)) ?? all[0];
    if (first && place === meant) take(first);
  });
}
