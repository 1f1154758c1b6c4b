/** Sizes, ages and times as docker shows them to people. */

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** Three significant digits in powers of 1000: `1.23MB`, `789kB`, `0B`. */
export function humanSize(bytes: number): string {
  return significant(bytes, 3);
}

/** Four significant digits, as docker's disk usage: `1.234GB`. */
export function humanSizePrecise(bytes: number): string {
  return significant(bytes, 4);
}

function significant(bytes: number, digits: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  // What would be rounded up to a thousand goes to the next unit, too.
  while (
    Number(value.toPrecision(digits)) >= 1000 && unit < DECIMAL.length - 1
  ) {
    value /= 1000;
    unit++;
  }
  const sign = bytes < 0 ? "-" : "";
  return `${sign}${Number(value.toPrecision(digits))}${DECIMAL[unit]}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/** `About a minute`, `3 hours`, `2 weeks`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / MINUTE);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / HOUR);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (seconds < 2 * WEEK) return `${Math.floor(seconds / DAY)} days`;
  if (seconds < 2 * MONTH) return `${Math.floor(seconds / WEEK)} weeks`;
  if (seconds < 2 * YEAR) return `${Math.floor(seconds / MONTH)} months`;
  return `${Math.floor(seconds / YEAR)} years`;
}

/** `3 hours ago`; `N/A` for an unknown or zero time. */
export function humanAge(time: Date | undefined, now: Date): string {
  if (time === undefined || Number.isNaN(time.getTime())) return "N/A";
  // Reproducible builds carry the epoch, or year 1: that is no age.
  if (time.getTime() <= 0) return "N/A";
  const age = Math.max(0, now.getTime() - time.getTime());
  return `${humanDuration(age)} ago`;
}

/** Go's `2006-01-02 15:04:05 -0700 MST`, in UTC. */
export function humanTime(time: Date | undefined): string {
  if (time === undefined || Number.isNaN(time.getTime())) return "N/A";
  const [date, clock] = time.toISOString().split("T");
  return `${date} ${clock?.slice(0, 8)} +0000 UTC`;
}
