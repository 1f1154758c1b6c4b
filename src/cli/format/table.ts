/** Plain columns: no borders, three spaces between, as docker and kubectl. */

const GAP = 3;

/**
 * Lays out `rows` under `header`; an empty last column leaves no blanks.
 * @returns lines, without line feeds
 */
export function tableLines(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [header, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
    });
  }
  return all.map((row) => layOut(row, widths));
}

function layOut(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, column) => {
    if (column === row.length - 1) return cell;
    const missing = (widths[column] ?? 0) - displayWidth(cell);
    return cell + " ".repeat(missing + GAP);
  });
  return cells.join("").trimEnd();
}

/** Columns on a terminal: wide characters count twice, marks not at all. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x300) width++;
    else if (/\p{Mark}/u.test(char)) continue;
    else width += isWide(code) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
}
