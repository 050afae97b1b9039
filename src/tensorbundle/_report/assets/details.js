"use strict";
// One tensor: its facts, statistics, histogram, place, and the lines that open it elsewhere.
(function (R) {
  const QUANTILES = ["5 %", "25 %", "50 %", "75 %", "95 %"], SAMPLE = 1 << 17;

  // What people call a tensor: the path of its object, where there are objects.
  R.title = (i) => R.doc.tensors.path[i] === undefined ? R.doc.tensors.name[i] : R.doc.tensors.path[i];
  R.link = (i) => R.el("a", { href: R.anchor(i) }, R.name(R.title(i)));
  // Names that are shown with escapes may look the same: how they are written in code is unique.
  const key = (i) => R.doc.tensors.code[i] === undefined ? R.doc.tensors.name[i] : R.doc.tensors.code[i];
  R.anchor = (i) => "#tensor=" + encodeURIComponent(key(i));
  R.find = function (hash) {
    const wanted = /^#tensor=(.*)$/.exec(hash);
    if (!wanted) return -1;
    let name;
    try { name = decodeURIComponent(wanted[1]); } catch { return -1; }
    return R.doc.tensors.name.findIndex((_, i) => key(i) === name);
  };

  function place(data, i) {
    if (data.slices[i]) return R.plural(data.slices[i], "slice");
    if (data.shard[i] === null || data.offset[i] === null) return "";
    return "shard " + data.shard[i] + ", bytes " + R.count(data.offset[i]) + "–" + R.count(data.offset[i] + data.nbytes[i]);
  }
  const hex = (n) => n === null ? "" : "0x" + n.toString(16).padStart(8, "0");
  // For a shell: quoted so that nothing in it is more than text.
  const quoted = (text) => "'" + text.replace(/'/g, "'\\''") + "'";

  function facts(doc, i) {
    const data = doc.tensors, owner = data.owner[i];
    const rows = [
      ["dtype", data.dtype.words[data.dtype.places[i]]], ["shape", data.shape.words[data.shape.places[i]] || "a single number"],
      ["elements", R.count(data.size[i])], ["bytes", R.count(data.nbytes[i])], ["lies in", place(data, i)], ["CRC-32C", hex(data.crc32c[i])],
    ];
    if (data.path[i] !== undefined) rows.push(["key", R.name(data.name[i])]);
    if (owner !== undefined) rows.push(["kept by an optimizer", owner === i ? "not for one variable" : R.link(owner)]);
    const slots = Object.keys(data.owner).filter((slot) => data.owner[slot] === i && Number(slot) !== i);
    if (slots.length) rows.push(["slots", R.el("span", {}, slots.flatMap((slot) => [R.link(Number(slot)), " "]))]);
    return rows.filter((row) => row[1] !== "");
  }

  function values(doc, i) {
    const all = doc.values, size = doc.tensors.size[i];
    if (!all || all.zeros[i] === null) return [];
    const change = doc.diff && doc.diff.changes[i], second = change && change.second;
    const inside = [];
    const rows = ["min", "max", "mean", "std"].map((key) => [key, R.short(all[key][i])].concat(second ? [R.short(second[key])] : []));
    for (const [key, word] of [["zeros", "zeros"], ["nan", "NaN"], ["inf", "infinite"]]) {
      rows.push([word, R.count(all[key][i]) + " (" + R.share(all[key][i], size) + ")"].concat(second ? [R.count(second[key])] : []));
    }
    (all.quantiles[i] || []).forEach((value, which) => rows.push([QUANTILES[which] + " below", R.short(value)].concat(second ? [""] : [])));
    if (second && change.bins) {
      inside.push(R.histogram(change.bins.map(R.heights), "histograms of both, over each other"),
        R.el("p", { class: "axis" }, R.el("span", {}, R.short(change.range[0])), R.el("span", {}, R.el("span", { class: "key bars0" }), " first ", R.el("span", { class: "key bars1" }), " second"), R.el("span", {}, R.short(change.range[1]))));
    } else if (all.bins[i]) {
      inside.push(R.histogram([R.heights(all.bins[i])], "histogram from " + R.short(all.min[i]) + " to " + R.short(all.max[i])),
        R.el("p", { class: "axis" }, R.el("span", {}, R.short(all.min[i])), R.el("span", {}, R.short(all.max[i]))));
    }
    const note = size > SAMPLE ? " (quantiles of a sample)" : "";
    inside.push(R.table("Statistics" + note, second ? ["", "first", "second"] : ["", "value"], rows));
    if (all.bins[i]) {
      const heights = R.heights(all.bins[i]), width = (all.max[i] - all.min[i]) / heights.length;
      inside.push(R.fold("The histogram as a table", R.table("Histogram, height in proportion to the fullest bin", ["from", "height"], heights.map((height, bin) => [R.short(all.min[i] + bin * width), (height / 63).toFixed(2)]))));
    }
    return inside;
  }

  function change(doc, i) {
    const found = doc.diff && doc.diff.changes[i];
    if (!doc.diff) return [];
    if (!found) return [R.el("p", {}, "The same in both.")];
    const rows = [["difference", found.kind]];
    if (found.to) rows.push(["now called", R.name(found.to)]);
    if (found.a !== found.b) rows.push(["was", found.a], ["is", found.b]);
    if (found.count !== undefined) rows.push(["elements that differ", R.count(found.count) + " of " + R.count(found.size)]);
    for (const [key, word] of [["max", "largest difference"], ["rms", "root of mean square"], ["relative", "|b − a| / |a|"], ["cosine", "cosine"]]) {
      if (found[key] !== undefined && found[key] !== null) rows.push([word, R.short(found[key])]);
    }
    return [R.table("Change", ["", "value"], rows)];
  }

  R.details = function (doc) {
    const section = R.section("tensor", "One tensor", R.el("p", { class: "hint" }, "Choose a tensor in the map or in the table."));
    const title = section.querySelector("h2");
    section.setAttribute("tabindex", "-1");
    R.open = function (i, quiet) {
      const data = doc.tensors;
      const code = data.code[i] === undefined ? "'" + data.name[i] + "'" : data.code[i];
      const flags = R.flags(doc, i).map((flag) => R.el("span", { class: "badge bad" }, flag));
      const python = "tb.open(" + doc.codes.path + ")[" + code + "]";
      const lines = [R.copyable("Python", python)];
      if (data.code[i] === undefined) lines.push(R.copyable("Shell", "tensorbundle show " + quoted(doc.codes.shell) + " " + quoted(data.name[i])));
      section.replaceChildren(title, R.el("h3", {}, R.name(R.title(i)), " ", flags),
        doc.unread && doc.unread[i] !== undefined ? R.el("p", { class: "bad" }, doc.unread[i]) : "",
        R.el("div", { class: "columns" }, R.el("div", {}, R.table("Facts", ["", "value"], facts(doc, i)), change(doc, i)), R.el("div", {}, values(doc, i))), ...lines);
      if (location.hash !== R.anchor(i)) history.replaceState(null, "", R.anchor(i));
      if (!quiet) { section.scrollIntoView({ block: "nearest" }); section.focus({ preventScroll: true }); }
    };
    window.addEventListener("hashchange", () => { const i = R.find(location.hash); if (i >= 0) R.open(i); });
  };
})(window.R);
