"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id);

  // --- Making elements. Names from models and folders only ever become text nodes and attribute values. ---
  const make = space => (tag, attributes = {}, ...children) => {
    const node = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, value);
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  };
  const html = make("http://www.w3.org/1999/xhtml");
  const svg = make("http://www.w3.org/2000/svg");

  // --- Numbers as people read them. ---
  const whole = new Intl.NumberFormat("en");
  const loss = value => value === null || value === undefined ? "–" : Math.abs(value) >= 0.001 || value === 0 ? value.toFixed(4) : value.toExponential(1);
  const percent = (value, digits = 2) => value === null || value === undefined ? "–" : (100 * value).toFixed(digits) + " %";
  const bytes = value => value >= 1e6 ? +(value / 1e6).toPrecision(3) + " MB" : value >= 1e3 ? +(value / 1e3).toPrecision(3) + " kB" : value + " B";
  const nats = data.loss === "mse" || data.loss === "cosine" ? "" : " nats";
  const titles = { clado: "Clado", diagonal: "diagonal (layers one at a time)", uniform: "uniform width" };

  // --- Tables: columns are [title, is a number], cells are text. ---
  function fill(table, columns, rows) {
    table.replaceChildren(
      html("thead", {}, html("tr", {}, ...columns.map(([title, number]) => html("th", { scope: "col", class: number ? "number" : null }, title)))),
      html("tbody", {}, ...rows.map(row => html("tr", {}, ...row.map((cell, i) => i === 0
        ? html("th", { scope: "row", class: columns[i][1] ? "number" : null }, ...(columns[i][1] ? [String(cell)] : breakable(cell)))
        : html("td", { class: columns[i][1] ? "number" : columns[i][2] ?? null }, ...(columns[i][1] ? [String(cell)] : breakable(cell))))))));
  }
  // Names of layers are paths: they may break behind their separators.
  function breakable(cell) {
    return String(cell).split(/(?<=[/._])/).flatMap((part, i) => i === 0 ? [part] : [html("wbr"), part]);
  }

  // --- Scales and axes. ---
  function scale(values, from, to, logarithmic) {
    const f = logarithmic ? Math.log10 : v => v;
    let low = f(Math.min(...values)), high = f(Math.max(...values));
    if (low === high) { low -= 0.5; high += 0.5; }
    const margin = 0.05 * (high - low);
    low -= margin; high += margin;
    const at = v => from + (to - from) * (f(v) - low) / (high - low);
    at.ticks = logarithmic ? decades(low, high) : steps(low, high, Math.abs(to - from) / (from < to ? 80 : 45));
    return at;
  }
  function steps(low, high, count) {
    const raw = (high - low) / Math.max(2, count), power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find(m => m * power >= raw);
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  }
  function decades(low, high) {
    const all = [];
    for (let e = Math.ceil(low); e <= high; e++) all.push(10 ** e);
    const every = Math.ceil(all.length / 7);
    return all.filter((_, i) => i % every === 0);
  }

  // A chart as wide as its place: a frame with ticks; draw(root, x, y) puts the rest in.
  function chart(place, { height, x, y, label }, draw) {
    const width = Math.max(260, place.clientWidth), left = 58, bottom = 44, top = 26, right = 14;
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    const across = scale(x.values, left, width - right, x.logarithmic), up = scale(y.values, height - bottom, top, y.logarithmic);
    for (const tick of across.ticks) {
      root.append(svg("line", { class: "grid", x1: across(tick), x2: across(tick), y1: top, y2: height - bottom }),
        svg("text", { class: "tick", x: across(tick), y: height - bottom + 16, "text-anchor": "middle" }, x.format(tick)));
    }
    for (const tick of up.ticks) {
      root.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: up(tick), y2: up(tick) }),
        svg("text", { class: "tick", x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, y.format(tick)));
    }
    root.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
      svg("line", { class: "axis", x1: left, x2: left, y1: top, y2: height - bottom }),
      svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x.title),
      svg("text", { x: 2, y: 12 }, y.title));
    draw(root, across, up, { left, right: width - right, top, bottom: height - bottom });
    place.replaceChildren(root);
  }
  const dot = (method, x, y, title) => {
    const shape = method === "uniform" ? svg("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "dot uniform" }) : svg("circle", { cx: x, cy: y, r: method === "clado" ? 3.5 : 6, class: `dot ${method}` });
    if (title) shape.append(svg("title", {}, title));
    return shape;
  };
  // The marks and what they mean; a line where the chart has lines.
  function legend(place, marks) {
    place.replaceChildren(...marks.map(([mark, text, lined]) => html("span", {},
      svg("svg", { width: 30, height: 16, "aria-hidden": "true" },
        lined ? svg("line", { class: `${mark} line`, x1: 0, x2: 30, y1: 8, y2: 8 }) : null, mark === "float" || mark === "equal" ? null : dot(mark, 15, 8)),
      text)));
  }

  // --- The curve. ---
  const curve = data.curve, points = curve.points, own = points.filter(p => p.method === "clado");
  const measures = [
    { id: "top1", title: "top-1", value: p => p.top1, format: v => percent(v, 1), float: curve.floatTop1 },
    { id: "agreement", title: "agreement with FP32", value: p => p.agreement, format: v => percent(v, 1), float: 1 },
    ...curve.measure ? [{ id: "measureValue", title: curve.measure.title, value: p => p.measureValue, format: v => percent(v, 1), float: curve.measure.isError ? 0 : 1 }] : [],
    { id: "measuredLoss", title: `measured loss increase${nats && ","}${nats}`, value: p => p.measuredLoss > 0 ? p.measuredLoss : null, format: v => v.toExponential(0), logarithmic: true },
    { id: "predictedLoss", title: `predicted loss increase${nats && ","}${nats}`, value: p => p.predictedLoss > 0 ? p.predictedLoss : null, format: v => v.toExponential(0), logarithmic: true },
  ].filter(m => points.some(p => known(m.value(p))));
  function known(value) { return value !== null && value !== undefined; }
  // Drawn in this order: what Clado chose lies on top.
  const methods = ["uniform", "diagonal", "clado"].filter(m => points.some(p => p.method === m));
  const drop = p => known(p.top1) && known(curve.floatTop1) ? 100 * (curve.floatTop1 - p.top1) : known(p.agreement) ? 100 * (1 - p.agreement)
    : curve.measure && known(p.measureValue) ? 100 * (curve.measure.isError ? p.measureValue : 1 - p.measureValue) : null;
  let measure = measures[0], picked = own[0];

  function drawCurve() {
    const shown = points.filter(p => known(measure.value(p)));
    const values = shown.map(measure.value);
    if (known(measure.float)) values.push(measure.float);
    chart($("curve-chart"), {
      height: 340, label: `${measure.title} over size of the file; the table of all points has the numbers`,
      x: { values: shown.map(p => p.sizeBytes), format: bytes, title: "size of the file" },
      y: { values, format: measure.format, logarithmic: measure.logarithmic, title: measure.title },
    }, (root, x, y, frame) => {
      if (known(measure.float)) {
        root.append(svg("line", { class: "float", x1: frame.left, x2: frame.right, y1: y(measure.float), y2: y(measure.float) }));
      }
      for (const method of methods) {
        const line = shown.filter(p => p.method === method);
        if (method !== "uniform") root.append(svg("polyline", { class: `line ${method}`, points: line.map(p => `${x(p.sizeBytes)},${y(measure.value(p))}`).join(" ") }));
        for (const p of line) root.append(dot(method, x(p.sizeBytes), y(measure.value(p)), `${titles[method]}: ${whole.format(p.sizeBytes)} bytes, ${measure.title} ${measure.format(measure.value(p))}`));
      }
      if (known(measure.value(picked))) root.append(svg("circle", { class: "picked", cx: x(picked.sizeBytes), cy: y(measure.value(picked)), r: 9 }));
    });
    legend($("curve-legend"), [...methods.map(m => [m, titles[m], m !== "uniform"]).reverse(),
      ...known(measure.float) ? [["float", `FP32${curve.floatBytes ? `, ${bytes(curve.floatBytes)}` : ""}`, true]] : []]);
    $("curve-caption").textContent = `${measure.title[0].toUpperCase()}${measure.title.slice(1)} over the size of the file, on ${whole.format(curve.images)} images.`;
  }

  function drawBars() {
    const place = $("bars"), count = data.layers.length, height = 190, top = 22, bottom = 26;
    const step = Math.max(12, (place.clientWidth - 8) / count), width = step * count + 4;
    const most = Math.max(...data.layers.map(l => l.parameters));
    const root = svg("svg", { width, height, role: "img", "aria-label": "Bits of each layer" });
    data.layers.forEach((layer, i) => {
      const tall = Math.max(2, (height - top - bottom) * Math.sqrt(layer.parameters / most)), bits = picked.bits[i];
      const bar = svg("rect", { class: `bits${bits}`, x: 2 + i * step, y: height - bottom - tall, width: Math.max(4, step - Math.min(4, step / 5)), height: tall });
      bar.append(svg("title", {}, `${layer.name}: ${bits} bits, ${whole.format(layer.parameters)} weights`));
      root.append(bar, svg("text", { x: 2 + i * step + (step - Math.min(4, step / 5)) / 2, y: height - bottom - tall - 5, "text-anchor": "middle" }, bits));
    });
    root.append(svg("text", { class: "tick", x: 2, y: height - 6 }, `${data.layers[0].name.slice(0, 20)} →`));
    place.replaceChildren(root);
  }

  function say(p) {
    const parts = [`${whole.format(p.sizeBytes)} bytes${curve.floatBytes ? ` (${percent(p.sizeBytes / curve.floatBytes, 1)} of FP32)` : ""}, ${p.bitsPerWeight.toFixed(2)} bits a weight`];
    if (known(p.top1)) parts.push(`top-1 ${percent(p.top1)}${known(curve.floatTop1) ? ` (FP32 ${percent(curve.floatTop1)})` : ""}`);
    if (known(p.agreement)) parts.push(`agreement with FP32 ${percent(p.agreement)}`);
    if (curve.measure && known(p.measureValue)) parts.push(`${curve.measure.title} ${percent(p.measureValue)}`);
    parts.push(`loss increase ${loss(p.measuredLoss)} measured, ${loss(p.predictedLoss)} predicted`);
    if (known(p.gap)) parts.push(p.gap === 0 ? "proven optimal for its surrogate" : `at most ${percent(p.gap, 1)} above the best for its surrogate`);
    return parts.join("; ") + ".";
  }

  function pick(index) {
    picked = own[index];
    const text = say(picked);
    $("point-text").textContent = text;
    $("point").setAttribute("aria-valuetext", `${whole.format(picked.sizeBytes)} bytes`);
    data.layers.forEach((layer, i) => {
      bitCells[i].textContent = picked.bits[i];
      byteCells[i].textContent = known(layer.sizes[picked.bits[i]]) ? whole.format(layer.sizes[picked.bits[i]]) : "–";
    });
    drawCurve();
    drawBars();
  }

  // --- The heat map: one value a pair of layers (or of blocks of layers) in a lower triangle. ---
  const heat = data.heat, side = heat.blocks.length;
  let heatValues = heat.values[0], cell = [0, 0];
  const value = (i, j) => i >= j ? heatValues[i * (i + 1) / 2 + j] : heatValues[j * (j + 1) / 2 + i];
  const blockName = b => heat.blocks[b][0] === heat.blocks[b][1] ? data.layers[heat.blocks[b][0]].name : `${data.layers[heat.blocks[b][0]].name} … ${data.layers[heat.blocks[b][1]].name}`;
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16));
  function drawHeat() {
    const canvas = $("heat"), room = Math.min(canvas.parentElement.clientWidth - 2, 576), crisp = side * Math.floor(room / side);
    const sharp = window.devicePixelRatio || 1, [cold, mid, hot] = ["--cold", "--mid", "--hot"].map(colour);
    // Cells of whole pixels where they are large; where they are small, all the room there is.
    const shown = crisp > 0.85 * room ? crisp : room;
    canvas.width = canvas.height = Math.round(shown * sharp);
    canvas.style.width = canvas.style.height = shown + "px";
    const context = canvas.getContext("2d"), pixel = canvas.width / side, most = Math.max(...heatValues.map(Math.abs)) || 1;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        // The root spreads the many small values over the scale.
        const v = value(i, j), share = Math.sqrt(Math.abs(v) / most), end = v < 0 ? cold : hot;
        context.fillStyle = `rgb(${mid.map((m, k) => Math.round(m + (end[k] - m) * share)).join(",")})`;
        context.fillRect(Math.floor(j * pixel), Math.floor(i * pixel), Math.ceil(pixel), Math.ceil(pixel));
      }
    }
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    context.lineWidth = 2 * sharp;
    context.strokeRect(cell[1] * pixel, cell[0] * pixel, pixel, pixel);
    $("heat-legend").replaceChildren(`−${loss(most)}`, html("span", { class: "ramp" }), `+${loss(most)}${nats}`);
  }
  function sayCell(i, j) {
    cell = [Math.max(0, Math.min(side - 1, i)), Math.max(0, Math.min(side - 1, j))];
    const [a, b] = cell, v = value(a, b);
    $("heat-text").textContent = a === b
      ? `${blockName(a)}: ${loss(v)}${nats} lost alone.`
      : `${blockName(a)} and ${blockName(b)}: together they lose ${loss(Math.abs(v))}${nats} ${v < 0 ? "less" : "more"} than the sum of each alone.`;
    drawHeat();
  }
  function chooseWidth(index) {
    heatValues = heat.values[index];
    const pairs = [];
    for (let i = 0; i < side; i++) for (let j = 0; j < i; j++) if (value(i, j) !== 0) pairs.push([i, j, value(i, j)]);
    pairs.sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
    fill($("pairs"), [[`interaction,${nats || " loss"}`, true], ["layer", false, "wrap"], ["and", false, "wrap"]], pairs.slice(0, 10).map(([i, j, v]) => [loss(v), blockName(j), blockName(i)]));
    drawHeat();
  }

  // --- Spectrum, prediction. ---
  function drawSpectrum() {
    const raw = [...data.spectrum].reverse();
    chart($("spectrum-chart"), {
      height: 260, label: "Eigenvalues of the sensitivity matrix, as measured and projected",
      x: { values: [1, raw.length], format: v => v, title: "eigenvalue, largest first" },
      y: { values: [...raw, 0].map(root), format: v => Math.abs(v) < 1e-9 ? "0" : (Math.sign(v) * v * v).toExponential(0), title: "eigenvalue" },
    }, (target, x, y) => {
      raw.forEach((v, i) => target.append(svg("circle", { class: "raw", cx: x(i + 1), cy: y(root(v)), r: 2.5 })));
      target.append(svg("polyline", { class: "projected", points: raw.map((v, i) => `${x(i + 1)},${y(root(Math.max(0, v)))}`).join(" ") }));
    });
    const all = raw.reduce((sum, v) => sum + Math.abs(v), 0), negative = raw.reduce((sum, v) => sum - Math.min(0, v), 0);
    $("spectrum-caption").textContent = `Dots: eigenvalues of the matrix as measured; line: after projection on the semidefinite matrices. Vertical scale: square root, sign kept. `
      + `${percent(all ? negative / all : 0, 1)} of the spectrum is negative and is cut off.`;
  }
  const root = v => Math.sign(v) * Math.sqrt(Math.abs(v));

  function drawPrediction() {
    const shown = points.filter(p => p.predictedLoss > 0 && p.measuredLoss > 0);
    $("prediction").hidden = shown.length === 0;
    if (shown.length === 0) return;
    const both = shown.flatMap(p => [p.predictedLoss, p.measuredLoss]);
    chart($("prediction-chart"), {
      height: 340, label: "Measured over predicted loss increase; the table of all points has the numbers",
      x: { values: both, format: v => v.toExponential(0), logarithmic: true, title: "predicted loss increase" },
      y: { values: both, format: v => v.toExponential(0), logarithmic: true, title: "measured loss increase" },
    }, (target, x, y) => {
      const ends = [Math.min(...both), Math.max(...both)];
      target.append(svg("line", { class: "equal", x1: x(ends[0]), y1: y(ends[0]), x2: x(ends[1]), y2: y(ends[1]) }));
      for (const p of shown) target.append(dot(p.method, x(p.predictedLoss), y(p.measuredLoss), `${titles[p.method]}, ${whole.format(p.sizeBytes)} bytes: ${loss(p.predictedLoss)} predicted, ${loss(p.measuredLoss)} measured`));
    });
    $("prediction-caption").textContent = `Measured over predicted loss increase${nats && ","}${nats}. Predicted for the ${whole.format(data.sensitivityImages)} images that the sensitivities were measured on, `
      + `measured on ${whole.format(curve.images)} images.`;
    legend($("prediction-legend"), [...methods.map(m => [m, titles[m], false]).reverse(), ["equal", "equal", true]]);
  }

  // --- Metrics side by side. ---
  const comparison = data.comparison;
  let front = comparison ? comparison.metrics[0] : null, budget = comparison ? comparison.budgets[0] : null;
  const choiceAt = metric => metric.choices.find(c => c.budget === budget);
  function drawComparison() {
    const shown = comparison.metrics.flatMap(m => m.choices).filter(c => c.loss > 0);
    $("comparison-chart").hidden = shown.length === 0;
    if (shown.length > 0) chart($("comparison-chart"), {
      height: 340, label: "Loss of every metric's choices over size of the file; the table below has the numbers",
      x: { values: shown.map(c => c.sizeBytes), format: bytes, title: "size of the file" },
      y: { values: shown.map(c => c.loss), format: v => v.toExponential(0), logarithmic: true, title: `measured loss increase${nats && ","}${nats}` },
    }, (target, x, y) => {
      for (const metric of [...comparison.metrics.filter(m => m !== front), front]) {
        const line = metric.choices.filter(c => c.loss > 0), kind = metric === front ? "front" : "other";
        target.append(svg("polyline", { class: `metric ${kind}`, points: line.map(c => `${x(c.sizeBytes)},${y(c.loss)}`).join(" ") }, svg("title", {}, metric.name)));
        for (const c of line) target.append(svg("circle", { class: `metric ${kind} dot`, cx: x(c.sizeBytes), cy: y(c.loss), r: metric === front ? 4.5 : 2.5 },
          svg("title", {}, `${metric.name}, ${c.budget}: ${whole.format(c.sizeBytes)} bytes, loss ${loss(c.loss)} ± ${loss(c.error)}`)));
      }
    });
    $("comparison-caption").textContent = `A line a metric${comparison.isTuned ? ", of tuned choices" : ""}; ${front.name} in front: ` + front.choices.map(c => `${c.budget} ${loss(c.loss)} ± ${loss(c.error)}${c.withinNoise ? " (within noise of the best)" : ""}`).join("; ") + ".";
    drawComparisonMap();
  }
  function drawComparisonMap() {
    const ordered = comparison.metrics.filter(choiceAt).sort((a, b) => choiceAt(a).loss - choiceAt(b).loss);
    const left = 130, cell = Math.max(14, Math.min(28, ($("comparison-map").clientWidth - left) / data.layers.length)), height = 18;
    const target = svg("svg", { width: left + cell * data.layers.length, height: height * ordered.length, role: "img", "aria-label": `Bits of each layer by each metric at ${budget}` });
    ordered.forEach((metric, row) => {
      target.append(svg("text", { x: left - 6, y: height * row + 13, "text-anchor": "end" }, metric.name));
      choiceAt(metric).bits.forEach((bits, i) => target.append(
        svg("rect", { class: `bits${bits}`, x: left + cell * i, y: height * row + 1, width: cell - 1, height: height - 2 }, svg("title", {}, `${metric.name}, ${data.layers[i].name}: ${bits} bits`)),
        svg("text", { class: "on-bits", x: left + cell * i + cell / 2 - 0.5, y: height * row + 13, "text-anchor": "middle" }, bits)));
    });
    $("comparison-map").replaceChildren(target);
  }
  if (comparison) {
    $("comparison").hidden = $("comparison-link").hidden = false;
    $("comparison-text").textContent = `Every metric's choice, solved for by the same solver, and evaluated as it would be written, on ${whole.format(comparison.images)} images; loss ${comparison.loss}.`;
    comparison.metrics.forEach((m, i) => $("comparison-metric").append(html("option", { value: i }, m.name)));
    $("comparison-metric").addEventListener("change", event => { front = comparison.metrics[+event.target.value]; drawComparison(); });
    comparison.budgets.forEach(b => $("comparison-budget").append(html("option", { value: b }, b)));
    $("comparison-budget").addEventListener("change", event => { budget = event.target.value; drawComparisonMap(); });
    fill($("comparison-table"), [["metric"], ["mean regret", true], ...comparison.budgets.map(b => [`loss at ${b}`, true]), ["passes", true], ["seconds", true], ["source", false, "wrap"]],
      comparison.metrics.map(m => [m.name, percent(m.meanRegret, 1), ...comparison.budgets.map(b => { const c = m.choices.find(own => own.budget === b); return c ? `${loss(c.loss)}${c.withinNoise ? " ≈" : ""}` : "–"; }),
        m.passes.toFixed(1), m.seconds.toFixed(1), m.source]));
    $("comparison-problems").hidden = comparison.problems.length === 0;
    fill($("comparison-problems"), [["not compared"], ["why", false, "wrap"]], comparison.problems.map(p => [p.name, p.value]));
  }

  // --- Putting the page together. ---
  $("summary").textContent = `${whole.format(data.layers.length)} layers, ${whole.format(data.layers.reduce((sum, l) => sum + l.parameters, 0))} weights`
    + (curve.floatBytes ? `, ${whole.format(curve.floatBytes)} bytes as float` : "")
    + (known(curve.floatTop1) ? `, top-1 ${percent(curve.floatTop1)}` : "") + (points.length ? `. Evaluated on ${whole.format(curve.images)} images.` : ".");

  fill($("layer-table"), [["layer"], ["bits", true], ["bytes", true], ["weights", true], ...data.widths.map(w => [`loss at ${w} bits`, true]), ["op"], ["shape"], ["MACs", true]],
    data.layers.map(l => [l.name, "–", "–", whole.format(l.parameters), ...data.widths.map(w => loss(l.losses[w])), l.op, l.shape.join("×"), whole.format(l.macs)]));
  const [bitCells, byteCells] = [1, 2].map(column => [...$("layer-table").tBodies[0].rows].map(row => row.cells[column]));

  if (own.length > 0) {
    measures.forEach((m, i) => {
      const radio = html("input", { type: "radio", name: "measure", value: m.id });
      radio.checked = i === 0;
      radio.addEventListener("change", () => { measure = m; drawCurve(); });
      $("measure").append(html("label", {}, radio, m.title.split(",")[0]));
    });
    const slider = $("point");
    slider.max = own.length - 1;
    // Where the slider starts: the smallest network that loses at most a point.
    const start = own.findIndex(p => known(drop(p)) && drop(p) <= 1);
    slider.value = start >= 0 ? start : Math.floor(own.length / 2);
    slider.addEventListener("input", () => pick(+slider.value));
    pick(+slider.value);
    fill($("points"), [["method"], ["bytes", true], ["bits a weight", true], ["predicted loss", true], ["measured loss", true], ...curve.measure ? [[curve.measure.title, true]] : [["top-1", true], ["agreement", true]], ["gap", true], ["bits of each layer", false, "long"]],
      points.map(p => [p.method, whole.format(p.sizeBytes), p.bitsPerWeight.toFixed(2), loss(p.predictedLoss), loss(p.measuredLoss), ...curve.measure ? [percent(p.measureValue)] : [percent(p.top1), percent(p.agreement)], percent(p.gap, 1), p.bits.join("")]));
  } else {
    $("curve-none").hidden = false;
    $("curve-body").hidden = true;
  }

  $("sensitivity-text").textContent = `How much quantization errors of layers interact: estimator ${data.estimator}, loss ${data.loss}, ${whole.format(data.sensitivityImages)} images.`;
  $("heat-caption").textContent = "From input (top left) to output. On the diagonal: loss of a layer alone; elsewhere: what a pair loses beyond the sum of both alone. Colours by the square root."
    + (heat.blocks.some(([a, b]) => a !== b) ? " Neighbouring layers are added up to one cell." : "");
  heat.widths.forEach((w, i) => $("heat-width").append(html("option", { value: i }, `${w} bits`)));
  $("heat-width").addEventListener("change", event => chooseWidth(+event.target.value));
  const canvas = $("heat");
  for (const kind of ["pointermove", "pointerdown"]) {
    canvas.addEventListener(kind, event => {
      const box = canvas.getBoundingClientRect();
      sayCell(Math.floor((event.clientY - box.top) / box.height * side), Math.floor((event.clientX - box.left) / box.width * side));
    });
  }
  canvas.addEventListener("keydown", event => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (move) {
      event.preventDefault();
      sayCell(cell[0] + move[0], cell[1] + move[1]);
    }
  });

  $("kept-none").hidden = data.kept.length > 0;
  if (data.kept.length > 0) fill($("kept-table"), [["operator"], ["op"], ["why", false, "wrap"]], data.kept.map(k => [k.name, k.op, k.reason]));
  fill($("options"), [["option"], ["value", false, "long"]], data.options.map(o => [o.name, o.value]));
  $("commands").textContent = data.commands.join("\n");

  function drawAll() {
    if (own.length > 0) { drawCurve(); drawBars(); }
    drawHeat();
    drawSpectrum();
    drawPrediction();
    if (comparison) drawComparison();
  }
  chooseWidth(0);
  drawAll();
  let waiting = 0;
  addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(drawAll); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawHeat);
})();
