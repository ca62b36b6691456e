// --- The studio: what is asked for, the choice that answers it, and files that were written. ---
const studio = data.studio, nats = data.loss === "mse" || data.loss === "cosine" ? "" : " nats";
const asked = { budget: "", forbidden: new Set(), pins: new Map(), bitOperations: null };
let choice = null, before = null, waiting = 0, request = null, chosenLayer = 0, wasWriting = false;

async function ask(what, body, signal) {
  const answer = await fetch(what, body === undefined ? { signal } : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
  if (!answer.ok) throw new Error(`the program answered ${answer.status}`);
  return answer.json();
}
const toAsk = () => ({ budget: asked.budget, forbidden: [...asked.forbidden], pins: Object.fromEntries(asked.pins), bitOperations: asked.bitOperations });

// --- Choosing: at once, then the proof, unless something else is asked for meanwhile. ---
function change() {
  clearTimeout(waiting);
  waiting = setTimeout(choose, 60);
}
async function choose() {
  request?.abort();
  const own = request = new AbortController(), body = toAsk();
  document.body.dataset.state = "choosing";
  try {
    const quick = await ask("choose", body, own.signal);
    show(quick);
    if (quick.problem || quick.isProven) { done(); return; }
    // The next page event may come before the proof is there.
    document.body.dataset.state = "proving";
    say(`${state(quick)} Looking for a proof …`);
    const proven = await ask("prove", body, own.signal);
    if (!proven.problem && (proven.isProven || proven.predictedLoss <= quick.predictedLoss)) show(proven);
    else say(state(quick));
    done();
  } catch (error) {
    if (error.name === "AbortError") return;
    say(`The program does not answer: it has ended, or was stopped (${error.message}).`, true);
    done();
  }
}
const done = () => { document.body.dataset.state = "done"; };
function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("problem", isProblem);
}
const state = own => own.isProven ? "Proven: no other choice that keeps the limits loses less by the matrix."
  : `Best found${known(own.gap) && own.gap < 1 ? `: at most ${percent(own.gap)} more loss than the least possible by the matrix` : ""}.`;

function show(answer) {
  if (answer.problem) { say(answer.problem, true); $("write-button").disabled = true; return; }
  before = choice && choice.choice !== answer.choice && !sameBits(choice, answer) ? choice : before;
  choice = answer;
  $("write-button").disabled = false;
  drawFigures();
  drawNetwork();
  say(state(answer) + changes());
  $("command").textContent = answer.command;
  if (!$("name").dataset.own) $("name").value = `${studio.model}-${answer.sizeBytes}.onnx`;
}
const sameBits = (one, other) => one.bits.every((bits, i) => bits === other.bits[i]);
// What is different from the choice before, for who cannot see it.
function changes() {
  if (!before) return "";
  const changed = choice.bits.filter((bits, i) => bits !== before.bits[i]).length;
  return changed === 0 ? "" : ` ${changed} ${changed === 1 ? "layer" : "layers"} changed; size ${sign(choice.sizeBytes - before.sizeBytes)}${whole.format(choice.sizeBytes - before.sizeBytes)} bytes.`;
}
const figure = (title, value, note) => html("div", {}, html("dt", {}, title), html("dd", {}, html("strong", {}, value), html("span", {}, note)));
function drawFigures() {
  const loss = before && choice.predictedLoss !== before.predictedLoss ? `; ${number(before.predictedLoss)} before` : "";
  $("figures").replaceChildren(
    figure("Size", `${whole.format(choice.sizeBytes)} bytes`, `${percent(choice.sizeBytes / studio.modelBytes)} of the model, ${fixed(choice.bitsPerWeight, 2)} bits a weight`),
    figure("Predicted loss", number(choice.predictedLoss), `increase, ${data.loss}${nats && ","}${nats}${loss}`),
    figure("Bit operations", short(choice.bitOperations), `an image, ${percent(choice.bitOperations / studio.mostBitOperations)} of all at ${data.widths.at(-1)} bits`),
    figure(choice.isProven ? "Proven" : "Best found", choice.isProven ? "optimal" : known(choice.gap) && choice.gap < 1 ? `gap ${percent(choice.gap)}` : "no bound yet", "by the measured matrix"));
}
const short = value => value >= 1e9 ? `${tick(value / 1e9)} G` : value >= 1e6 ? `${tick(value / 1e6)} M` : whole.format(value);

// --- The network, and one layer of it. ---
const panel = layerPanel($("layer-panel"), () => { $("pin").hidden = true; network.focus(chosenLayer); });
const network = strip($("strip"), open);
function drawNetwork() {
  network.draw(choice.bits, choice.shares, i => asked.pins.has(i) ? "pinned" : "");
  bitLegend($("bit-legend"), [...new Set(choice.bits.flatMap((bits, i) => choice.shares?.[i] ? Object.keys(choice.shares[i]).map(Number) : [bits]))].sort((a, b) => a - b));
  if (panel.shown >= 0) panel.show(panel.shown, choice.bits[panel.shown], choice.shares?.[panel.shown]);
}
function open(index) {
  if (!choice) return;
  chosenLayer = index;
  network.show(index);
  $("pin").hidden = false;
  $("pin-label").textContent = `Width of ${data.layers[index].short}`;
  $("pin-width").replaceChildren(html("option", { value: "" }, "free"), ...Object.keys(data.layers[index].sizes).map(bits => html("option", { value: bits }, `pinned to ${bits} bits`)));
  $("pin-width").value = asked.pins.get(index) ?? "";
  panel.show(index, choice.bits[index], choice.shares?.[index]);
}
$("pin-width").addEventListener("change", () => {
  if ($("pin-width").value === "") asked.pins.delete(chosenLayer);
  else asked.pins.set(chosenLayer, +$("pin-width").value);
  change();
});
$("unpin").addEventListener("click", () => { asked.pins.clear(); $("pin-width").value = ""; change(); });

// --- Controls. The slider goes by the logarithm: a percent is as far everywhere. ---
const ratio = Math.log(studio.largest / studio.smallest);
const bytesAt = position => Math.round(studio.smallest * Math.exp(ratio * position / 1000));
const positionOf = size => Math.max(0, Math.min(1000, Math.round(1000 * Math.log(size / studio.smallest) / ratio)));
function setSize(size) {
  asked.budget = String(size);
  $("budget").value = asked.budget;
  $("size").setAttribute("aria-valuetext", `${whole.format(size)} bytes`);
}
$("size").addEventListener("input", () => { setSize(bytesAt(+$("size").value)); change(); });
$("budget").addEventListener("change", () => {
  asked.budget = $("budget").value.trim();
  if (/^\d+$/.test(asked.budget)) $("size").value = positionOf(+asked.budget);
  change();
});
for (const bits of data.widths) {
  const box = html("input", { type: "checkbox", value: bits });
  box.checked = true;
  box.addEventListener("change", () => { if (box.checked) asked.forbidden.delete(bits); else asked.forbidden.add(bits); change(); });
  $("widths").append(html("label", {}, box, `${bits} bits`));
}
$("operations").addEventListener("change", () => {
  const text = $("operations").value.replace(/[\s,_]/g, "");
  const isNone = text === "", value = Number(text.replace(/[gG]$/, "e9").replace(/[mM]$/, "e6"));
  if (!isNone && !(value >= 1)) { say("Bit operations: a number is wanted, such as 500000000, 500M or 1.2G.", true); return; }
  asked.bitOperations = isNone ? null : Math.floor(value);
  change();
});
$("operations-help").textContent = `empty: no limit; ${short(studio.mostBitOperations)} at ${data.widths.at(-1)} bits`;

// --- Writing: one file at a time; how far it is, is asked for while it goes on. ---
$("name").addEventListener("input", () => { $("name").dataset.own = $("name").value ? "yes" : ""; });
$("write-form").addEventListener("submit", async event => {
  event.preventDefault();
  if (!choice) return;
  try {
    const answer = await ask("write", { choice: choice.choice, name: $("name").value.trim(), better: $("better").value });
    if (answer.problem) { sayWritten(answer.problem, true); return; }
    sayWritten("");
    wasWriting = true;
    follow();
  } catch (error) { sayWritten(error.message, true); }
});
$("stop").addEventListener("click", () => ask("stop", {}));
function sayWritten(text, isProblem = false) {
  $("write-status").textContent = text;
  $("write-status").classList.toggle("problem", isProblem);
}
const time = seconds => seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.max(1, Math.round(seconds))} s`;
async function follow() {
  const job = await ask("job").catch(() => null);
  if (!job) { sayWritten("The program does not answer: it has ended, or was stopped.", true); return; }
  const isWriting = known(job.stage);
  $("progress-row").hidden = $("stop").hidden = !isWriting;
  $("write-button").disabled = isWriting || !choice;
  showWritten(job.written);
  if (isWriting) {
    $("progress").value = job.share;
    $("progress-text").textContent = `${job.stage}, ${percent(job.share, 0)} of all${known(job.secondsLeft) ? `, about ${time(job.secondsLeft)} left` : ""}`;
    wasWriting = true;
    setTimeout(follow, 250);
  } else if (wasWriting) {
    wasWriting = false;
    $("name").dataset.own = "";
    sayWritten(job.problem ?? (job.written.length ? `Written: ${job.written.at(-1).path}.` : ""), known(job.problem));
  }
}
function showWritten(written) {
  $("written-section").hidden = written.length === 0;
  if (written.length === 0) return;
  const measured = written.some(f => known(f.measureValue)) ? [["measure", true]] : [["top-1", true], ["agreement", true]];
  fill($("written"), [["file", false, "wrap"], ["bytes", true], ["bits a weight", true], ["predicted loss", true], ["measured loss", true], ["saves over the first", true], ...measured, ["command", false, "long"]],
    written.map(f => [f.path.split(/[\\/]/).at(-1), whole.format(f.sizeBytes), fixed(f.bitsPerWeight, 2), number(f.predictedLoss), withError(f.loss[0], f.loss[1]),
      f.gain ? `${withError(...f.gain)}${isNoise(f.gain) ? " (noise)" : ""}` : "–",
      ...known(f.measureValue) ? [percent(f.measureValue)] : [percentWithError(f.top1, shareError(f.top1, f.images)), percentWithError(f.agreement, shareError(f.agreement, f.images))], f.command]));
  $("written-text").textContent = `Evaluated on ${whole.format(written[0].images)} images${studio.images ? ` of ${studio.images}` : " of the run, those that widths are chosen on"}; differences image by image, with standard errors.`;
}
$("copy").addEventListener("click", async () => {
  const text = $("command").textContent.replace("OUT.onnx", $("name").value || "OUT.onnx") + { none: "", refine: " --refine", tune: " --tune network" }[$("better").value];
  try {
    await navigator.clipboard.writeText(text);
    $("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren($("command"));
    $("copied").textContent = "Selected: copy it with Ctrl-C.";
  }
});

// --- Beginning. ---
$("summary").textContent = `${whole.format(data.layers.length)} layers, ${whole.format(data.layers.reduce((sum, l) => sum + l.parameters, 0))} weights, ${whole.format(studio.modelBytes)} bytes. `
  + `Every choice is the one of least loss by the measured matrix (estimator ${data.estimator}); nothing is measured until a file is written.`;
$("write-text").textContent = `Into ${studio.output}. The file is run, compared with a simulation of its bits, and evaluated on ${studio.images ? `the images of ${studio.images}` : `the run's ${whole.format(studio.imageCount)} images`} before it gets its name.`;
const first = studio.start ?? Math.round(Math.sqrt(studio.smallest * studio.largest));
$("size").value = positionOf(first);
setSize(first);
let drawing = 0;
addEventListener("resize", () => { cancelAnimationFrame(drawing); drawing = requestAnimationFrame(() => { if (choice) { drawNetwork(); panel.draw(); } }); });
choose();
follow();
