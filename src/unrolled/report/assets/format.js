// Numbers, time stamps and elements.

const make = (tag, classes, ...children) => {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  node.append(...children); // strings become text nodes: nothing from the document is ever parsed as HTML
  return node;
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Milliseconds of a stamp's own wall clock, as if it were UTC: the chart runs in UTC mode, so a stamp is shown as it was given.
const instant = (stamp) => {
  const [, year, month, day, hour, minute, second, part] =
    /^(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?/.exec(stamp);
  const date = new Date(0);
  date.setUTCFullYear(+year, month - 1, +day);
  return date.getTime() + ((+(hour || 0) * 60 + +(minute || 0)) * 60 + +(second || 0)) * 1000 + Number(`0.${part || 0}`) * 1000;
};

// 2013-01-31T05:00:00+09:00 reads 2013-01-31 05:00+09:00: only a T and zero seconds go.
const stamped = (text) => String(text).replace("T", " ").replace(/^(\S+ \d\d:\d\d):00(?:\.0+)?(?!\d)/, "$1");

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// One way of writing all numbers of a chart: enough digits for four significant ones of the largest.
const writer = (values, more = 0) => {
  let most = 0;
  let whole = true;
  for (const value of values) {
    if (value === null) continue;
    most = Math.max(most, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  if (most >= 1e12 || (most > 0 && most < 1e-6)) return (value) => value.toExponential(3 + more);
  let digits = whole ? 0 : Math.min(12, Math.max(0, 4 - Math.ceil(Math.log10(most || 1)) + more));
  const exact = (places) => values.every((value) => value === null || Number(value.toFixed(places)) === value);
  while (digits && exact(digits - 1)) digits -= 1; // 0.5, not 0.5000
  const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (value) => format.format(value);
};
