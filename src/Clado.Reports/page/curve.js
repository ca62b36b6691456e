// --- The curve, and what Clado gains over the others along it. ---
const measures = [
  { id: "top1", title: "top-1", value: p => p.top1, error: p => shareError(p.top1, curve.images), format: v => percent(v, 1), float: curve.floatTop1, gain: g => g.top1 },
  { id: "agreement", title: "agreement with FP32", value: p => p.agreement, error: p => shareError(p.agreement, curve.images), format: v => percent(v, 1), float: 1, gain: g => g.agreement },
  ...curve.measure ? [{ id: "measureValue", title: curve.measure.title, value: p => p.measureValue, error: () => null, format: v => percent(v, 1), float: curve.measure.isError ? 0 : 1, gain: () => null }] : [],
  { id: "measuredLoss", title: "measured loss increase", value: p => p.measuredLoss > 0 ? p.measuredLoss : null, error: p => p.measuredLossError, format: tick, kind: "logarithmic", gain: g => g.loss, isLoss: true },
  { id: "predictedLoss", title: "predicted loss increase", value: p => p.predictedLoss > 0 ? p.predictedLoss : null, error: () => null, format: tick, kind: "logarithmic", gain: () => null, isLoss: true },
].filter(m => points.some(p => known(m.value(p))));
// Drawn in this order: what Clado chose lies on top.
const methods = ["uniform", "diagonal", "clado"].filter(m => points.some(p => p.method === m));
let measure = measures[0];

function drawCurve() {
  const shown = points.filter(p => known(measure.value(p)));
  const low = p => measure.value(p) - (measure.error(p) ?? 0), high = p => measure.value(p) + (measure.error(p) ?? 0);
  const values = shown.map(measure.value);
  if (measure.kind !== "logarithmic") values.push(...shown.map(low), ...shown.map(high).filter(v => v <= 1));
  if (known(measure.float)) values.push(measure.float);
  const title = measure.isLoss && nats ? `${measure.title},${nats}` : measure.title;
  chart($("curve-chart"), {
    height: 320, label: `${measure.title} over size of the file; the table of all points has the numbers`,
    x: { values: shown.map(p => p.sizeBytes), format: bytes, title: "size of the file" },
    y: { values, format: measure.format, kind: measure.kind, title },
  }, (target, x, y, frame) => {
    if (known(measure.float)) target.append(svg("line", { class: "float", x1: frame.left, x2: frame.right, y1: y(measure.float), y2: y(measure.float) }));
    for (const method of methods) {
      const line = shown.filter(p => p.method === method);
      if (method !== "uniform") target.append(svg("polyline", { class: `line ${method}`, points: line.map(p => `${x(p.sizeBytes)},${y(measure.value(p))}`).join(" ") }));
      for (const p of line) {
        if (known(measure.error(p)) && measure.error(p) > 0 && low(p) > 0) target.append(errorBar(method, x(p.sizeBytes), y(low(p)), y(high(p))));
        target.append(dot(method, x(p.sizeBytes), y(measure.value(p)), `${titles[method]}: ${whole.format(p.sizeBytes)} bytes, ${measure.title} ${measure.isLoss ? withError(measure.value(p), measure.error(p)) : percentWithError(measure.value(p), measure.error(p))}`));
      }
    }
    if (known(measure.value(picked))) target.append(svg("circle", { class: "picked", cx: x(picked.sizeBytes), cy: y(measure.value(picked)), r: 9 }));
  });
  legend($("curve-legend"), [...methods.map(m => [m, titles[m], m !== "uniform"]).reverse(),
    ...known(measure.float) ? [["float", `FP32${curve.floatBytes ? `, ${bytes(curve.floatBytes)}` : ""}`, true]] : []]);
  $("curve-caption").textContent = `${measure.title[0].toUpperCase()}${measure.title.slice(1)} on ${whole.format(curve.images)} images${points.some(p => measure.error(p) > 0) ? ", with its standard error" : ""}. `
    + "Most of that error is common to all networks: what they differ by is known better, and shown below.";
  drawGains();
}

// A mark a budget for the diagonal choice, and one a width for uniform networks: against the largest choice of Clado's that is no larger.
function gainsOf(method) {
  const all = own.flatMap(p => (p.gains ?? []).filter(g => g.method === method).map(g => ({ p, other: points[g.point], gain: measure.gain(g) }))).filter(g => g.gain);
  if (method === "diagonal") return all.map(g => ({ ...g, size: g.p.sizeBytes }));
  const fair = all.filter(g => g.other.sizeBytes >= g.p.sizeBytes && g.p.sizeBytes > 0.75 * g.other.sizeBytes);
  return [...new Set(fair.map(g => g.other))].map(other => fair.filter(g => g.other === other).at(-1)).map(g => ({ ...g, size: g.other.sizeBytes }));
}
function drawGains() {
  const marks = ["uniform", "diagonal"].flatMap(method => gainsOf(method).map(g => ({ ...g, method })));
  $("gains").hidden = marks.length === 0;
  if (marks.length === 0) return;
  const unit = measure.isLoss ? 1 : 100, value = g => unit * g.gain[0], error = g => unit * g.gain[1];
  chart($("gains-chart"), {
    height: 220, label: `What Clado gains in ${measure.title} over other choices, with standard errors; the table of all points has the numbers`,
    x: { values: points.filter(p => known(measure.value(p))).map(p => p.sizeBytes), format: bytes, title: "size of the file" },
    y: { values: [0, ...marks.flatMap(g => [value(g) - error(g), value(g) + error(g)])], format: v => `${sign(v)}${tick(v)}`, kind: measure.isLoss ? "root" : "linear", title: measure.isLoss ? `loss that Clado saves${nats && ","}${nats}` : `${measure.title} that Clado gains, points` },
  }, (target, x, y, frame) => {
    target.append(svg("line", { class: "zero", x1: frame.left, x2: frame.right, y1: y(0), y2: y(0) }));
    for (const g of marks) {
      const text = `over ${g.method === "uniform" ? `uniform ${g.other.budget.replace("bit", " bits")}` : "diagonal"}, ${whole.format(g.p.sizeBytes)} against ${whole.format(g.other.sizeBytes)} bytes: ${measure.isLoss ? withError(...g.gain) : pointsWithError(g.gain)}`;
      target.append(errorBar(g.method, x(g.size), y(value(g) - error(g)), y(value(g) + error(g))), dot(g.method, x(g.size), y(value(g)), text));
    }
  });
  legend($("gains-legend"), [["diagonal", "over the diagonal choice of the same budget", false], ["uniform", "over a uniform width that is at least as large", false]].filter(([m]) => marks.some(g => g.method === m)));
  const clear = marks.filter(g => !isNoise(g.gain)), better = clear.filter(g => g.gain[0] > 0).length, same = marks.filter(g => g.gain[0] === 0 && g.gain[1] === 0).length;
  $("gains-caption").textContent = `Differences image by image, with their standard errors; above the line Clado does better. Of ${marks.length} differences, ${better} gained and ${clear.length - better} lost beyond noise (two standard errors)${same ? `; ${same} of no difference at all, mostly of the same network` : ""}.`;
}
