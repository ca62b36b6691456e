// --- Numbers as people read them: one format, plain decimals, a minus that is one. ---
const whole = new Intl.NumberFormat("en");
const known = value => value !== null && value !== undefined;
const fixed = (value, decimals) => (Math.abs(value) >= 1000 ? whole.format(+value.toFixed(decimals)) : value.toFixed(decimals)).replace(/^-(?=[\d.]*[1-9])/, "−").replace(/^-/, "");
// Decimals that show so many digits of a number, seven at most: below that all is nothing.
const decimalsOf = (value, digits) => value === 0 || !Number.isFinite(value) ? 0 : Math.max(0, Math.min(7, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
const number = value => {
  if (!known(value)) return "–";
  const text = fixed(value, decimalsOf(value, 3));
  return value !== 0 && /^[0.]+$/.test(text) ? `${value < 0 ? "−" : ""}<0.0000001` : text;
};
// On an axis: no digits that say nothing.
const tick = value => { const text = fixed(value, decimalsOf(value, 3)); return text.includes(".") ? text.replace(/\.?0+$/, "") : text; };
// With its standard error, of which two digits are worth showing.
const withError = (value, error) => !known(value) ? "–" : !known(error) ? number(value) : error === 0 ? `${number(value)} ± 0` : (d => `${fixed(value, d)} ± ${fixed(error, d)}`)(decimalsOf(error, 2));
const percent = (value, digits = 1) => known(value) ? `${fixed(100 * value, digits)} %` : "–";
const percentWithError = (value, error) => !known(value) ? "–" : !known(error) ? percent(value) : (d => `${fixed(100 * value, d)} ± ${fixed(100 * error, d)} %`)(Math.min(2, decimalsOf(100 * error, 2)));
// A difference of shares is in points, and has a sign.
const sign = value => value > 0 ? "+" : "";
const pointsWithError = ([value, error]) => error === 0 ? "0 points" : (d => `${sign(value)}${fixed(100 * value, d)} ± ${fixed(100 * error, d)} points`)(Math.min(2, decimalsOf(100 * error, 2)));
// One image more on either side: all of a few images is no certainty (Laplace).
const shareError = (share, count) => { if (!known(share) || !(count > 0)) return null; const p = (share * count + 1) / (count + 2); return Math.sqrt(p * (1 - p) / (count + 2)); };
const bytes = value => value >= 1e6 ? tick(value / 1e6) + " MB" : value >= 1e3 ? tick(value / 1e3) + " kB" : tick(value) + " B";
const isNoise = ([value, error]) => Math.abs(value) <= 2 * error;
