// --- Charts: SVG as wide as its place. ---
const root = v => Math.sign(v) * Math.sqrt(Math.abs(v));
const kinds = { linear: v => v, logarithmic: Math.log10, root };
// Characters of 12 pixels are about this wide.
const characterWidth = 6.7;

function scale(values, from, to, kind = "linear") {
  const f = kinds[kind];
  let low = f(Math.min(...values)), high = f(Math.max(...values));
  if (low === high) { low -= 0.5; high += 0.5; }
  const margin = 0.05 * (high - low);
  low -= margin; high += margin;
  const at = v => from + (to - from) * (f(v) - low) / (high - low), count = Math.abs(to - from) / (from < to ? 88 : 42);
  at.ticks = kind === "logarithmic" ? decades(low, high, count) : kind === "root" ? squares(low, high, count) : steps(low, high, count);
  return at;
}
function steps(low, high, count) {
  // The smallest round step whose marks have room.
  const power = 10 ** Math.floor(Math.log10((high - low) / Math.max(2, count) / 2));
  const marks = step => Math.floor(high / step) - Math.ceil(low / step) + 1;
  const all = [1, 2, 5, 10, 20, 50].map(m => m * power), fitting = all.findIndex(own => marks(own) <= Math.max(3, count + 1));
  // Two marks at least say what the scale is.
  const step = all[marks(all[fitting]) < 2 && fitting > 0 ? fitting - 1 : fitting];
  return Array.from({ length: marks(step) }, (_, i) => (Math.ceil(low / step) + i) * step);
}
function decades(low, high, count) {
  const within = marks => {
    const all = [];
    for (let e = Math.floor(low); e <= high; e++) all.push(...marks.map(m => m * 10 ** e).filter(v => Math.log10(v) >= low && Math.log10(v) <= high));
    return all;
  };
  // Few decades have marks between them.
  const found = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]].map(within).find(all => all.length <= Math.max(4, count)) ?? within([1]), every = Math.ceil(found.length / Math.max(3, count));
  return found.filter((_, i) => i % every === 0);
}
function squares(low, high, count) {
  const most = Math.max(Math.abs(low), Math.abs(high)) ** 2, marks = [0];
  for (const share of [1 / 16, 1 / 4, 9 / 16]) {
    const power = 10 ** Math.floor(Math.log10(most * share)), mark = power * Math.max(...[1, 2, 5].filter(m => m * power <= most * share * 1.0001));
    if (!marks.includes(mark)) marks.push(mark);
  }
  return [...marks.slice(1).map(v => -v), ...marks].filter(v => root(v) >= low && root(v) <= high).filter((v, i, all) => all.length <= Math.max(3, count) || i % 2 === 0 || v === 0);
}

// draw(root, x, y, frame) puts the rest in.
function chart(place, { height, x, y, label }, draw) {
  const width = Math.max(240, place.clientWidth), bottom = 44, top = 26, right = 14;
  const up = scale(y.values, height - bottom, top, y.kind), upTexts = up.ticks.map(y.format);
  const left = Math.max(36, 12 + characterWidth * Math.max(...upTexts.map(text => text.length)));
  const across = scale(x.values, left, width - right, x.kind);
  const target = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const mark of across.ticks) {
    const text = x.format(mark), half = characterWidth * text.length / 2;
    // What would touch an edge moves away from it.
    const place = Math.max(left + half - 30, Math.min(width - half - 2, across(mark)));
    target.append(svg("line", { class: "grid", x1: across(mark), x2: across(mark), y1: top, y2: height - bottom }),
      svg("text", { class: "tick", x: place, y: height - bottom + 16, "text-anchor": "middle" }, text));
  }
  up.ticks.forEach((mark, i) => target.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: up(mark), y2: up(mark) }),
    svg("text", { class: "tick", x: left - 6, y: up(mark) + 4, "text-anchor": "end" }, upTexts[i])));
  target.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    svg("line", { class: "axis", x1: left, x2: left, y1: top, y2: height - bottom }),
    svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x.title),
    svg("text", { x: 2, y: 12 }, y.title));
  draw(target, across, up, { left, right: width - right, top, bottom: height - bottom });
  place.replaceChildren(target);
}
const dot = (method, x, y, title) => {
  const shape = method === "uniform" ? svg("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "dot uniform" })
    : method === "diagonal" ? svg("path", { d: `M${x - 7} ${y}L${x} ${y - 7}L${x + 7} ${y}L${x} ${y + 7}Z`, class: "dot diagonal" })
    : svg("circle", { cx: x, cy: y, r: 4, class: `dot ${method}` });
  if (title) shape.append(svg("title", {}, title));
  return shape;
};
// From a standard error below to one above; caps where there is room.
function errorBar(method, x, low, high) {
  return svg("path", { class: `error ${method}`, d: `M${x} ${low}V${high}M${x - 3} ${low}h6M${x - 3} ${high}h6` });
}
// The marks and what they mean; a line where the chart has lines.
function legend(place, marks) {
  place.replaceChildren(...marks.map(([mark, text, lined]) => html("span", {},
    svg("svg", { width: 30, height: 16, "aria-hidden": "true" },
      lined ? svg("line", { class: `${mark} line`, x1: 0, x2: 30, y1: 8, y2: 8 }) : null, mark === "float" || mark === "equal" ? null : dot(mark, 15, 8)),
    text)));
}
