"use strict";
// Words, numbers, tables and small pictures. Whatever comes from a file becomes a text node.
window.R = {};
(function (R) {
  R.el = function (tag, props, ...inside) {
    const svg = tag.startsWith("svg:");
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag);
    for (const [key, value] of Object.entries(props || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    for (const each of inside.flat(Infinity)) if (each !== null && each !== undefined) node.append(each);
    return node;
  };
  R.name = (text) => R.el("bdi", { class: "name" }, text);

  const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
  R.bytes = function (n) {
    let unit = 0;
    while (n >= 999.5 && unit < 5) { n /= 1000; unit++; }
    return (unit ? n.toFixed(n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2) : String(n)) + " " + UNITS[unit];
  };
  R.count = (n) => n.toLocaleString("en");
  R.plural = (n, noun) => R.count(n) + " " + noun + (n === 1 ? "" : "s");
  R.short = function (x) {
    if (x === null || x === undefined) return "";
    if (Number.isInteger(x) && Math.abs(x) < 1e6) return R.count(x);
    return String(Number(x.toPrecision(4)));
  };
  R.share = (part, whole) => whole ? (100 * part / whole).toFixed(part && part < whole / 10 ? 2 : 1) + " %" : "";

  // A table with a caption; numbers stand on the right. Rows are lists of texts, numbers and nodes.
  R.table = function (caption, heads, rows, most) {
    const shown = most ? rows.slice(0, most) : rows;
    const body = shown.map((row) => R.el("tr", {}, row.map((cell, i) => R.el(
      i ? "td" : "th", { scope: i ? null : "row", class: typeof cell === "number" ? "number" : null },
      typeof cell === "number" ? R.short(cell) : cell))));
    if (shown.length < rows.length) {
      body.push(R.el("tr", {}, R.el("td", { colspan: heads.length }, "and " + R.count(rows.length - shown.length) + " more")));
    }
    return R.el("div", { class: "scroll" }, R.el("table", {}, R.el("caption", {}, caption),
      R.el("thead", {}, R.el("tr", {}, heads.map((head) => R.el("th", { scope: "col" }, head)))),
      R.el("tbody", {}, body)));
  };
  R.fold = (title, ...inside) => R.el("details", {}, R.el("summary", {}, title), inside);
  R.section = function (id, title, ...inside) {
    const node = R.el("section", { id: id, "aria-labelledby": id + "-title" }, R.el("h2", { id: id + "-title" }, title), inside);
    document.getElementById("main").append(node);
    document.getElementById("sections").append(R.el("a", { href: "#" + id }, title));
    return node;
  };

  const LEVELS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  R.heights = (bins) => Array.from(bins || "", (char) => LEVELS.indexOf(char));

  // Histograms over each other: lists of heights. As one path each, since tables have many.
  R.histogram = function (series, label, small) {
    const top = 63, width = series[0].length * 10;
    const paths = series.map((heights, which) => {
      const d = heights.map((height, i) => height ? "M" + (i * 10 + 0.5) + " " + top + "v" + -height + "h9v" + height + "z" : "").join("");
      return R.el("svg:path", { d: d, class: "bars bars" + which });
    });
    return R.el("svg:svg", { viewBox: "0 0 " + width + " " + (top + 1), preserveAspectRatio: "none", class: small ? "spark" : "histogram", role: "img", "aria-label": label }, paths);
  };

  R.download = function (name, type, text) {
    const link = R.el("a", { href: URL.createObjectURL(new Blob([text], { type: type })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  R.copyable = function (title, text) {
    const said = R.el("span", { role: "status" });
    const copy = () => navigator.clipboard.writeText(text).then(() => { said.textContent = " copied"; }, () => { said.textContent = " select it and copy"; });
    return R.el("div", { class: "code" }, R.el("span", {}, title), R.el("code", {}, text), R.el("button", { type: "button", onclick: copy }, "Copy"), said);
  };

  R.unpack = async function (text) {
    const raw = atob(text.trim());
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };

  // What is meant by the box for names: /a regular expression/, a glob, or a part of the name.
  R.matcher = function (text) {
    if (!text) return () => true;
    const regex = /^\/(.+)\/$/.exec(text);
    if (regex) { const wanted = new RegExp(regex[1]); return (name) => wanted.test(name); }
    if (/[*?]/.test(text)) {
      const escaped = text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
      const wanted = new RegExp("^(?:" + escaped + ")$", "is");
      return (name) => wanted.test(name);
    }
    const part = text.toLowerCase();
    return (name) => name.toLowerCase().includes(part);
  };
})(window.R);
