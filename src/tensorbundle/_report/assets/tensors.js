"use strict";
// The table of tensors: sorted, filtered, layers folded under one name and slots under variables.
(function (R) {
  const FOLDED = 3;  // layers of one kind, from which on they are folded
  const MULTIPLES = 5;  // histograms of layers beside each other

  function rowsOf(doc) {
    const data = doc.tensors, values = doc.values || {}, changes = doc.diff ? doc.diff.changes : {};
    return data.name.map((name, i) => {
      const change = changes[i] || {};
      const row = {
        id: i, name: data.path[i] === undefined ? name : data.path[i], dtype: data.dtype.words[data.dtype.places[i]], shape: data.shape.words[data.shape.places[i]],
        size: data.size[i], nbytes: data.nbytes[i], shard: data.shard[i], count: 1, flags: R.flags(doc, i),
      };
      if (doc.values) {
        for (const key of ["min", "max", "mean", "std"]) row[key] = values[key][i];
        row.zeros = values.zeros[i] === null || !data.size[i] ? null : values.zeros[i] / data.size[i];
      }
      if (doc.diff) {
        row.change = change.kind || "same";
        row.gap = change.max; row.rms = change.rms; row.cosine = change.cosine;
      }
      return row;
    });
  }

  // What is worth a look: each with why.
  R.flags = function (doc, i) {
    const found = [], values = doc.values;
    if (doc.unread && doc.unread[i] !== undefined) found.push("unreadable");
    if (values && values.nan[i]) found.push("NaN");
    if (values && values.inf[i]) found.push("Inf");
    if (values && doc.tensors.size[i] > 1 && values.zeros[i] === doc.tensors.size[i]) found.push("all zero");
    else if (values && doc.tensors.size[i] - values.nan[i] - values.inf[i] > 1 && values.min[i] !== null && values.min[i] === values.max[i]) found.push("constant");
    return found;
  };

  function tree(doc, rows, folded) {
    const data = doc.tensors, tops = [];
    for (const row of rows) delete row._children;
    for (const row of rows) {
      const owner = data.owner[row.id];
      if (owner !== undefined) row.kind = "optimizer";
      if (owner === undefined || owner === row.id || data.owner[owner] !== undefined) tops.push(row);
      else (rows[owner]._children = rows[owner]._children || []).push(row);
    }
    if (!folded) return tops;
    const groups = new Map();
    for (const row of tops) {
      const place = data.layer.places[row.id];
      if (!groups.has(place)) groups.set(place, []);
      groups.get(place).push(row);
    }
    const found = [];
    for (const [place, members] of groups) {
      if (members.length < FOLDED) { found.push(...members); continue; }
      const same = (key) => members.every((row) => row[key] === members[0][key]) ? members[0][key] : "various";
      const sum = (key) => members.reduce((total, row) => total + row[key], 0);
      const group = { id: "layer" + place, name: data.layer.words[place], dtype: same("dtype"), shape: same("shape"), size: sum("size"), nbytes: sum("nbytes"), count: members.length, flags: [...new Set(members.flatMap((row) => row.flags))], _children: members };
      if (doc.values) {
        const numbers = (key) => members.map((row) => row[key]).filter((x) => x !== null);
        const fold = (key, by) => numbers(key).length ? numbers(key).reduce(by) : null;
        group.min = fold("min", (a, b) => Math.min(a, b)); group.max = fold("max", (a, b) => Math.max(a, b));
        group.zeros = sum("size") ? members.reduce((total, row) => total + (row.zeros || 0) * row.size, 0) / sum("size") : null;
        group.mean = group.std = null;
      }
      if (doc.diff) {
        group.change = members.every((row) => row.change === "same") ? "same" : R.count(members.filter((row) => row.change !== "same").length) + " differ";
        group.gap = members.reduce((most, row) => row.gap > (most || 0) ? row.gap : most, null);
      }
      found.push(group);
    }
    return found;
  }

  function columns(doc, open) {
    const label = (cell) => {
      const row = cell.getData(), inside = [];
      if (typeof row.id === "number") inside.push(R.el("a", { href: R.anchor(row.id), onclick: (event) => { event.preventDefault(); open(row.id); } }, R.name(row.name)));
      else inside.push(R.name(row.name), R.el("span", { class: "badge" }, R.count(row.count) + " ×"));
      for (const flag of row.flags) inside.push(R.el("span", { class: "badge bad" }, flag));
      return R.el("span", {}, inside);
    };
    const text = (key) => (cell) => document.createTextNode(cell.getValue() === null || cell.getValue() === undefined ? "" : String(cell.getValue()));
    const number = (show) => (cell) => document.createTextNode(cell.getValue() === null || cell.getValue() === undefined ? "" : show(cell.getValue()));
    const numeric = { hozAlign: "right", headerHozAlign: "right", sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, headerSortStartingDir: "desc" };
    const plain = (key) => R.matcher && { title: key, field: key, formatter: text(key), sorter: "string" };
    const found = [
      { title: "name", field: "name", formatter: label, sorter: "string", widthGrow: 4, minWidth: 260 },
      { ...plain("dtype"), minWidth: 80 }, { ...plain("shape"), minWidth: 100 },
      { title: "elements", field: "size", formatter: number(R.count), ...numeric, minWidth: 112 },
      { title: "bytes", field: "nbytes", formatter: number(R.bytes), ...numeric, minWidth: 85 },
    ];
    if (doc.diff) found.push({ ...plain("change"), minWidth: 95 },
      { title: "max |b−a|", field: "gap", formatter: number(R.short), ...numeric, minWidth: 95 },
      { title: "rms", field: "rms", formatter: number(R.short), ...numeric, minWidth: 85 },
      { title: "cosine", field: "cosine", formatter: number((x) => x.toFixed(5)), ...numeric, minWidth: 85 });
    if (doc.values) {
      // Of two compared, how they differ is wanted more.
      for (const key of doc.diff ? [] : ["mean", "std", "min", "max"]) found.push({ title: key, field: key, formatter: number(R.short), ...numeric, minWidth: 88 });
      if (!doc.diff) found.push({ title: "zeros", field: "zeros", formatter: number((x) => R.share(x, 1)), ...numeric, minWidth: 75 });
      found.push({ title: "values", field: "id", headerSort: false, minWidth: 110, formatter: (cell) => {
        const row = cell.getData(), all = doc.values.bins, members = typeof row.id === "number" ? [row] : row._children.filter((each) => all[each.id]).slice(0, MULTIPLES);
        return R.el("span", { class: "sparks" }, members.filter((each) => all[each.id]).map((each) => R.histogram([R.heights(all[each.id])], "histogram of " + each.name, true)));
      } });
    }
    if (doc.tensors.shard.some((shard) => shard)) found.push({ title: "shard", field: "shard", formatter: number(String), ...numeric, minWidth: 65 });
    return found;
  }

  R.tensors = function (doc, open) {
    const data = doc.tensors, rows = rowsOf(doc);
    const field = (title, props) => { const box = R.el("input", props); return [R.el("label", {}, title + " ", box), box]; };
    const [nameLabel, nameBox] = field("Name", { type: "search", id: "filter", placeholder: "part, glob* or /regex/", size: 26, oninput: later });
    const [shapeLabel, shapeBox] = field("Shape", { type: "search", placeholder: "3×3×*", size: 9, oninput: later });
    const [foldLabel, foldBox] = field("Fold layers", { type: "checkbox", checked: true, onchange: () => load() });
    const select = (title, words) => { const box = R.el("select", { onchange: () => filter() }, R.el("option", { value: "" }, "all"), words.map((word) => R.el("option", {}, word))); return [R.el("label", {}, title + " ", box), box]; };
    const [dtypeLabel, dtypeBox] = select("Dtype", data.dtype.words);
    const kinds = ["model", "optimizer", "flagged"].concat(doc.diff ? ["different"] : []);
    const [kindLabel, kindBox] = select("Show", kinds);
    const said = R.el("span", { role: "status", id: "matches" });
    const csv = R.el("button", { type: "button", onclick: () => save("csv") }, "CSV"), json = R.el("button", { type: "button", onclick: () => save("json") }, "JSON");
    const place = R.el("div", { id: "table" }), print = R.el("div", { class: "print-only" });
    R.section("tensors", "Tensors", R.el("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, nameLabel, dtypeLabel, shapeLabel, kindLabel, foldLabel, csv, json, said), place, print);
    let hits = rows.map(() => true), timer = 0;
    const start = performance.now();
    tree(doc, rows, false);
    const table = new Tabulator(place, {
      data: tree(doc, rows, true), columns: columns(doc, open), index: "id", maxHeight: 560, rowHeight: 30,
      layout: "fitColumns", dataTree: true, dataTreeChildField: "_children", dataTreeSort: true, dataTreeFilter: true,
      dataTreeExpandElement: "<button type='button' class='tree-toggle' aria-label='open'>+</button>",
      dataTreeCollapseElement: "<button type='button' class='tree-toggle' aria-label='close'>−</button>",
      initialSort: [{ column: doc.diff ? "gap" : "nbytes", dir: "desc" }], placeholder: "No tensor is like that.", columnDefaults: { headerWordWrap: false, tooltip: false },
    });
    table.on("tableBuilt", () => { R.times.table = performance.now() - start; tell(); R.loaded(); });

    function later() { clearTimeout(timer); timer = setTimeout(filter, 120); }
    function tell() {
      let count = 0, size = 0, nbytes = 0;
      hits.forEach((hit, i) => { if (hit) { count++; size += data.size[i]; nbytes += data.nbytes[i]; } });
      said.textContent = R.plural(count, "tensor") + ", " + R.plural(size, "element") + ", " + R.bytes(nbytes);
    }
    function any(row) { return (typeof row.id === "number" && hits[row.id]) || (row._children || []).some(any); }
    function filter() {
      const begin = performance.now();
      let name, shape;
      try { name = R.matcher(nameBox.value.trim()); shape = R.matcher(shapeBox.value.trim().replace(/x/g, "×")); nameBox.setCustomValidity(""); }
      catch (error) { nameBox.setCustomValidity(error.message); nameBox.reportValidity(); return; }
      const dtype = dtypeBox.value, kind = kindBox.value;
      hits = rows.map((row) => (!dtype || row.dtype === dtype) && shape(row.shape)
        && (name(row.name) || (data.path[row.id] !== undefined && name(data.name[row.id])))
        && (!kind || (kind === "flagged" ? row.flags.length > 0 : kind === "different" ? row.change !== "same" : (row.kind === "optimizer") === (kind === "optimizer"))));
      const some = hits.includes(false);
      if (some) table.setFilter(any); else table.clearFilter();
      if (some && hits.filter(Boolean).length <= 100) expand();
      tell();
      R.times.filter = performance.now() - begin;
    }
    function expand() {
      const active = table.getRows("active").slice(0, 100);
      for (const row of active) if ((row.getData()._children || []).some(any) && !row.isTreeExpanded()) row.treeExpand();
    }
    function load() {
      table.replaceData(tree(doc, rows, foldBox.checked)).then(filter);
    }
    function save(kind) {
      const shown = rows.filter((row) => hits[row.id]).map((row) => {
        const { id, count, _children, flags, ...facts } = row;
        return { ...facts, offset: data.offset[id], crc32c: data.crc32c[id], flags: flags.join(" ") };
      });
      if (kind === "json") { R.download("tensors.json", "application/json", JSON.stringify(shown, null, 1)); return; }
      const heads = Object.keys(shown[0] || {});
      // What a spreadsheet would take for a formula is text.
      const cell = (value) => { const text = value === null || value === undefined ? "" : String(value); return '"' + (typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? "'" : "") + text.replace(/"/g, '""') + '"'; };
      R.download("tensors.csv", "text/csv", [heads, ...shown.map((row) => heads.map((head) => row[head]))].map((row) => row.map(cell).join(",")).join("\r\n"));
    }
    window.addEventListener("beforeprint", () => {
      const shown = rows.filter((row) => hits[row.id]).sort((a, b) => b.nbytes - a.nbytes);
      print.replaceChildren(R.table("Tensors, largest first", ["name", "dtype", "shape", "bytes", "mean", "std"], shown.map((row) => [R.name(row.name), row.dtype, row.shape, R.bytes(row.nbytes), R.short(row.mean), R.short(row.std)]), 2000));
    });
    window.addEventListener("afterprint", () => print.replaceChildren());
    R.table_of_tensors = table;
    R.filter = (text) => { nameBox.value = text; filter(); };
  };
})(window.R);
