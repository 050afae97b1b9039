"use strict";
// A graph, scope by scope: boxes in the order of computation, entered by click or key.
(function (R) {
  const WIDTH = 158, HEIGHT = 36, ACROSS = 214, DOWN = 48, MOST = 60, ALIKE = 5, FOLD = 12, ENDS = 5;

  // The boxes of a scope: inner scopes, and operations; many of one kind are one box.
  function boxesOf(graph, scope, inside) {
    const depth = scope ? scope.length + 1 : 0, boxes = new Map(), of = new Int32Array(graph.name.length).fill(-1);
    const add = (key, make) => { if (!boxes.has(key)) boxes.set(key, { key: key, nodes: [], ...make() }); return boxes.get(key); };
    const scopes = new Set();
    for (const i of inside) { const rest = graph.name[i].slice(depth), cut = rest.indexOf("/"); if (cut > 0) scopes.add(rest.slice(0, cut)); }
    const alike = new Map(), folds = new Map();
    const pattern = (name) => name.replace(/\d+/g, "#");
    for (const each of scopes) folds.set(pattern(each), (folds.get(pattern(each)) || 0) + 1);
    for (const i of inside) { const rest = graph.name[i].slice(depth); if (!rest.includes("/") && !scopes.has(rest)) alike.set(graph.op.places[i], (alike.get(graph.op.places[i]) || 0) + 1); }
    for (const i of inside) {
      const rest = graph.name[i].slice(depth), cut = rest.indexOf("/"), first = cut > 0 ? rest.slice(0, cut) : rest, op = graph.op.words[graph.op.places[i]];
      if (scopes.has(first)) {
        const many = folds.get(pattern(first)) > FOLD;
        add(many ? "fold " + pattern(first) : "scope " + first, () => ({ title: many ? pattern(first) : first, scope: many ? null : (scope ? scope + "/" : "") + first, members: new Map() })).nodes.push(i);
        if (many) boxes.get("fold " + pattern(first)).members.set(first, (scope ? scope + "/" : "") + first);
      } else if (alike.get(graph.op.places[i]) > ALIKE) add("op " + op, () => ({ title: op, op: op })).nodes.push(i);
      else add("node " + i, () => ({ title: rest, op: op, node: i })).nodes.push(i);
    }
    let found = [...boxes.values()].sort((a, b) => b.nodes.length - a.nodes.length);
    if (found.length > MOST) {
      const others = found.splice(MOST - 1);
      found.push({ key: "others", title: "others", nodes: others.flatMap((box) => box.nodes), others: others.length });
    }
    found.forEach((box, number) => box.nodes.forEach((i) => { of[i] = number; }));
    return [found, of];
  }

  function connect(graph, boxes, of, inside, users) {
    const edges = new Map(), outside = { from: new Map(), to: new Map() };
    const join = (a, b) => { if (a !== b) { const key = a * 4096 + b; edges.set(key, (edges.get(key) || 0) + 1); } };
    const end = (kind, name, box) => { const all = outside[kind]; if (!all.has(name)) all.set(name, []); all.get(name).push(box); };
    const head = (i) => graph.name[i].split("/")[0];
    for (const i of inside) {
      for (const source of graph.edges[i]) { if (of[source] >= 0) join(of[source], of[i]); else end("from", head(source), of[i]); }
      for (const user of users[i]) if (of[user] < 0) end("to", head(user), of[i]);
    }
    for (const kind of ["from", "to"]) {
      const names = [...outside[kind]].sort((a, b) => b[1].length - a[1].length);
      names.slice(0, ENDS).forEach(([name, others]) => {
        boxes.push({ key: kind + name, title: name, nodes: [], end: kind });
        for (const other of others) if (kind === "from") join(boxes.length - 1, other); else join(other, boxes.length - 1);
      });
    }
    return [...edges].map(([key, count]) => ({ a: Math.floor(key / 4096), b: key % 4096, count: count }));
  }

  // Columns by the longest way from the beginning; an edge that closes a circle does not count.
  function arrange(boxes, edges) {
    const next = boxes.map(() => []), state = new Int8Array(boxes.length), order = [], back = new Set();
    edges.forEach((edge, n) => next[edge.a].push([edge.b, n]));
    for (let start = 0; start < boxes.length; start++) {
      if (state[start]) continue;
      const stack = [[start, 0]]; state[start] = 1;
      while (stack.length) {
        const top = stack[stack.length - 1], [box, at] = top;
        if (at === next[box].length) { state[box] = 2; order.push(box); stack.pop(); continue; }
        top[1]++;
        const [to, n] = next[box][at];
        if (state[to] === 1) back.add(n); else if (!state[to]) { state[to] = 1; stack.push([to, 0]); }
      }
    }
    const rank = new Int32Array(boxes.length);
    for (const box of order.reverse()) for (const [to, n] of next[box]) if (!back.has(n)) rank[to] = Math.max(rank[to], rank[box] + 1);
    const columns = [];
    boxes.forEach((box, i) => { (columns[rank[i]] = columns[rank[i]] || []).push(i); });
    const row = new Float64Array(boxes.length);
    for (let sweep = 0; sweep < 4; sweep++) {
      columns.forEach((column) => {
        const mean = new Map(column.map((i) => {
          const near = edges.filter((edge) => edge.a === i || edge.b === i).map((edge) => row[edge.a === i ? edge.b : edge.a]);
          return [i, sweep && near.length ? near.reduce((x, y) => x + y, 0) / near.length : row[i]];
        }));
        column.sort((i, j) => mean.get(i) - mean.get(j));
        column.forEach((i, at) => { row[i] = at - (column.length - 1) / 2; });
      });
    }
    const high = Math.max(...columns.map((column) => column.length));
    boxes.forEach((box, i) => { box.x = rank[i] * ACROSS + 6; box.y = (row[i] + (high - 1) / 2) * DOWN + 8; });
    return [columns.length * ACROSS - ACROSS + WIDTH + 12, high * DOWN + 8];
  }

  function drawing(boxes, edges, size, press) {
    const svg = R.el("svg:svg", { width: size[0], height: size[1], viewBox: "0 0 " + size[0] + " " + size[1], role: "group", "aria-label": "Drawing of this scope; the table below says the same" });
    for (const edge of edges) {
      const a = boxes[edge.a], b = boxes[edge.b], x = a.x + WIDTH, y = a.y + HEIGHT / 2, u = b.x, v = b.y + HEIGHT / 2;
      const bend = Math.max(30, Math.abs(u - x) / 2);
      svg.append(R.el("svg:path", { class: "edge", d: "M" + x + " " + y + "C" + (x + bend) + " " + y + " " + (u - bend) + " " + v + " " + u + " " + v, "stroke-width": Math.min(4, 1 + Math.log2(edge.count) / 2) }));
      svg.append(R.el("svg:path", { class: "arrow", d: "M" + u + " " + v + "l-7 -4v8z" }));
    }
    for (const box of boxes) {
      const said = describe(box), opens = press(box);
      const go = (event) => { if (event.type === "click" || event.key === "Enter" || event.key === " ") { event.preventDefault(); opens(); } };
      const cut = (text, most) => { const all = Array.from(text); return all.length > most ? all.slice(0, most - 1).join("") + "…" : text; };
      const g = R.el("svg:g", { class: "box" + (opens ? " opens" : "") + (box.end ? " end" : "") + (box.op ? " op" : "") + (box.role ? " " + box.role : ""), transform: "translate(" + box.x + " " + box.y + ")", tabindex: opens ? 0 : null, role: opens ? "button" : "img", "aria-label": box.title + ", " + said, onclick: opens ? go : null, onkeydown: opens ? go : null },
        R.el("svg:title", {}, box.title + ": " + said), R.el("svg:rect", { width: WIDTH, height: HEIGHT, rx: box.op ? 15 : 4 }),
        R.el("svg:text", { x: WIDTH / 2, y: 15 }, cut(box.title, 22)), R.el("svg:text", { x: WIDTH / 2, y: 29, class: "small" }, cut(said, 26)));
      svg.append(g);
    }
    return R.el("div", { class: "scroll drawing" }, svg);
  }

  function describe(box) { return (box.role ? box.role + ", " : "") + contents(box); }
  function contents(box) {
    if (box.end) return box.end === "from" ? "comes from outside" : "goes outside";
    if (box.node !== undefined) return box.op;
    if (box.members && box.members.size) return box.members.size + " scopes, " + R.plural(box.nodes.length, "node");
    return R.plural(box.nodes.length, "node");
  }

  R.outline = function (doc) {
    const all = doc.graph, tables = [];
    const facts = [["file", R.name(all.path)], ["kind", all.kind], ["nodes", all.nodes], ["functions", all.functions], ["written by TensorFlow", all.tensorflow]].filter((row) => row[1] !== "");
    const ends = (caption, rows, what) => rows.length ? R.table(caption, ["tensor", "dtype", "shape", what, "why"], rows.map((row) => [R.name(row[0]), ...row.slice(1)])) : null;
    tables.push(ends("Inputs", all.inputs, "role"), ends("Outputs", all.outputs, "operation"));
    if (all.unknown) tables.push(R.el("p", {}, "Inputs and outputs could not be told: " + all.unknown));
    if (all.signatures.length) {
      const list = (tensors) => R.el("span", {}, tensors.flatMap((each, i) => [i ? R.el("br") : null, R.name(each[0]), " = ", R.name(each[1]), " " + each[2]]));
      tables.push(R.table("Signatures", ["key", "inputs", "outputs", "method"], all.signatures.map((each) => [R.name(each[0]), list(each[1]), list(each[2]), each[3]])));
    }
    tables.push(R.fold("Operations", R.table("Operations, most frequent first", ["operation", "nodes"], all.ops.map((each) => [R.name(each[0]), each[1]]))));
    const which = R.el("select", { onchange: () => start(Number(which.value)) }, all.drawn.map((each, i) => R.el("option", { value: i }, each.title)));
    const trail = R.el("p", { class: "trail" }), place = R.el("div", { id: "drawing" });
    const chooser = all.drawn.length > 1 ? [R.el("label", {}, "Drawn: ", which)] : [];
    const note = all.functions_left_out ? R.el("p", {}, R.plural(all.functions_left_out, "function") + " more would make this page too large.") : null;
        const node = (tensor) => tensor.replace(/:\d+$/, ""), known = all.outputs.length > 0;
    const marked = { input: new Set(all.inputs.filter((row) => row[3] === "data").map((row) => node(row[0]))), output: new Set(all.outputs.map((row) => node(row[0]))) };
    const needed = R.el("input", { type: "checkbox", checked: known, onchange: () => start(Number(which.value)) });
    if (known) chooser.unshift(R.el("label", {}, needed, " only what the outputs need "));
    const variables = new Map(Object.entries(all.variables));
    let graph = null, users = [], kept = null;

    // What the outputs are computed from.
    function reached() {
      if (graph !== all.drawn[0] || !needed.checked) return null;
      const found = new Uint8Array(graph.name.length), queue = [];
      graph.name.forEach((name, i) => { if (marked.output.has(name)) { found[i] = 1; queue.push(i); } });
      for (const i of queue) for (const source of graph.edges[i]) if (!found[source]) { found[source] = 1; queue.push(source); }
      return queue.length ? found : null;
    }

    function start(number) {
      graph = all.drawn[number];
      if (graph.left_out) { trail.replaceChildren(); place.replaceChildren(R.el("p", {}, "Not drawn: " + R.plural(graph.left_out, "node") + " are more than this page should hold.")); return; }
      users = graph.name.map(() => []);
      kept = reached();
      graph.edges.forEach((sources, i) => { if (!kept || kept[i]) sources.forEach((source) => users[source].push(i)); });
      go("");
    }
    function go(scope, focus) {
      const inside = [];
      graph.name.forEach((name, i) => { if ((!kept || kept[i]) && (!scope || name === scope || name.startsWith(scope + "/"))) inside.push(i); });
      if (!inside.length) { place.replaceChildren(R.el("p", {}, "There is nothing to draw.")); return; }
      const [boxes, of] = boxesOf(graph, scope, inside);
      if (graph === all.drawn[0]) for (const box of boxes) for (const role of ["input", "output"]) if (box.nodes.some((i) => marked[role].has(graph.name[i]))) box.role = role;
      const inner = boxes.length, edges = connect(graph, boxes, of, inside, users);
      const press = (box) => {
        if (box.scope && box.scope !== scope) return () => go(box.scope, true);
        const name = box.node === undefined ? null : graph.name[box.node];
        if (name !== null && graph === all.drawn[0] && variables.has(name)) return () => R.open(variables.get(name));
        return null;
      };
      const parts = scope ? scope.split("/") : [];
      trail.replaceChildren(R.el("button", { type: "button", onclick: () => go("", true) }, graph.title), ...parts.map((part, i) => R.el("button", { type: "button", onclick: () => go(parts.slice(0, i + 1).join("/"), true) }, R.name(part))));
      const list = (numbers) => [...new Set(numbers)].map((n) => boxes[n].title).slice(0, 8).join(", ");
      const members = (box) => R.el("span", {}, [...box.members].slice(0, 500).flatMap(([name, path]) => [R.el("button", { type: "button", class: "link", onclick: () => go(path, true) }, R.name(name)), " "]));
      const rows = boxes.slice(0, inner).map((box, i) => [
        press(box) ? R.el("button", { type: "button", class: "link", onclick: press(box) }, R.name(box.title)) : box.members && box.members.size ? R.fold(box.title, members(box)) : R.name(box.title),
        describe(box), list(edges.filter((edge) => edge.b === i).map((edge) => edge.a)), list(edges.filter((edge) => edge.a === i).map((edge) => edge.b))]);
      const size = arrange(boxes, edges);
      place.replaceChildren(drawing(boxes, edges, size, press), R.fold("The same as a table", R.table("Scope " + (scope || graph.title), ["name", "holds", "after", "before"], rows)));
      if (focus) trail.lastElementChild.focus();
    }
    R.section("graph", "Graph", R.table("Facts", ["", "value"], facts), tables, R.el("p", {}, chooser), note, trail, place);
    start(0);
  };
})(window.R);
