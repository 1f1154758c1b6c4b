import { joinBytes, rawEntries, rawPax, rawTar } from "./raw_tar.ts";
import type { HostileArchive } from "./tar_corpus.ts";

/** Sparse maps that point where no data may go; each must fail. */
export function hostileSparse(): HostileArchive[] {
  const map = (numbers: string, size: string) =>
    rawPax({ "GNU.sparse.size": size, "GNU.sparse.map": numbers });
  const eight = { name: "s", data: "12345678" };
  const archives = {
    "sparse parts that overlap": rawTar(map("0,4,2,4", "100"), eight),
    "sparse parts that descend": rawTar(map("50,4,0,4", "100"), eight),
    "sparse part past the end": rawTar(map("96,8", "100"), eight),
    "sparse part whose end overflows": rawTar(
      map("9007199254740990,8", "9007199254740991"),
      eight,
    ),
    "sparse part at a negative offset": rawTar(map("-8,8", "100"), eight),
    "sparse map with too much data": rawTar(map("0,80", "100"), eight),
    "sparse map with too little data": rawTar(map("0,4", "100"), eight),
    "sparse map that ends in a pair": rawTar(map("0,8,50", "100"), eight),
    "sparse map of words": rawTar(map("a,b", "100"), eight),
    "sparse map without a size": rawTar(
      rawPax({ "GNU.sparse.map": "0,8" }),
      eight,
    ),
    "sparse lengths without offsets": rawTar(
      rawPax([["GNU.sparse.size", "9"], ["GNU.sparse.numbytes", "8"]]),
      eight,
    ),
    "sparse format of the future": rawTar(
      rawPax({
        "GNU.sparse.major": "9",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "100",
      }),
      eight,
    ),
    "sparse map in the data without end": textMap(
      "9999999\n" + "0\n".repeat(200),
    ),
    "sparse map in the data of words": textMap("one\n0\n8\n"),
    "sparse map longer than its data": textMap("400\n"),
    "old sparse parts that overlap": oldSparse([[0, 4], [2, 4]], 100),
    "old sparse part past the end": oldSparse([[99, 8]], 100),
    "old sparse map that never ends": joinBytes([
      oldHeader([[0, 8]], 100, "\x01"),
      new Uint8Array(512 * 3000).fill(0x30),
    ]),
  };
  return Object.entries(archives).map(([name, bytes]) => ({
    name,
    bytes,
    expect: "error",
  }));
}

function textMap(map: string): Uint8Array<ArrayBuffer> {
  const padded = map.padEnd(Math.ceil(map.length / 512) * 512, "\0");
  return rawTar(
    rawPax({
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.realsize": "100",
    }),
    { name: "s", data: padded },
  );
}

function oldSparse(
  parts: readonly [number, number][],
  realSize: number,
): Uint8Array<ArrayBuffer> {
  return joinBytes([oldHeader(parts, realSize, "\0"), new Uint8Array(1024)]);
}

function oldHeader(
  parts: readonly [number, number][],
  realSize: number,
  isExtended: string,
): Uint8Array<ArrayBuffer> {
  const octal = (value: number) => value.toString(8).padStart(11, "0") + "\0";
  const numbers = parts.flat().map(octal).join("");
  return rawEntries({
    name: "s",
    flag: "S",
    magic: "ustar  \0",
    data: "x".repeat(parts.reduce((sum, [, length]) => sum + length, 0)),
    patch: { 386: numbers, 482: isExtended, 483: octal(realSize) },
  });
}
