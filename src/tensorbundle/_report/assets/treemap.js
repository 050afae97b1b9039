"use strict";
// Sizes as a map of scopes: boxes of boxes on a canvas, entered by click or key, and as a table.
(function (R) {
  const HEIGHT = 380, HEAD = 16, LEAST = 2;
  const PALETTE = ["#4e79a7", "#e08a2e", "#59a14f", "#c5504e", "#5aa7a3", "#b99a1d", "#9b6a97", "#8c6d5a"];

  // A tree of scopes: `inside` by name, or a tensor. A tensor whose name others go on from is a box
  // of its own beside them, under a name that no scope has.
  function grow(data, paths) {
    const make = (name, above, tensor) => ({ name: name, above: above, tensor: tensor, inside: null });
    const put = (scope, key, box) => { (scope.inside = scope.inside || new Map()).set(key, box); return box; };
    const root = make("all", null, -1);
    paths.forEach((path, i) => {
      let scope = root;
      for (const part of path.split("/")) {
        if (scope.tensor >= 0) { put(scope, "\0", make(scope.name, scope, scope.tensor)); scope.tensor = -1; }
        scope = (scope.inside && scope.inside.get(part)) || put(scope, part, make(part, scope, -1));
      }
      if (scope.inside || scope.tensor >= 0) put(scope, "\0" + i, make(scope.name, scope, i));
      else scope.tensor = i;
    });
    return d3.hierarchy(root, (scope) => scope.inside && [...scope.inside.values()])
      .sum((scope) => scope.tensor >= 0 ? Math.max(data.nbytes[scope.tensor], 1) : 0)
      .sort((a, b) => b.value - a.value);
  }

  const LOW = [86, 136, 190], HIGH = [196, 62, 82];
  function ramp(share) {
    const at = Math.max(0, Math.min(1, share));
    return "rgb(" + LOW.map((low, i) => Math.round(low + (HIGH[i] - low) * at)).join(" ") + ")";
  }

  // Ways to colour: each gives a colour for a tensor, and says what colours mean.
  function colours(doc) {
    const data = doc.tensors, values = doc.values, found = {};
    const dtypes = data.dtype;
    found.dtype = {
      of: (i) => PALETTE[dtypes.places[i] % PALETTE.length],
      legend: dtypes.words.map((word, i) => [PALETTE[i % PALETTE.length], word]),
    };
    if (values) {
      const logs = values.std.map((x) => x > 0 ? Math.log10(x) : null);
      let least = Infinity, most = -Infinity;
      for (const x of logs) if (x !== null) { least = Math.min(least, x); most = Math.max(most, x); }
      if (least < Infinity) {
        found["standard deviation"] = {
          of: (i) => logs[i] === null ? "#999" : ramp((logs[i] - least) / (most - least || 1)),
          legend: [[ramp(0), R.short(10 ** least)], [ramp(1), R.short(10 ** most)], ["#999", "constant, or no numbers"]],
        };
      }
      found["share of zeros"] = {
        of: (i) => values.zeros[i] === null ? "#999" : ramp(values.zeros[i] / data.size[i]),
        legend: [[ramp(0), "none"], [ramp(1), "all"], ["#999", "no numbers"]],
      };
    }
    if (doc.diff) {
      const hue = { added: "#59a14f", removed: "#c5504e", "renamed here": "#b99a1d", renamed: "#b99a1d", incomplete: "#9b6a97" };
      found.change = {
        of: (i) => {
          const change = doc.diff.changes[i];
          if (!change) return "#999";
          return hue[change.kind] || (change.relative === undefined || change.relative === null ? "#4e79a7" : ramp(1 + Math.log10(change.relative + 1e-9) / 6));
        },
        legend: [["#999", "the same"], [hue.added, "added"], [hue.removed, "removed"], [hue.renamed, "renamed"], [ramp(0), "changed a little"], [ramp(1), "changed a lot"]],
      };
    }
    return found;
  }

  function pathOf(node) {
    if (node.data.tensor >= 0) return R.title(node.data.tensor);
    return node.ancestors().reverse().slice(1).map((each) => each.data.name).join("/") || "all";
  }

  R.treemap = function (doc, paths, open) {
    const root = grow(doc.tensors, paths);
    const modes = colours(doc);
    let mode = doc.diff ? "change" : "dtype", top = root, boxes = [], chosen = -1;
    const canvas = R.el("canvas", { tabindex: 0, role: "application", "aria-label": "Map of sizes. Arrow keys choose a box, Enter goes in, Escape goes out. The table below says the same." });
    const trail = R.el("p", { class: "trail" }), said = R.el("p", { class: "said", "aria-live": "polite" });
    const legend = R.el("p", { class: "legend" }), under = R.el("div");
    const select = R.el("select", { onchange: () => { mode = select.value; draw(); } }, Object.keys(modes).map((key) => R.el("option", { value: key, selected: key === mode }, key)));
    const section = R.section("sizes", "Sizes", trail, R.el("label", {}, "Colour by ", select), legend, canvas, said, under);
    const single = (node) => node.children && node.children.length === 1;

    function go(node) {
      while (node !== root && single(node) && node.children[0].children) node = node.children[0];
      top = node; chosen = -1;
      const way = top.ancestors().reverse();
      trail.replaceChildren(...way.map((each) => each === top ? R.el("b", {}, R.name(each.data.name)) : R.el("button", { type: "button", onclick: () => go(each) }, R.name(each.data.name))));
      const rows = (top.children || [top]).map((each) => [
        R.el("button", { type: "button", class: "link", onclick: () => enter(each) }, R.name(each.data.name)), each.leaves().length, R.bytes(each.value), R.share(each.value, top.value)]);
      under.replaceChildren(R.fold("The same as a table", R.table("Sizes in " + pathOf(top), ["name", "tensors", "bytes", "share"], rows, 500)));
      layout();
    }
    function enter(node) { if (node.children) go(node); else open(node.data.tensor); }

    function layout() {
      const width = Math.max(300, section.clientWidth - 2);
      const ratio = window.devicePixelRatio || 1;
      canvas.width = width * ratio; canvas.height = HEIGHT * ratio;
      canvas.style.width = width + "px"; canvas.style.height = HEIGHT + "px";
      const part = top.depth ? top.copy() : top;  // whose depth must be none
      d3.treemap().size([width, HEIGHT]).paddingInner(1).paddingOuter(1)
        .paddingTop((node) => node.depth && node.children && node.y1 - node.y0 > 3 * HEAD ? HEAD : 1)(part);
      boxes = [];
      const origin = [part, top], stack = [origin];
      while (stack.length) {
        const [box, node] = stack.pop();
        if (box !== part) boxes.push({ x: box.x0, y: box.y0, w: box.x1 - box.x0, h: box.y1 - box.y0, depth: box.depth, node: node });
        if (box.children) box.children.forEach((child, i) => {
          if (child.x1 - child.x0 >= LEAST && child.y1 - child.y0 >= LEAST) stack.push([child, node.children[i]]);
        });
      }
      draw();
    }

    function largest(node) { while (node.children) node = node.children[0]; return node.data.tensor; }

    function draw() {
      const context = canvas.getContext("2d"), ratio = window.devicePixelRatio || 1;
      const style = getComputedStyle(canvas);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, canvas.width, HEIGHT);
      context.textBaseline = "middle";
      context.font = "12px " + style.fontFamily;
      for (const box of boxes) {
        const leaf = !box.node.children;
        const hidden = !leaf && (box.w < 3 * LEAST || box.h < 3 * LEAST);
        context.fillStyle = leaf || hidden ? modes[mode].of(largest(box.node)) : style.backgroundColor;
        context.fillRect(box.x, box.y, box.w, box.h);
        if (!leaf) { context.strokeStyle = style.borderTopColor; context.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1); }
        if (box.w > 34 && box.h > 13) {
          context.save();
          context.beginPath(); context.rect(box.x, box.y, box.w - 3, box.h); context.clip();
          context.fillStyle = leaf ? "#fff" : style.color;
          context.fillText(box.node.data.name, box.x + 4, leaf ? box.y + box.h / 2 : box.y + HEAD / 2 + 1);
          context.restore();
        }
      }
      if (chosen >= 0) {
        const box = boxes[chosen];
        context.strokeStyle = style.outlineColor; context.lineWidth = 3;
        context.strokeRect(box.x + 1.5, box.y + 1.5, box.w - 3, box.h - 3);
        context.lineWidth = 1;
      }
      legend.replaceChildren(...modes[mode].legend.map(([colour, word]) => {
        const key = R.el("span", { class: "key" }); key.style.background = colour;
        return R.el("span", {}, key, " ", word, "  ");
      }));
    }

    function tell(node) {
      said.replaceChildren(R.name(pathOf(node)), ": " + R.bytes(node.value) + ", " + R.share(node.value, top.value) + (node.children ? ", " + R.plural(node.leaves().length, "tensor") : ""));
    }
    function at(event) {
      const frame = canvas.getBoundingClientRect(), x = event.clientX - frame.left, y = event.clientY - frame.top;
      let found = null;
      for (const box of boxes) if (x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h && (!found || box.depth > found.depth)) found = box;
      return found;
    }
    canvas.addEventListener("mousemove", (event) => { const box = at(event); if (box) tell(box.node); });
    canvas.addEventListener("click", (event) => {
      const box = at(event);
      if (!box) return;
      let node = box.node;
      while (node.parent && node.parent !== top) node = node.parent;  // one step at a time
      enter(node.children ? node : box.node);
    });
    canvas.addEventListener("keydown", (event) => {
      const first = boxes.map((box, i) => [box, i]).filter(([box]) => box.depth === 1).sort((a, b) => b[0].node.value - a[0].node.value).map(([, i]) => i);
      const place = first.indexOf(chosen);
      if (event.key === "ArrowRight" || event.key === "ArrowDown") chosen = first[(place + 1) % first.length];
      else if (event.key === "ArrowLeft" || event.key === "ArrowUp") chosen = first[(place - 1 + first.length) % first.length];
      else if (event.key === "Enter" && chosen >= 0) { enter(boxes[chosen].node); event.preventDefault(); return; }
      else if ((event.key === "Escape" || event.key === "Backspace") && top.parent) { go(top.parent); event.preventDefault(); return; }
      else return;
      event.preventDefault();
      if (chosen >= 0 && boxes[chosen]) { draw(); tell(boxes[chosen].node); }
    });
    let timer = 0;
    window.addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(layout, 150); });
    R.repaint = draw;
    go(root);
  };
})(window.R);
