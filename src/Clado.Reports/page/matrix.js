// --- The matrix as a whole: its spectrum, and how well it predicts. ---
function drawSpectrum() {
  const raw = [...data.spectrum].reverse();
  chart($("spectrum-chart"), {
    height: 260, label: "Eigenvalues of the sensitivity matrix, as measured and projected",
    x: { values: [1, raw.length], format: tick, title: "eigenvalue, largest first" },
    y: { values: [...raw, 0], kind: "root", format: tick, title: "eigenvalue" },
  }, (target, x, y) => {
    raw.forEach((v, i) => target.append(svg("circle", { class: "raw", cx: x(i + 1), cy: y(v), r: 2.5 })));
    target.append(svg("polyline", { class: "projected", points: raw.map((v, i) => `${x(i + 1)},${y(Math.max(0, v))}`).join(" ") }));
  });
  const all = raw.reduce((sum, v) => sum + Math.abs(v), 0), negative = raw.reduce((sum, v) => sum - Math.min(0, v), 0);
  $("spectrum-caption").textContent = `Dots: eigenvalues of the matrix as measured; line: after projection on the semidefinite matrices. Vertical scale: square root, sign kept. `
    + `${percent(all ? negative / all : 0)} of the spectrum is negative and is cut off.`;
}

function drawPrediction() {
  const shown = points.filter(p => p.predictedLoss > 0 && p.measuredLoss > 0);
  $("prediction").hidden = $("prediction-link").hidden = shown.length === 0;
  if (shown.length === 0) return;
  const both = shown.flatMap(p => [p.predictedLoss, p.measuredLoss]);
  chart($("prediction-chart"), {
    height: 340, label: "Measured over predicted loss increase; the table of all points has the numbers",
    x: { values: both, format: tick, kind: "logarithmic", title: "predicted loss increase" },
    y: { values: both, format: tick, kind: "logarithmic", title: "measured loss increase" },
  }, (target, x, y) => {
    const ends = [Math.min(...both), Math.max(...both)];
    target.append(svg("line", { class: "equal", x1: x(ends[0]), y1: y(ends[0]), x2: x(ends[1]), y2: y(ends[1]) }));
    for (const p of shown) {
      const error = p.measuredLossError;
      if (error > 0 && p.measuredLoss > error) target.append(errorBar(p.method, x(p.predictedLoss), y(p.measuredLoss - error), y(p.measuredLoss + error)));
      target.append(dot(p.method, x(p.predictedLoss), y(p.measuredLoss), `${titles[p.method]}, ${whole.format(p.sizeBytes)} bytes: ${number(p.predictedLoss)} predicted, ${withError(p.measuredLoss, error)} measured`));
    }
  });
  $("prediction-caption").textContent = `Measured over predicted loss increase${nats && ","}${nats}. Predicted for the ${whole.format(data.sensitivityImages)} images that the sensitivities were measured on, `
    + `measured on ${whole.format(curve.images)} images${curve.areRuns ? ", those of the run" : " that nothing was chosen on"}.`;
  legend($("prediction-legend"), [...methods.map(m => [m, titles[m], false]).reverse(), ["equal", "equal", true]]);
}
