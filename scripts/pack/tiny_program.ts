/** The smallest programs that a container can run: one segment, no library. */

const ADDRESS = 0x40_0000;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const ENTRY = HEADER_BYTES + SEGMENT_BYTES;

type Arch = typeof Deno.build.arch;

const MACHINE: Readonly<Record<Arch, number>> = { x86_64: 62, aarch64: 183 };

/** `end`: exits with 0. `stay`: sleeps until it is killed. */
const CODE: Readonly<Record<Arch, Readonly<Record<"end" | "stay", string>>>> = {
  x86_64: {
    end: "31ff" + // xor edi, edi
      "b83c000000" + // mov eax, 60 (exit)
      "0f05", // syscall
    stay: "b822000000" + // mov eax, 34 (pause)
      "0f05" + // syscall
      "ebf7", // jmp to the first
  },
  aarch64: {
    end: "000080d2" + // mov x0, 0
      "a80b80d2" + // mov x8, 93 (exit)
      "010000d4", // svc 0
    stay: "000080d2" + // mov x0, 0
      "010080d2" + // mov x1, 0
      "020080d2" + // mov x2, 0
      "030080d2" + // mov x3, 0
      "280980d2" + // mov x8, 73 (ppoll)
      "010000d4" + // svc 0
      "faffff17", // b to the first
  },
};

/** @see elf(5) */
export function tinyProgram(
  deed: "end" | "stay",
  arch: Arch,
): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.fromHex(CODE[arch][deed]);
  const program = new Uint8Array(ENTRY + code.length);
  // 64 bits, little-endian, version 1.
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  program.set(code, ENTRY);
  const header = new DataView(program.buffer);
  header.setUint16(16, 2, true); // an executable
  header.setUint16(18, MACHINE[arch], true);
  header.setUint32(20, 1, true);
  header.setBigUint64(24, BigInt(ADDRESS + ENTRY), true);
  header.setBigUint64(32, BigInt(HEADER_BYTES), true);
  header.setUint16(52, HEADER_BYTES, true);
  header.setUint16(54, SEGMENT_BYTES, true);
  header.setUint16(56, 1, true);
  const segment = new DataView(program.buffer, HEADER_BYTES);
  segment.setUint32(0, 1, true); // to be loaded
  segment.setUint32(4, 5, true); // to be read and executed
  segment.setBigUint64(16, BigInt(ADDRESS), true);
  segment.setBigUint64(24, BigInt(ADDRESS), true);
  segment.setBigUint64(32, BigInt(program.length), true);
  segment.setBigUint64(40, BigInt(program.length), true);
  segment.setBigUint64(48, 0x1000n, true);
  return program;
}
