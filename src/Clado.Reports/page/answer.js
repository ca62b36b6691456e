// --- The answer: size, accuracy with its error, bits along the network, what smaller and larger cost. ---
const curve = data.curve, points = curve.points, own = points.filter(p => p.method === "clado");
const nats = data.loss === "mse" || data.loss === "cosine" ? "" : " nats";
const titles = { clado: "Clado", diagonal: "diagonal (layers one at a time)", uniform: "uniform width" };
const used = bits => [...new Set(bits)].sort((a, b) => a - b);
const change = (from, to) => `${sign(to - from)}${fixed(100 * (to - from) / from, 1)} %`;
let picked = null, network = null, panel = null;

// A figure of the first screen: what it is, its value, what is to be said of it.
const figure = (title, value, note) => html("div", {}, html("dt", {}, title), html("dd", {}, html("strong", {}, value), html("span", {}, note)));
function drawFigures(p) {
  const n = curve.images, figures = [];
  figures.push(figure("Size", `${whole.format(p.sizeBytes)} bytes`, `${curve.floatBytes ? `${percent(p.sizeBytes / curve.floatBytes)} of FP32, ` : ""}${fixed(p.bitsPerWeight, 2)} bits a weight`));
  if (known(p.top1)) figures.push(figure("Top-1", percentWithError(p.top1, shareError(p.top1, n)),
    known(curve.floatTop1) ? `FP32 ${percent(curve.floatTop1)}${p.top1Gain ? `; ${pointsWithError(p.top1Gain)}` : ""}` : ""));
  if (known(p.agreement)) figures.push(figure("Agrees with FP32", percentWithError(p.agreement, shareError(p.agreement, n)), "of images get the same class"));
  if (curve.measure && known(p.measureValue)) figures.push(figure(curve.measure.title, percent(p.measureValue), "against FP32"));
  if (known(p.measuredLoss)) figures.push(figure("Loss increase", withError(p.measuredLoss, p.measuredLossError), `${data.loss}${nats && ","}${nats}; ${number(p.predictedLoss)} predicted`));
  else figures.push(figure("Loss increase", number(p.predictedLoss), `predicted, ${data.loss}${nats && ","}${nats}; not measured`));
  $("figures").replaceChildren(...figures);
}

// What one network loses less than another, in words.
function gainText(gain) {
  const [mean, error] = gain.loss;
  if (mean === 0 && error === 0) return "the same network";
  const parts = [`loses ${withError(Math.abs(mean), error)} ${mean > 0 ? "more" : "less"}`];
  const [share, name] = gain.top1 ? [gain.top1, "top-1"] : [gain.agreement, "agreement"];
  if (share) parts.push(`${name} ${pointsWithError([-share[0], share[1]])}`);
  return parts.join("; ") + (isNoise(gain.loss) ? " (within noise)" : "");
}
const reversed = gain => ({ ...gain, loss: [-gain.loss[0], gain.loss[1]], top1: gain.top1 && [-gain.top1[0], gain.top1[1]], agreement: gain.agreement && [-gain.agreement[0], gain.agreement[1]] });
// Where images were not compared one by one, the difference of the means.
function plainText(p, other) {
  if (!known(p.measuredLoss) || !known(other.measuredLoss)) return known(other.predictedLoss) ? `loss ${number(other.predictedLoss)} predicted` : "";
  const more = other.measuredLoss - p.measuredLoss;
  return more === 0 ? "the same loss" : `loses ${number(Math.abs(more))} ${more > 0 ? "more" : "less"}`;
}
function drawBeside(p) {
  const index = own.indexOf(p), position = points.indexOf(p), rows = [];
  const step = (other, word) => {
    if (!other) return;
    const gain = other.sizeBytes < p.sizeBytes ? p.gains?.find(g => points[g.point] === other) : other.gains?.find(g => g.point === position);
    const text = gain ? gainText(other.sizeBytes < p.sizeBytes ? gain : reversed(gain)) : plainText(p, other);
    const button = html("button", { type: "button" }, word);
    button.addEventListener("click", () => { $("point").value = own.indexOf(other); pick(own.indexOf(other)); [...$("beside").querySelectorAll("button")].find(b => b.textContent === word)?.focus(); });
    rows.push([button, `${whole.format(other.sizeBytes)} bytes (${change(p.sizeBytes, other.sizeBytes)})`, text]);
  };
  step(own[index - 1], "Smaller");
  step(own[index + 1], "Larger");
  for (const method of ["diagonal", "uniform"]) {
    for (const gain of (p.gains ?? []).filter(g => g.method === method)) {
      const other = points[gain.point];
      rows.push([method === "uniform" ? `Uniform ${other.budget.replace("bit", " bits")}` : "Diagonal", `${whole.format(other.sizeBytes)} bytes (${change(p.sizeBytes, other.sizeBytes)})`, gainText(gain)]);
    }
  }
  $("beside").hidden = rows.length === 0;
  fill($("beside"), [["beside it"], ["size"], ["against this one", false, "wrap"]], rows);
}

function say(p) {
  const parts = [`${whole.format(p.sizeBytes)} bytes`];
  if (known(p.top1)) parts.push(`top-1 ${percent(p.top1)}`);
  else if (known(p.agreement)) parts.push(`agreement with FP32 ${percent(p.agreement)}`);
  if (known(p.gap)) parts.push(p.gap === 0 ? "proven optimal for its surrogate" : `at most ${percent(p.gap)} above the best for its surrogate`);
  if (curve.chosen && p === start) parts.push(curve.chosen.sizeBytes === p.sizeBytes ? `what the run chose last, for ${curve.chosen.budget}` : `the nearest on the curve to what the run chose last, for ${curve.chosen.budget}`);
  return parts.join("; ") + ".";
}

function pick(index) {
  picked = own[index];
  $("point-text").textContent = say(picked);
  $("point").setAttribute("aria-valuetext", `${whole.format(picked.sizeBytes)} bytes`);
  drawFigures(picked);
  drawBeside(picked);
  drawNetwork();
  data.layers.forEach((layer, i) => {
    const size = bytesOf(layer, picked.bits[i], picked.shares?.[i]);
    bitCells[i].textContent = picked.shares?.[i] ? fixed(meanBits(picked.bits[i], picked.shares[i]), 1) : picked.bits[i];
    byteCells[i].textContent = known(size) ? whole.format(Math.round(size)) : "–";
  });
  drawCurve();
}
function drawNetwork() {
  network.draw(picked.bits, picked.shares);
  bitLegend($("bit-legend"), used(picked.bits.flatMap((bits, i) => picked.shares?.[i] ? Object.keys(picked.shares[i]).map(Number) : [bits])));
  if (panel.shown >= 0) panel.show(panel.shown, picked.bits[panel.shown], picked.shares?.[panel.shown]);
}

// Where the slider starts: at what the run chose last, else at the smallest network that loses at most a point.
const drop = p => known(p.top1) && known(curve.floatTop1) ? 100 * (curve.floatTop1 - p.top1) : known(p.agreement) ? 100 * (1 - p.agreement)
  : curve.measure && known(p.measureValue) ? 100 * (curve.measure.isError ? p.measureValue : 1 - p.measureValue) : null;
function startOf() {
  if (curve.chosen) return own.reduce((best, p) => Math.abs(p.sizeBytes - curve.chosen.sizeBytes) < Math.abs(best.sizeBytes - curve.chosen.sizeBytes) ? p : best, own[0]);
  return own.find(p => known(drop(p)) && drop(p) <= 1) ?? own[Math.floor(own.length / 2)];
}
const start = own.length > 0 ? startOf() : null;
