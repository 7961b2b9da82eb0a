(function () {
  "use strict";
  const WIDTH = 640, HEIGHT = 240;
  const sum = (values) => values.reduce((a, b) => a + b, 0);

  function rebinned(counts, bins) {
    const width = counts.length / bins;
    return Array.from({ length: bins }, (_, k) => sum(counts.slice(k * width, (k + 1) * width)));
  }

  function shares(counts) {
    const total = sum(counts);
    return counts.map((value) => value / total);
  }

  function overlap(positive, negative) {
    const p = shares(positive), n = shares(negative);
    return sum(p.map((value, k) => Math.min(value, n[k]))) / sum(p.map((value, k) => Math.max(value, n[k])));
  }

  function auroc(positive, negative) {
    let below = 0, score = 0;
    positive.forEach((value, k) => { score += value * (below + negative[k] / 2); below += negative[k]; });
    return score / (sum(positive) * below);
  }

  function steps(share, first, last, top, closed) {
    const width = WIDTH / (last - first);
    let path = `M0 ${HEIGHT}`;
    share.slice(first, last).forEach((value, k) => { path += `V${(HEIGHT - (HEIGHT - 10) * value / top).toFixed(1)}H${((k + 1) * width).toFixed(1)}`; });
    return `${path}V${HEIGHT}${closed ? "Z" : ""}`;
  }

  function start(root) {
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const models = [...new Set(data.rows.map((row) => row.model))];
    const model = () => models[Number(part("model").value)];
    const offered = () => data.rows.filter((row) => row.model === model());

    function fill() {
      const before = part("descriptor").selectedOptions[0].textContent;
      part("descriptor").replaceChildren(...offered().map((row, k) => new Option(row.descriptor, String(k), false, row.descriptor === before)));
      draw();
    }

    function chart(positive, negative) {
      const p = shares(positive), n = shares(negative);
      const seen = p.map((value, k) => value + n[k] > 0);
      const first = seen.indexOf(true), last = seen.lastIndexOf(true) + 1;
      const top = Math.max(...p, ...n);
      const at = (bin) => (data.low + (data.high - data.low) * bin / p.length).toFixed(2);
      const tick = (x, bin, anchor) => `<text x="${x}" y="${HEIGHT + 18}" font-size="13" text-anchor="${anchor}">${at(bin)}</text>`;
      return `<path class="rs-both" d="${steps(p.map((value, k) => Math.min(value, n[k])), first, last, top, true)}"/>`
        + `<path class="rs-found" stroke-width="2" d="${steps(p, first, last, top, false)}"/>`
        + `<path class="rs-false" stroke-width="2" d="${steps(n, first, last, top, false)}"/>`
        + `<path class="rs-axis" d="M0 ${HEIGHT}H${WIDTH}"/>`
        + tick(0, first, "start") + tick(WIDTH / 2, (first + last) / 2, "middle") + tick(WIDTH, last, "end")
        + `<text x="${WIDTH / 2}" y="${HEIGHT + 36}" font-size="13" text-anchor="middle">cosine similarity</text>`;
    }

    function draw() {
      const row = offered()[Number(part("descriptor").value)];
      const bins = data.bins[Number(part("bins").value)];
      const ratios = data.bins.map((b) => overlap(rebinned(row.positive, b), rebinned(row.negative, b)).toFixed(3));
      const said = `${row.model}, ${row.descriptor}, ${bins} bins: overlap ratio ${ratios[data.bins.indexOf(bins)]}, AUROC ${auroc(row.positive, row.negative).toFixed(3)}.`;
      part("chart").innerHTML = chart(rebinned(row.positive, bins), rebinned(row.negative, bins));
      part("chart").setAttribute("aria-label", `Two histograms. ${said}`);
      part("read").textContent = said;
      [...part("ratios").querySelectorAll("td")].forEach((cell, k) => { cell.textContent = ratios[k]; });
    }

    part("model").addEventListener("change", fill);
    part("descriptor").addEventListener("change", draw);
    part("bins").addEventListener("change", draw);
    root.querySelector(".rs-controls").hidden = false;
    draw();
  }

  document.querySelectorAll('.rs-explorer[data-kind="similarities"]:not([data-ready])').forEach((root) => {
    root.setAttribute("data-ready", "");
    start(root);
  });
})();
