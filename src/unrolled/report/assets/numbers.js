// A chart's numbers as rows: for its table, its CSV file and the keyboard's cursor.

const ROWS = 200; // rows that a table shows; the CSV file has all

// One column a series, of a band one for each of its ends: [{s: which series, name, full: the whole name, x, y}].
const columnsOf = (spec) =>
  spec.series.flatMap((one, s) => {
    const column = (y, end) => ({ s, name: one.name + end, full: (one.full || one.name) + end, x: one.x || spec.x.values, y });
    return one.low ? [column(one.low, " (low)"), column(one.y, " (high)")] : [column(one.y, "")];
  });

// [{x: as given, at: its place on the axis, y: one a column}], ordered by place.
const rowsOf = (spec, columns, place) => {
  if (spec.series.every((one) => !one.x)) return spec.x.values.map((value, i) => ({ x: value, at: place(value, i), y: columns.map((one) => one.y[i]) }));
  const rows = new Map();
  columns.forEach((one, c) => {
    one.x.forEach((value, i) => {
      if (!rows.has(value)) rows.set(value, { x: value, at: place(value, i), y: columns.map(() => null) });
      rows.get(value).y[c] = one.y[i];
    });
  });
  return [...rows.values()].sort((a, b) => a.at - b.at);
};

const tableOf = (spec, columns, rows) => {
  const write = writer(columns.flatMap((one) => one.y), 2);
  const head = [spec.x.label || "x", ...columns.map((one) => one.name)];
  const cells = (row) => row.y.map((y) => make("td", "right", y === null ? "–" : write(y)));
  const table = make(
    "table",
    "",
    make("thead", "", make("tr", "", ...head.map((text, i) => make("th", i ? "right" : "", make("bdi", "", text))))),
    make("tbody", "", ...rows.slice(0, ROWS).map((row) => make("tr", "", make("th", "", make("bdi", "", cut(stamped(row.x), 96))), ...cells(row)))),
  );
  const box = make("div", "scroll tall", table);
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `${spec.title}: data`);
  return box;
};

const csvOf = (spec, columns, rows) => {
  const quoted = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const lines = [[spec.x.label || "x", ...columns.map((one) => one.full)]];
  for (const row of rows) lines.push([row.x, ...row.y.map((y) => (y === null ? "" : y))]);
  return lines.map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
};

const save = (text, name) => {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
