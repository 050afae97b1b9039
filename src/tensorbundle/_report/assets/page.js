"use strict";
// The page, from top to bottom: what is worth a look comes first.
(function (R) {
  R.times = {};

  function totals(doc) {
    const data = doc.tensors, sum = (list, keep) => list.reduce((total, n, i) => keep && !keep(i) ? total : total + n, 0);
    const first = doc.diff ? (i) => !["added", "renamed here"].includes((doc.diff.changes[i] || {}).kind) : () => true;
    const bytes = sum(data.nbytes, first), kept = sum(data.nbytes, (i) => first(i) && data.owner[i] !== undefined);
    const count = data.name.filter((_, i) => first(i)).length;
    const model = sum(data.size, (i) => first(i) && data.owner[i] === undefined && data.dtype.words[data.dtype.places[i]] !== "string");
    const rows = [["tensors", R.count(count)], ["parameters of the model", R.count(model)], ["bytes", R.bytes(bytes) + " (" + R.count(bytes) + ")"]];
    if (kept) rows.push(["kept by optimizers", R.bytes(kept) + " (" + R.share(kept, bytes) + ")"]);
    return rows;
  }

  function alerts(doc) {
    const found = [];
    if (doc.verify && doc.verify.faults.length) found.push(R.el("li", {}, R.el("a", { href: "#faults" }, R.plural(doc.verify.faults.length, "fault")), " found by verification"));
    const by = new Map();
    doc.tensors.name.forEach((_, i) => R.flags(doc, i).forEach((flag) => {
      // Optimizers begin with zeros.
      if (doc.tensors.owner[i] !== undefined && ["all zero", "constant"].includes(flag)) return;
      if (!by.has(flag)) by.set(flag, []); by.get(flag).push(i); }));
    for (const [flag, rows] of by) {
      const links = rows.slice(0, 5).flatMap((i) => [" ", R.link(i)]);
      found.push(R.el("li", {}, R.el("b", {}, flag), " in " + R.plural(rows.length, "tensor") + ":", links, rows.length > 5 ? " and " + R.count(rows.length - 5) + " more" : ""));
    }
    return found.length ? R.el("ul", { class: "alerts" }, found) : null;
  }

  function summary(doc) {
    const inside = [];
    for (const each of doc.unopened) inside.push(R.el("p", { class: "bad" }, each));
    if (doc.tensors) {
      inside.push(alerts(doc));
      const verdict = !doc.verify ? "not asked for" : doc.verify.faults.length ? R.plural(doc.verify.faults.length, "fault") : "sound: " + R.plural(doc.verify.checked, "stored tensor") + ", " + R.bytes(doc.verify.nbytes) + " checked";
      const rows = totals(doc).concat(doc.facts.map(([key, value]) => [key, R.name(value)]), [["verification", verdict]]);
      const second = doc.second ? R.el("div", {}, R.table("Second: " + doc.second.title, ["", "value"], doc.second.facts.map(([key, value]) => [key, R.name(value)]))) : null;
      inside.push(R.el("div", { class: "columns" }, R.el("div", {}, R.table(doc.second ? "First: " + doc.title : "The whole", ["", "value"], rows)), second));
    }
    R.section("summary", "Summary", inside);
  }

  function difference(doc) {
    const counts = doc.diff.counts, changes = doc.diff.changes;
    const rows = Object.entries(counts).map(([key, n]) => [key === "by_checksum" ? "of these by checksum, not read" : key, n]);
    const of = (kind) => Object.keys(changes).filter((i) => changes[i].kind === kind).map(Number);
    const inside = [R.el("p", {}, doc.diff.same ? "There is no difference." : "They differ."), R.table("Tensors", ["", "count"], rows)];
    const list = (title, heads, made) => { if (made.length) inside.push(R.fold(title + " (" + R.count(made.length) + ")", R.table(title, heads, made, 2000))); };
    list("Added", ["tensor"], of("added").map((i) => [R.link(i)]));
    list("Removed", ["tensor"], of("removed").map((i) => [R.link(i)]));
    list("Renamed, the same content", ["was", "is"], of("renamed").map((i) => [R.link(i), R.name(changes[i].to)]));
    const far = Object.keys(changes).filter((i) => ["values", "dtype", "shape"].includes(changes[i].kind)).map(Number).sort((i, j) => (changes[j].relative || 0) - (changes[i].relative || 0));
    list("Changed, furthest first", ["tensor", "|b − a| / |a|", "max", "rms", "cosine"], far.map((i) => [R.link(i), ...["relative", "max", "rms", "cosine"].map((key) => R.short(changes[i][key]) || changes[i].kind)]));
    R.section("differences", "Differences", inside);
  }

  function whole(doc) {
    const all = doc.whole, used = [];
    all.negative.forEach((n, i) => { if (n || all.positive[i]) used.push(i); });
    if (!used.length) return;
    const places = [];
    for (let i = used[0]; i <= used[used.length - 1]; i++) places.push(i);
    const most = Math.max(...places.map((i) => all.negative[i] + all.positive[i]));
    const height = (n) => n ? Math.max(1, Math.round(63 * n / most)) : 0;
    const power = (i) => "2^" + (i - 126);
    const last = places[places.length - 1] + 1;
    R.section("values", "All values",
      R.histogram([places.map((i) => height(all.negative[i] + all.positive[i])), places.map((i) => height(all.negative[i]))], "magnitudes of all values, by powers of two"),
      R.el("p", { class: "axis" }, R.el("span", {}, power(places[0])), R.el("span", {}, R.el("span", { class: "key bars0" }), " magnitude ", R.el("span", { class: "key bars1" }), " of these negative"), R.el("span", {}, power(last))),
      R.el("p", {}, R.plural(all.count, "number") + ": " + R.count(all.zeros) + " zero, " + R.count(all.nan) + " NaN, " + R.count(all.inf) + " infinite."),
      R.fold("The same as a table", R.table("Values by magnitude", ["from", "negative", "positive"], places.map((i) => [power(i), all.negative[i], all.positive[i]]))));
  }

  function faults(doc) {
    const found = doc.verify.faults;
    const rows = found.map((each) => [each.kind, each.name === null ? "" : R.name(each.name), each.path || "", each.offset === null ? "" : R.count(each.offset) + (each.nbytes === null ? "" : "–" + R.count(each.offset + each.nbytes)), each.message + (each.cause ? "; probably: " + each.cause : "")]);
    R.section("faults", "Verification", R.el("p", {}, found.length ? R.plural(found.length, "fault") + "." : "No fault: every checksum and every claim of the index was checked."),
      rows.length ? R.table("Faults", ["kind", "tensor", "file", "bytes", "found"], rows, 1000) : null,
      R.el("ul", {}, doc.verify.notes.map((note) => R.el("li", {}, note)), doc.verify.unchecked.map((each) => R.el("li", {}, "not looked at: " + each))));
  }

  // Objects open one by one: there may be circles, so what was shown above is only named.
  function objects(doc) {
    const nodes = doc.objects.nodes;
    const tensor = (row) => row === null || row === undefined ? "" : R.link(row);
    function inside(number, above) {
      const [children, attributes, slots] = nodes[number];
      return R.el("ul", {}, attributes.map(([name, row]) => R.el("li", {}, name + " ", tensor(row))), children.map(([name, child]) => item(name, child, above)),
        slots.map(([name, variable, node]) => R.el("li", {}, "slot " + name + " ", (nodes[node] ? nodes[node][1] : []).map(([, row]) => tensor(row)))));
    }
    function item(name, number, above) {
      const [children, attributes, slots] = nodes[number] || [[], [], []];
      if (above.includes(number)) return R.el("li", {}, R.name(name), " (one of those above)");
      if (!children.length && !slots.length) return R.el("li", {}, R.name(name), " ", attributes.map(([, row]) => tensor(row)));
      const open = R.el("details", {}, R.el("summary", {}, R.name(name)));
      open.addEventListener("toggle", () => { if (open.children.length === 1) open.append(inside(number, [...above, number])); });
      return R.el("li", {}, open);
    }
    R.section("objects", "Objects", R.el("p", {}, R.plural(nodes.length, "object") + (doc.objects.left_out ? ", and " + R.count(doc.objects.left_out) + " more" : "") + "."), R.el("div", { class: "objects" }, inside(0, [0])));
  }

  function theme() {
    const button = document.getElementById("theme"), root = document.documentElement;
    let dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const tell = () => { button.textContent = dark ? "Light" : "Dark"; };
    button.addEventListener("click", () => { dark = !dark; root.dataset.theme = dark ? "dark" : "light"; tell(); if (R.repaint) R.repaint(); });
    tell();
  }

  R.start = async function () {
    theme();
    if (!window.DecompressionStream) throw new Error("this browser is too old to unpack the data of this page");
    const doc = R.doc = await R.unpack(document.getElementById("data").textContent);
    R.times.parsed = performance.now();
    document.getElementById("title").textContent = doc.title + (doc.second ? " ⇄ " + doc.second.title : "");
    summary(doc);
    if (doc.diff) difference(doc);
    const finished = doc.tensors ? new Promise((resolve) => { R.loaded = resolve; }) : null;
    if (doc.tensors) {
      R.treemap(doc, doc.tensors.name.map((name, i) => doc.tensors.path[i] || name), (i) => R.open(i));
      R.tensors(doc, (i) => R.open(i));
      R.details(doc);
    }
    if (doc.whole) whole(doc);
    if (doc.verify) faults(doc);
    if (doc.objects) objects(doc);
    if (doc.graph) R.outline(doc);
    await finished;
    const chosen = doc.tensors ? R.find(location.hash) : -1;
    if (chosen >= 0) R.open(chosen);
    document.getElementById("state").remove();
    R.times.ready = performance.now();
  };
  R.start().catch((error) => { document.getElementById("state").textContent = "This page could not be drawn: " + error.message; throw error; });
})(window.R);
