// --- The network as a strip: a bar a layer, from input to output, block by block. Bits go up, bytes down. ---
// Of many layers, the rows are lower.
const isTall = data.layers.length <= 60, barHeight = isTall ? 9 : 5, byteHeight = isTall ? 26 : 16;
// What is left of a layer's name within its block.
const tailOf = (layer, block) => layer.short.startsWith(block.name) ? layer.short.slice(block.name.length).replace(/^[/._]/, "") || layer.short : layer.short;
const blockOf = index => data.blocks.find(block => index >= block.first && index <= block.last);

// Bits in words: of layers whose rows have widths of their own, with shares.
const bitsText = (bits, shares) => shares ? Object.entries(shares).map(([width, share]) => `${percent(share, 0)} of rows at ${width} bits`).join(", ") : `${bits} bits`;
const meanBits = (bits, shares) => shares ? Object.entries(shares).reduce((sum, [width, share]) => sum + width * share, 0) : bits;
const bytesOf = (layer, bits, shares) => shares
  ? Object.entries(shares).reduce((sum, [width, share]) => sum + share * (layer.sizes[width] ?? 0), 0) : layer.sizes[bits];

// What of a name has room: all of it, what follows its letters (layer2.1 → 2.1), or its end.
function fitting(name, width) {
  const most = Math.floor(width / 7), letters = name.match(/^[A-Za-z_.]+(?=\d)/)?.[0] ?? "";
  const isShared = data.blocks.filter(block => block.name.startsWith(letters)).length > 2;
  return [name, name.split("/").at(-1), isShared ? name.slice(letters.length) : name].find(text => text.length <= most) ?? (most < 4 ? "" : `…${name.slice(1 - most)}`);
}

function strip(place, choose) {
  place.classList.toggle("low", !isTall);
  const buttons = [], names = data.blocks.map(block => html("div", { class: "name", title: block.name, "aria-hidden": "true" }));
  let current = 0;
  function focus(index) {
    buttons[current].tabIndex = -1;
    current = Math.max(0, Math.min(buttons.length - 1, index));
    buttons[current].tabIndex = 0;
    buttons[current].focus();
  }
  place.replaceChildren(...data.blocks.map((block, position) => {
    const cells = html("div", { class: "cells" });
    for (let i = block.first; i <= block.last; i++) {
      const button = html("button", { type: "button", class: "layer", tabindex: i === 0 ? 0 : -1, "aria-pressed": "false", title: data.layers[i].name });
      button.addEventListener("click", () => { focus(i); choose(i); });
      buttons.push(button);
      cells.append(button);
    }
    return html("div", { class: "block", role: "group", "aria-label": block.name }, cells, names[position]);
  }));
  place.addEventListener("keydown", event => {
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); focus(to); }
  });
  const most = Math.max(1, ...data.layers.map(layer => Math.max(...Object.values(layer.sizes))));
  return {
    draw(bits, shares, marks = () => "") {
      const room = place.clientWidth, gap = room < 600 ? 4 : 8, cell = Math.max(13, Math.min(46, Math.floor((room - gap * data.blocks.length) / data.layers.length)));
      place.style.setProperty("--cell", `${cell}px`);
      place.style.columnGap = `${gap}px`;
      data.blocks.forEach((block, i) => { names[i].textContent = fitting(block.name, cell * Math.min(block.last - block.first + 1, Math.max(1, Math.floor(room / cell)))); });
      buttons.forEach((button, i) => {
        const layer = data.layers[i], own = shares?.[i], mark = marks(i);
        const segments = Object.entries(own ?? { [bits[i]]: 1 }).reverse().map(([width, share]) => {
          const segment = html("span", { class: `b${width}` });
          segment.style.height = `${barHeight * meanBits(bits[i], own) * (own ? width * share / meanBits(bits[i], own) : 1)}px`;
          return segment;
        });
        const weight = html("span", { class: "bytes" });
        weight.style.height = `${Math.max(1, byteHeight * Math.sqrt((bytesOf(layer, bits[i], own) ?? 0) / most))}px`;
        button.classList.toggle("marked", mark !== "");
        button.replaceChildren(
          spoken(`${layer.short}: ${bitsText(bits[i], own)}, ${whole.format(layer.parameters)} weights${mark ? `, ${mark}` : ""}`),
          html("span", { class: "bits", "aria-hidden": "true" }, html("span", { class: "digits" }, own ? fixed(meanBits(bits[i], own), cell < 26 ? 0 : 1) : String(bits[i])), ...segments),
          weight, cell >= 40 ? html("span", { class: "tail", "aria-hidden": "true" }, tailOf(layer, blockOf(i))) : "");
      });
    },
    show(index) { buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index))); },
    focus,
  };
}
function bitLegend(place, used) {
  place.replaceChildren(...used.map(bits => html("span", {}, html("span", { class: `chip b${bits}`, "aria-hidden": "true" }), `${bits} bits`)),
    html("span", {}, html("span", { class: "chip bytes", "aria-hidden": "true" }), "below: bytes, by their root"));
}
