// --- Putting the page together. ---
$("summary").textContent = `${whole.format(data.layers.length)} layers, ${whole.format(data.layers.reduce((sum, l) => sum + l.parameters, 0))} weights`
  + (curve.floatBytes ? `, ${whole.format(curve.floatBytes)} bytes as float` : "")
  + (known(curve.floatTop1) ? `, top-1 ${percent(curve.floatTop1)}` : "")
  + (points.length ? `. Evaluated on ${whole.format(curve.images)} images${curve.areRuns ? " of the run, those its bits were chosen on" : " that nothing was chosen on"}.` : ".");

fill($("layer-table"), [["layer"], ["bits", true], ["bytes", true], ["weights", true], ...data.widths.map(w => [`loss at ${w} bits`, true]), ["op"], ["shape"], ["MACs", true]],
  data.layers.map(l => [html("span", { title: l.name }, ...breakable(l.short)), "–", "–", whole.format(l.parameters), ...data.widths.map(w => number(l.losses[w])), l.op, l.shape.join("×"), whole.format(l.macs)]));
const [bitCells, byteCells] = [1, 2].map(column => [...$("layer-table").tBodies[0].rows].map(row => row.cells[column]));

function startCurve() {
  measures.forEach((m, i) => {
    const radio = html("input", { type: "radio", name: "measure", value: m.id });
    radio.checked = i === 0;
    radio.addEventListener("change", () => { measure = m; drawCurve(); });
    $("measure").append(html("label", {}, radio, m.title));
  });
  const slider = $("point");
  slider.max = own.length - 1;
  slider.value = own.indexOf(start);
  slider.addEventListener("input", () => pick(+slider.value));
  // A chart of all layers is no more than one of them.
  panel = layerPanel($("layer-panel"), () => network.focus(chosenLayer));
  network = strip($("strip"), index => { chosenLayer = index; network.show(index); panel.show(index, picked.bits[index], picked.shares?.[index]); });
  pick(own.indexOf(start));
  const gain = p => (p.gains ?? []).filter(g => g.method !== "clado").map(g => `${points[g.point].method} ${points[g.point].budget}: ${withError(...g.loss)}`).join("; ");
  fill($("points"), [["method"], ["bytes", true], ["bits a weight", true], ["predicted loss", true], ["measured loss", true], ...curve.measure ? [[curve.measure.title, true]] : [["top-1", true], ["agreement", true]], ["gap", true], ["loss saved over", false, "long"], ["bits of each layer", false, "long"]],
    points.map(p => [p.method, whole.format(p.sizeBytes), fixed(p.bitsPerWeight, 2), number(p.predictedLoss), withError(p.measuredLoss, p.measuredLossError),
      ...curve.measure ? [percent(p.measureValue)] : [percentWithError(p.top1, shareError(p.top1, curve.images)), percentWithError(p.agreement, shareError(p.agreement, curve.images))], percent(p.gap), gain(p), p.bits.join("")]));
}
let chosenLayer = 0;
if (own.length > 0) startCurve();
else {
  $("curve-none").hidden = false;
  $("answer").hidden = $("curve").hidden = true;
}
if (comparison) startComparison();
startHeat();

$("kept-none").hidden = data.kept.length > 0;
if (data.kept.length > 0) fill($("kept-table"), [["operator"], ["op"], ["why", false, "wrap"]], data.kept.map(k => [k.name, k.op, k.reason]));
fill($("options"), [["option"], ["value", false, "long"]], data.options.map(o => [o.name, o.value]));
$("commands").textContent = data.commands.join("\n");

function drawAll() {
  if (own.length > 0) { drawNetwork(); drawCurve(); panel.draw(); }
  drawHeat();
  drawSpectrum();
  drawPrediction();
  if (comparison) { drawRanking(); drawComparisonMap(); drawComparison(); }
}
drawAll();
let waiting = 0;
addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(drawAll); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawHeat);
