(function () {
  "use strict";
  const WIDTH = 640, HALF = 150;
  const DECODERS = ["raw", "mutual", "greedy"];
  const CANONICAL = new Set(["AU", "UA", "GC", "CG", "GU", "UG"]);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  function start(root) {
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const length = data.sequence.length;
    const mask = bytes(data.allowed);
    const candidates = [];
    for (let k = 0; k < length * length; k += 1) {
      if ((mask[k >> 3] >> (7 - (k & 7))) & 1) candidates.push([Math.floor(k / length), k % length]);
    }
    const reference = new Set(data.reference.map(([i, j]) => i * length + j));
    const unpacked = data.heads.map((head) => unpack(head, length));
    let threshold = null;

    function unpack(head) {
      const raw = new DataView(bytes(head.levels).buffer);
      const scores = candidates.map((_, k) => head.low + raw.getUint16(2 * k, true) * (head.high - head.low) / 65535);
      const ranked = Float64Array.from(scores).sort().reverse();
      return { label: head.label, chosen: head.chosen, scores, top: ranked[0], start: ranked[Math.min(4 * length, ranked.length) - 1] };
    }

    const head = () => unpacked[Number(part("head").value)];
    const atStep = (one, step) => one.start + (one.top - one.start) * step / data.steps;

    function listed(one) {
      const canonical = part("canonical").checked;
      const kept = [];
      candidates.forEach(([i, j], k) => {
        if (!canonical || CANONICAL.has(data.sequence[i] + data.sequence[j])) kept.push(k);
      });
      return { kept, passing: kept.filter((k) => one.scores[k] >= threshold) };
    }

    function decode(one) {
      const { kept, passing } = listed(one);
      const how = DECODERS[Number(part("decoder").value)];
      if (how === "raw") return passing;
      if (how === "greedy") {
        const taken = new Set();
        return passing.slice().sort((a, b) => one.scores[b] - one.scores[a] || a - b).filter((k) => {
          const [i, j] = candidates[k];
          if (taken.has(i) || taken.has(j)) return false;
          taken.add(i).add(j);
          return true;
        });
      }
      const best = new Array(length).fill(-1), value = new Array(length).fill(-Infinity);
      const offer = (base, partner, score) => {
        if (score > value[base] || (score === value[base] && partner < best[base])) { value[base] = score; best[base] = partner; }
      };
      kept.forEach((k) => { const [i, j] = candidates[k]; offer(i, j, one.scores[k]); offer(j, i, one.scores[k]); });
      return passing.filter((k) => { const [i, j] = candidates[k]; return best[i] === j && best[j] === i; });
    }

    function fates(pairs) {
      const predicted = new Set(pairs.map((k) => candidates[k][0] * length + candidates[k][1]));
      const sorted = { found: [], false: [], missed: [] };
      [...predicted].sort((a, b) => a - b).forEach((k) => sorted[reference.has(k) ? "found" : "false"].push([Math.floor(k / length), k % length]));
      data.reference.forEach(([i, j]) => { if (!predicted.has(i * length + j)) sorted.missed.push([i, j]); });
      return sorted;
    }

    function symbol(fate, x, y, size, over = "") {
      const f = (v) => v.toFixed(1);
      if (fate === "found") return `<circle class="rs-mark rs-found${over}" cx="${f(x)}" cy="${f(y)}" r="${f(size)}"/>`;
      if (fate === "false") return `<path class="rs-mark rs-false${over}" d="M${f(x - size)} ${f(y - size)}l${f(2 * size)} ${f(2 * size)}m0 ${f(-2 * size)}l${f(-2 * size)} ${f(2 * size)}"/>`;
      return `<rect class="rs-mark rs-missed" x="${f(x - size)}" y="${f(y - size)}" width="${f(2 * size)}" height="${f(2 * size)}"/>`;
    }

    function arcs(sorted) {
      const step = WIDTH / length, base = HALF + 10;
      let text = `<path class="rs-axis" d="M0 ${base}H${WIDTH}"/>`;
      [[1, ["found", "false"]], [-1, ["found", "missed"]]].forEach(([side, names]) => names.forEach((name) => sorted[name].forEach(([i, j]) => {
        const left = (i + 0.5) * step, right = (j + 0.5) * step;
        const height = (right - left) / 2 * (2 * (HALF - 12) / WIDTH);
        const title = `<title>${data.sequence[i]}${i + 1} with ${data.sequence[j]}${j + 1}: ${name}</title>`;
        text += `<path class="rs-${name}" stroke-width="1.6" d="M${left.toFixed(1)} ${base}A${((right - left) / 2).toFixed(1)} ${height.toFixed(1)} 0 0 ${side > 0 ? 1 : 0} ${right.toFixed(1)} ${base}">${title}</path>`;
        text += symbol(name, (left + right) / 2, base - side * height, 3);
      })));
      return `${text}<text x="0" y="20" font-size="22">predicted</text><text x="0" y="${2 * HALF + 16}" font-size="22">reference</text>`;
    }

    function picture(one) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = length;
      const context = canvas.getContext("2d");
      const image = context.createImageData(length, length);
      candidates.forEach(([i, j], k) => {
        const level = Math.floor(255 * Math.min(1, Math.max(0, (one.scores[k] - one.start) / Math.max(one.top - one.start, 1e-12))));
        for (let c = 0; c < 3; c += 1) image.data[4 * (i * length + j) + c] = parseInt(data.lut.substr(6 * level + 2 * c, 2), 16);
        image.data[4 * (i * length + j) + 3] = 255;
      });
      context.putImageData(image, 0, 0);
      return canvas.toDataURL();
    }

    function map(one, sorted) {
      const size = 4 * length, mark = Math.max(1.6, length / 50);
      one.image = one.image || picture(one);
      let text = `<image href="${one.image}" width="${size}" height="${size}" style="image-rendering:pixelated"/>`;
      text += `<path class="rs-axis" d="M0 0L${size} ${size}"/><rect class="rs-axis" width="${size}" height="${size}"/>`;
      Object.entries(sorted).forEach(([name, pairs]) => pairs.forEach(([i, j]) => {
        if (name !== "missed") text += symbol(name, 4 * j + 2, 4 * i + 2, mark, " rs-over");
        if (name !== "false") text += symbol(name, 4 * i + 2, 4 * j + 2, mark);
      }));
      return text;
    }

    function readOut(sorted) {
      const found = sorted.found.length, wrong = sorted.false.length, missed = sorted.missed.length;
      const precision = found / Math.max(found + wrong, 1), recall = found / Math.max(found + missed, 1);
      const f1 = 2 * found / Math.max(2 * found + wrong + missed, 1);
      return `Threshold ${threshold.toFixed(4)}: ${found} found, ${wrong} false, ${missed} missed. `
        + `Precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, F1 ${f1.toFixed(3)}.`;
    }

    function draw() {
      const one = head(), sorted = fates(decode(one)), said = readOut(sorted);
      const name = `${data.name}, ${one.label}. ${said}`;
      [["arcs", "Arc diagram of ", arcs(sorted)], ["map", "Contact map of ", map(one, sorted)]].forEach(([which, words, text]) => {
        part(which).innerHTML = text;
        part(which).setAttribute("aria-label", words + name);
      });
      part("read").textContent = said;
      part("threshold").setAttribute("aria-valuetext", threshold.toFixed(4));
      const pairs = sorted.found.concat(sorted.false).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      part("words").textContent = pairs.map(([i, j]) => `${data.sequence[i]}${i + 1}-${data.sequence[j]}${j + 1}`).join(", ") || "none";
    }

    function choose() {
      const one = head();
      part("chosen").hidden = one.chosen === null;
      threshold = one.chosen === null ? atStep(one, data.steps / 2) : one.chosen;
      const step = Math.round((threshold - one.start) / Math.max(one.top - one.start, 1e-12) * data.steps);
      part("threshold").value = String(Math.min(data.steps, Math.max(0, step)));
      draw();
    }

    part("head").addEventListener("change", choose);
    part("chosen").addEventListener("click", choose);
    part("decoder").addEventListener("change", draw);
    part("canonical").addEventListener("change", draw);
    part("threshold").addEventListener("input", () => { threshold = atStep(head(), Number(part("threshold").value)); draw(); });
    root.querySelector(".rs-controls").hidden = false;
    choose();
  }

  document.querySelectorAll('.rs-explorer[data-kind="heads"]:not([data-ready])').forEach((root) => {
    root.setAttribute("data-ready", "");
    start(root);
  });
})();
