// A chart's numbers as rows: for its table, its CSV file and the keyboard's cursor.

const ROWS = 200; // rows that a table shows; the CSV file has all

// [{x: as given, at: its place on the axis, y: one a series}], ordered by place.
const rowsOf = (spec, place) => {
  const { series, x } = spec;
  if (series.every((one) => !one.x)) return x.values.map((value, i) => ({ x: value, at: place(value, i), y: series.map((one) => one.y[i]) }));
  const rows = new Map();
  series.forEach((one, s) => {
    (one.x || x.values).forEach((value, i) => {
      if (!rows.has(value)) rows.set(value, { x: value, at: place(value, i), y: series.map(() => null) });
      rows.get(value).y[s] = one.y[i];
    });
  });
  return [...rows.values()].sort((a, b) => a.at - b.at);
};

const tableOf = (spec, rows) => {
  const write = writer(spec.series.flatMap((one) => one.y), 2);
  const head = [spec.x.label || "x", ...spec.series.map((one) => one.name)];
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

const csvOf = (spec, rows) => {
  const quoted = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const lines = [[spec.x.label || "x", ...spec.series.map((one) => one.full || one.name)]];
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
