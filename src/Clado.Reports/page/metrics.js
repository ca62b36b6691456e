// --- Metrics side by side: at a budget with their errors, and along all of them. ---
const comparison = data.comparison;
let front = comparison ? comparison.metrics[0] : null, budget = comparison ? comparison.budgets[0] : null;
const choiceAt = metric => metric.choices.find(c => c.budget === budget);
const atBudget = () => comparison.metrics.filter(choiceAt).sort((a, b) => choiceAt(a).loss - choiceAt(b).loss);
const nameWidth = names => Math.min(130, 10 + characterWidth * Math.max(...names.map(name => name.length)));
const cutTo = (text, width) => text.length * characterWidth <= width ? text : `${text.slice(0, Math.max(1, Math.floor(width / characterWidth) - 1))}…`;

// A row a metric, the least loss first: the loss with its error, and whether chance may make its distance to the best.
function drawRanking() {
  const ordered = atBudget(), names = ordered.map(m => m.name), row = 20, top = 8, left = nameWidth(names), width = Math.max(240, $("comparison-ranking").clientWidth);
  const low = c => c.loss - c.error, high = c => c.loss + c.error, all = ordered.map(choiceAt), positive = all.every(c => low(c) > 0);
  const x = scale(all.flatMap(c => [low(c), high(c)]), left + 6, width - 14, positive ? "logarithmic" : "root"), bottom = top + row * ordered.length;
  const target = svg("svg", { width, height: bottom + 40, viewBox: `0 0 ${width} ${bottom + 40}`, role: "img", "aria-label": `Loss of each metric's choice at ${budget} with its standard error; the table below has the numbers` });
  for (const mark of x.ticks) target.append(svg("line", { class: "grid", x1: x(mark), x2: x(mark), y1: top, y2: bottom }), svg("text", { class: "tick", x: Math.min(width - 4 - characterWidth * tick(mark).length / 2, x(mark)), y: bottom + 15, "text-anchor": "middle" }, tick(mark)));
  ordered.forEach((metric, i) => {
    const c = choiceAt(metric), y = top + row * (i + 0.5), kind = c.withinNoise ? "near" : "far";
    target.append(svg("text", { x: left, y: y + 4, "text-anchor": "end" }, cutTo(metric.name, left), svg("title", {}, metric.name)),
      svg("path", { class: `error ${kind}`, d: `M${x(low(c))} ${y}H${x(high(c))}M${x(low(c))} ${y - 3}v6M${x(high(c))} ${y - 3}v6` }),
      svg("circle", { class: `rank ${kind}`, cx: x(c.loss), cy: y, r: 4.5 }, svg("title", {}, `${metric.name}: ${withError(c.loss, c.error)}${c.withinNoise ? ", within noise of the best" : ""}`)));
  });
  target.append(svg("text", { x: (left + width) / 2, y: bottom + 34, "text-anchor": "middle" }, `loss at ${budget}${nats && ","}${nats}`));
  $("comparison-ranking").replaceChildren(target);
}
function drawComparisonMap() {
  const ordered = atBudget(), left = nameWidth(ordered.map(m => m.name)), size = Math.min(28, ($("comparison-map").clientWidth - left - 6) / data.layers.length), height = 18;
  const target = svg("svg", { width: left + 6 + size * data.layers.length, height: height * ordered.length, role: "img", "aria-label": `Bits of each layer by each metric at ${budget}` });
  ordered.forEach((metric, row) => {
    target.append(svg("text", { x: left, y: height * row + 13, "text-anchor": "end" }, cutTo(metric.name, left), svg("title", {}, metric.name)));
    choiceAt(metric).bits.forEach((bits, i) => target.append(
      svg("rect", { class: `bits${bits}`, x: left + 6 + size * i, y: height * row + 1, width: size > 4 ? size - 1 : size, height: height - 2 }, svg("title", {}, `${metric.name}, ${data.layers[i].short}: ${bits} bits`)),
      size >= 11 ? svg("text", { class: `on-bits on${bits}`, x: left + 6 + size * (i + 0.5) - 0.5, y: height * row + 13, "text-anchor": "middle" }, bits) : ""));
  });
  $("comparison-map").replaceChildren(target);
}
function drawComparison() {
  const shown = comparison.metrics.flatMap(m => m.choices).filter(c => c.loss > 0);
  $("comparison-lines").hidden = shown.length === 0;
  if (shown.length > 0) chart($("comparison-chart"), {
    height: 320, label: "Loss of every metric's choices over size of the file; the table below has the numbers",
    x: { values: shown.map(c => c.sizeBytes), format: bytes, title: "size of the file" },
    y: { values: shown.map(c => c.loss), format: tick, kind: "logarithmic", title: `measured loss increase${nats && ","}${nats}` },
  }, (target, x, y) => {
    for (const metric of [...comparison.metrics.filter(m => m !== front), front]) {
      const line = metric.choices.filter(c => c.loss > 0), kind = metric === front ? "front" : "other";
      target.append(svg("polyline", { class: `metric ${kind}`, points: line.map(c => `${x(c.sizeBytes)},${y(c.loss)}`).join(" ") }, svg("title", {}, metric.name)));
      for (const c of line) {
        if (metric === front && c.loss > c.error) target.append(errorBar("clado", x(c.sizeBytes), y(c.loss - c.error), y(c.loss + c.error)));
        target.append(svg("circle", { class: `metric ${kind} dot`, cx: x(c.sizeBytes), cy: y(c.loss), r: metric === front ? 4.5 : 2.5 },
          svg("title", {}, `${metric.name}, ${c.budget}: ${whole.format(c.sizeBytes)} bytes, loss ${withError(c.loss, c.error)}`)));
      }
    }
  });
  $("comparison-caption").textContent = `A line a metric${comparison.isTuned ? ", of tuned choices" : ""}; ${front.name} in front: ` + front.choices.map(c => `${c.budget} ${withError(c.loss, c.error)}${c.withinNoise ? " (within noise of the best)" : ""}`).join("; ") + ".";
}
function startComparison() {
  $("comparison").hidden = $("comparison-link").hidden = false;
  $("comparison-text").textContent = `Every metric's choice, solved for by the same solver, and evaluated as it would be written, on ${whole.format(comparison.images)} images; loss ${comparison.loss}.`;
  choices($("comparison-metric"), comparison.metrics.map(m => m.name), i => { front = comparison.metrics[i]; drawComparison(); });
  choices($("comparison-budget"), comparison.budgets, i => { budget = comparison.budgets[i]; drawRanking(); drawComparisonMap(); });
  fill($("comparison-table"), [["metric"], ["mean regret", true], ...comparison.budgets.map(b => [`loss at ${b}`, true]), ["passes", true], ["seconds", true], ["source", false, "wrap"]],
    comparison.metrics.map(m => [m.name, percent(m.meanRegret), ...comparison.budgets.map(b => { const c = m.choices.find(own => own.budget === b); return c ? `${withError(c.loss, c.error)}${c.withinNoise ? " ≈" : ""}` : "–"; }),
      fixed(m.passes, 1), fixed(m.seconds, 1), m.source]));
  $("comparison-problems").hidden = comparison.problems.length === 0;
  fill($("comparison-problems"), [["not compared"], ["why", false, "wrap"]], comparison.problems.map(p => [p.name, p.value]));
}
