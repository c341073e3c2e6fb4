// Numbers and times as people read them, in the language of the browser.

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86400;
const STEP = 1000;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

const NUMBER = new Intl.NumberFormat();
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** Return a whole number with its thousands apart. */
export function count(value) {
  return NUMBER.format(value);
}

/** Return "1 job", "2 jobs". */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Return a share of 0 to 1 as "42 %". */
export function percent(share, digits = 0) {
  return `${(share * 100).toFixed(digits)} %`;
}

/** Return bytes as "1.4 MB". */
export function bytes(value) {
  let power = 0;
  let left = value;
  while (left >= STEP && power < UNITS.length - 1) {
    left /= STEP;
    power += 1;
  }
  return `${power === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${UNITS[power]}`;
}

/** Return seconds as "4.2 s", "3 min 5 s", "2 h 10 min", "7 days". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE_S) return `${whole} s`;
  if (whole < HOUR_S) return pair(whole, MINUTE_S, "min", 1, "s");
  if (whole < 2 * DAY_S) return pair(whole, HOUR_S, "h", MINUTE_S, "min");
  return `${Math.round(whole / DAY_S)} days`;
}

function pair(value, large, largeName, small, smallName) {
  const rest = Math.floor((value % large) / small);
  return `${Math.floor(value / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** Return seconds as a clock shows them: "0:04", "1:02:09". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / HOUR_S), Math.floor((whole % HOUR_S) / MINUTE_S), whole % MINUTE_S];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** Return an ISO time as a date and a time of day. */
export function moment(iso) {
  return iso ? TIME.format(new Date(iso)) : "";
}

/** Return how long ago an ISO time was: "3 minutes ago"; older than a week it is the date. */
export function ago(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / STEP;
  const past = Math.abs(seconds);
  if (past < 45) return "just now";
  if (past < HOUR_S) return RELATIVE.format(Math.round(seconds / MINUTE_S), "minute");
  if (past < DAY_S) return RELATIVE.format(Math.round(seconds / HOUR_S), "hour");
  if (past < 7 * DAY_S) return RELATIVE.format(Math.round(seconds / DAY_S), "day");
  return moment(iso);
}
