// --- One layer: its weights on the grid, the error and the sensitivity by width. ---
function layerPanel(place, close) {
  let shown = -1, width = 0;
  const heading = html("h2", { class: "small" }), facts = html("p"), table = html("table"), figure = html("div", { class: "chart" }), caption = html("figcaption");
  const widths = html("select"), label = html("label", {}, "Weights on the grid of ", widths), closing = html("button", { type: "button" }, "Close");
  const picture = html("figure", {}, label, figure, caption);
  closing.addEventListener("click", () => { hide(); close(); });
  place.addEventListener("keydown", event => { if (event.key === "Escape") { hide(); close(); } });
  widths.addEventListener("change", () => { width = +widths.value; drawGrid(); });
  place.replaceChildren(html("div", { class: "head" }, heading, closing), facts, html("div", { class: "halves" }, picture, html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The layer by width" }, table)));

  function hide() { shown = -1; place.hidden = true; }
  function show(index, bits, shares) {
    const layer = data.layers[index], own = Object.keys(layer.sizes).map(Number), isNew = shown !== index;
    shown = index;
    place.hidden = false;
    heading.replaceChildren(...breakable(layer.name));
    facts.textContent = `${layer.op} ${layer.shape.join("×")}, ${whole.format(layer.parameters)} weights, ${whole.format(layer.macs)} MACs, in ${blockOf(index).name}. Here: ${bitsText(bits, shares)}.`;
    const most = (values) => Math.max(Number.MIN_VALUE, ...Object.values(values).map(Math.abs));
    const [error, loss] = [most(layer.errors), most(layer.losses)];
    fill(table, [["bits", true], ["bytes", true], ["error of weights", true], [spoken("error as a bar"), false, "bars"], ["loss alone", true], [spoken("loss as a bar"), false, "bars"]], own.map(b => [
      b === bits && !shares ? `${b} ◂` : b, whole.format(layer.sizes[b]), percent(layer.errors[b]), bar((layer.errors[b] ?? 0) / error), number(layer.losses[b]), bar(Math.abs(layer.losses[b] ?? 0) / loss)]));
    picture.hidden = layer.grids.length === 0;
    const grids = layer.grids.map(grid => grid.bits);
    widths.replaceChildren(...grids.map(b => html("option", { value: b }, `${b} bits`)));
    if (isNew || !grids.includes(width)) width = grids.includes(bits) ? bits : grids.at(-1) ?? 0;
    widths.value = String(width);
    drawGrid();
  }
  function drawGrid() {
    const grid = data.layers[shown].grids.find(own => own.bits === width);
    if (!grid) return;
    const limit = 2 ** (width - 1), reach = 1.25 * limit, parts = grid.weights.length, all = grid.weights.reduce((sum, count) => sum + count, 0) || 1;
    // A share a step, as the stems' are: parts of a step are counted alone.
    const shares = grid.weights.map(count => count / all * parts / (2 * reach)), codes = grid.codes.map(count => count / all), most = Math.max(...shares, ...codes);
    chart(figure, {
      height: 220, label: `How the weights of ${data.layers[shown].short} lie on the grid of ${width} bits`,
      x: { values: [-reach * 0.92, reach * 0.92], format: tick, title: "weight, in steps of its channel's grid" },
      y: { values: [0, most], format: value => percent(value, most < 0.1 ? 1 : 0), title: "share of weights a step" },
    }, (target, x, y, frame) => {
      shares.forEach((share, i) => {
        const from = x((2 * i / parts - 1) * reach), to = x((2 * (i + 1) / parts - 1) * reach);
        target.append(svg("rect", { class: "weights", x: Math.max(frame.left, from), width: Math.max(0.5, to - Math.max(frame.left, from) - 0.5), y: y(share), height: Math.max(0, y(0) - y(share)) }));
      });
      if (codes.length > 0) codes.forEach((share, i) => target.append(svg("path", { class: "code", d: `M${x(i - limit)} ${y(0)}V${y(share)}` }), svg("circle", { class: "code", cx: x(i - limit), cy: y(share), r: 3.5 })));
      else target.append(svg("path", { class: "code", d: `M${x(-limit)} ${y(0)}v-12M${x(limit - 1)} ${y(0)}v-12M${x(-limit)} ${y(0) - 6}H${x(limit - 1)}` }));
    });
    const beyond = shares.reduce((sum, share, i) => { const middle = (2 * (i + 0.5) / parts - 1) * reach; return sum + (middle < -limit - 0.5 || middle > limit - 0.5 ? share * 2 * reach / parts : 0); }, 0);
    caption.textContent = (codes.length > 0 ? "Bars: the float weights. Stems: how many are rounded to each code. " : `Bars: the float weights; the line below them: the grid's ${2 ** width} codes. `)
      + `About ${percent(beyond)} lie beyond the grid and are cut off.`;
  }
  return { show, hide, draw() { if (shown >= 0) drawGrid(); }, get shown() { return shown; } };
}
