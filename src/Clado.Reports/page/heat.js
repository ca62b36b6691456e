// --- The heat map: one value a pair of layers (or of neighbours) in a lower triangle, blocks marked and named on both sides. ---
const heat = data.heat, side = heat.blocks.length;
let heatValues = heat.values[0], cell = [0, 0];
const value = (i, j) => i >= j ? heatValues[i * (i + 1) / 2 + j] : heatValues[j * (j + 1) / 2 + i];
const cellName = b => heat.blocks[b][0] === heat.blocks[b][1] ? data.layers[heat.blocks[b][0]].short : `${data.layers[heat.blocks[b][0]].short} … ${data.layers[heat.blocks[b][1]].short}`;
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16));
// Where each block lies in the map: first cell, cell behind the last.
const stretches = data.blocks.map(block => ({ name: block.name, from: heat.blocks.findIndex(([, last]) => last >= block.first), to: heat.blocks.findIndex(([, last]) => last >= block.last) + 1 }));

function drawHeat() {
  const place = $("heat-map"), canvas = $("heat"), room = place.clientWidth;
  const gutter = Math.round(Math.max(44, Math.min(120, 0.17 * room))), area = Math.min(room - gutter - 2, 680), crisp = side * Math.floor(area / side);
  // Cells of whole pixels where they are large; where they are small, all the room there is.
  const shown = crisp > 0.9 * area ? crisp : area, sharp = window.devicePixelRatio || 1;
  const [cold, mid, hot] = ["--cold", "--mid", "--hot"].map(colour);
  canvas.width = canvas.height = Math.round(shown * sharp);
  canvas.style.width = canvas.style.height = shown + "px";
  canvas.style.left = canvas.style.top = gutter + "px";
  place.style.height = gutter + shown + 2 + "px";
  const context = canvas.getContext("2d"), pixel = canvas.width / side, most = Math.max(...heatValues.map(Math.abs)) || 1;
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) {
      // The root spreads the many small values over the scale.
      const v = value(i, j), share = Math.sqrt(Math.abs(v) / most), end = v < 0 ? cold : hot;
      context.fillStyle = `rgb(${mid.map((m, k) => Math.round(m + (end[k] - m) * share)).join(",")})`;
      context.fillRect(Math.floor(j * pixel), Math.floor(i * pixel), Math.ceil(pixel), Math.ceil(pixel));
    }
  }
  drawBorders(place, gutter, shown);
  $("heat-legend").replaceChildren(number(-most), html("span", { class: "ramp" }, html("span", {}, "0")), `+${number(most)}${nats}`);
}
function drawBorders(place, gutter, shown) {
  const width = gutter + shown + 2, size = shown / side, at = index => gutter + index * size;
  const target = svg("svg", { width, height: width, viewBox: `0 0 ${width} ${width}`, "aria-hidden": "true" });
  let free = 0, lined = -99;
  for (const { name, from, to } of stretches) {
    // So many lines that cells drown in them tell nothing.
    if (at(to) - lined >= 12) {
      lined = at(to);
      target.append(svg("path", { class: "border", d: `M${gutter - 6} ${lined}H${width - 2}M${lined} ${gutter - 6}V${width - 2}` }));
    }
    const middle = (at(from) + at(to)) / 2;
    // A name where there is room for one.
    if (middle - 6 < free) continue;
    free = middle + 6;
    target.append(svg("text", { class: "block-name", x: gutter - 8, y: middle + 4, "text-anchor": "end" }, fitting(name, gutter - 8)),
      svg("text", { class: "block-name", x: 0, y: 0, transform: `translate(${middle + 4} ${gutter - 8}) rotate(-90)` }, fitting(name, gutter - 8)));
  }
  target.append(svg("rect", { class: "cursor", x: at(cell[1]), y: at(cell[0]), width: Math.max(3, size), height: Math.max(3, size) }));
  place.querySelector("svg")?.remove();
  place.append(target);
}
function sayCell(i, j) {
  cell = [Math.max(0, Math.min(side - 1, i)), Math.max(0, Math.min(side - 1, j))];
  const [a, b] = cell, v = value(a, b);
  $("heat-text").textContent = a === b
    ? `${cellName(a)}: ${number(v)}${nats} lost alone.`
    : `${cellName(a)} and ${cellName(b)}: together they lose ${number(Math.abs(v))}${nats} ${v < 0 ? "less" : "more"} than the sum of each alone.`;
  drawHeat();
}
function chooseWidth(index) {
  heatValues = heat.values[index];
  const pairs = [];
  for (let i = 0; i < side; i++) for (let j = 0; j < i; j++) if (value(i, j) !== 0) pairs.push([i, j, value(i, j)]);
  pairs.sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
  fill($("pairs"), [[`loss${nats && ","}${nats}`, true], ["layer", false, "wrap"], ["and", false, "wrap"]], pairs.slice(0, 10).map(([i, j, v]) => [`${sign(v)}${number(v)}`, cellName(j), cellName(i)]));
  drawHeat();
}
function startHeat() {
  $("sensitivity-text").textContent = `How much quantization errors of layers interact: estimator ${data.estimator}, loss ${data.loss}, ${whole.format(data.sensitivityImages)} images.`;
  $("heat-caption").textContent = "From input (top left) to output, blocks apart. On the diagonal: loss of a layer alone; elsewhere: what a pair loses beyond the sum of both alone. Colours by the square root."
    + (heat.blocks.some(([a, b]) => a !== b) ? " Neighbouring layers are added up to one cell." : "");
  choices($("heat-width"), heat.widths.map(w => `${w} bits`), chooseWidth);
  const canvas = $("heat");
  for (const kind of ["pointermove", "pointerdown"]) {
    canvas.addEventListener(kind, event => {
      const box = canvas.getBoundingClientRect();
      sayCell(Math.floor((event.clientY - box.top) / box.height * side), Math.floor((event.clientX - box.left) / box.width * side));
    });
  }
  canvas.addEventListener("keydown", event => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (move) { event.preventDefault(); sayCell(cell[0] + move[0], cell[1] + move[1]); }
  });
  chooseWidth(0);
}
