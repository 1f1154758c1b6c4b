/**
 * What a stand-in runs, as listings of its machine code. A stand-in has neither
 * a libc nor a stack of its own making: it makes some twenty system calls, and
 * between them works on the data that `image.ts` lays out for it.
 *
 * In the order of the code: it takes its name, becomes the parent of what its
 * children leave behind, starts the runtime if there is one, with its own
 * standard streams, waits for it, writes the wait status (4 bytes) to whoever
 * started it, reads the container's number (4 bytes), lets what its children
 * leave behind from now on go to others, and waits until the container has ended
 * or one of the polled descriptors is ready. Then, and whenever something is not
 * as it should be, it becomes the shim.
 */

/** Where a stand-in's descriptors are while it starts a runtime. */
export const STAND_IN_FDS = {
  program: 3,
  /** What the shim will read. */
  order: 4,
  /** The executable that it becomes. */
  executable: 5,
  lock: 6,
  /** /dev/null, which takes the place of the runtime's streams. */
  nothing: 7,
  /** Pipes to and from whoever started it. */
  status: 8,
  pid: 9,
  /** From here on. */
  others: 10,
} as const;

const X86_64 = `
# The environment is what the kernel put behind our arguments.
00: bb00004100       mov ebx,0x410000
05: 488b0c24         mov rcx,QWORD PTR [rsp]
09: 488d6ccc10       lea rbp,[rsp+rcx*8+0x10]
# PR_SET_NAME
0e: bf0f000000       mov edi,0xf
13: 488b7320         mov rsi,QWORD PTR [rbx+0x20]
17: b89d000000       mov eax,0x9d
1c: 0f05             syscall
# PR_SET_CHILD_SUBREAPER
1e: bf24000000       mov edi,0x24
23: be01000000       mov esi,0x1
28: b89d000000       mov eax,0x9d
2d: 0f05             syscall
# Is there a runtime to start? fork
2f: 488b3b           mov rdi,QWORD PTR [rbx]
32: 4885ff           test rdi,rdi
35: 0f84d3000000     je 10e
3b: b839000000       mov eax,0x39
40: 0f05             syscall
42: 85c0             test eax,eax
44: 7533             jne 79
# In the child: keep all other descriptors from it, and become it.
46: bf03000000       mov edi,0x3
4b: beffffffff       mov esi,0xffffffff
50: ba04000000       mov edx,0x4
55: b8b4010000       mov eax,0x1b4
5a: 0f05             syscall
5c: 488b3b           mov rdi,QWORD PTR [rbx]
5f: 488b7308         mov rsi,QWORD PTR [rbx+0x8]
63: 4889ea           mov rdx,rbp
66: b83b000000       mov eax,0x3b
6b: 0f05             syscall
6d: bf7f000000       mov edi,0x7f
72: b83c000000       mov eax,0x3c
77: 0f05             syscall
# The shim ignores what ends everybody, and so do we.
79: 4189c4           mov r12d,eax
7c: 4c8d6b30         lea r13,[rbx+0x30]
80: 410fb67d00       movzx edi,BYTE PTR [r13+0x0]
85: 488d7338         lea rsi,[rbx+0x38]
89: 31d2             xor edx,edx
8b: 41ba08000000     mov r10d,0x8
91: b80d000000       mov eax,0xd
96: 0f05             syscall
98: 49ffc5           inc r13
9b: 41807d0000       cmp BYTE PTR [r13+0x0],0x0
a0: 75de             jne 80
a2: 41bd02000000     mov r13d,0x2
# The container's ends of its streams are its own.
a8: bf07000000       mov edi,0x7
ad: 4489ee           mov esi,r13d
b0: b821000000       mov eax,0x21
b5: 0f05             syscall
b7: 41ffcd           dec r13d
ba: 79ec             jns a8
# How did the runtime end?
bc: 4489e7           mov edi,r12d
bf: 488d732c         lea rsi,[rbx+0x2c]
c3: 31d2             xor edx,edx
c5: 4531d2           xor r10d,r10d
c8: b83d000000       mov eax,0x3d
cd: 0f05             syscall
cf: 83f8fc           cmp eax,0xfffffffc
d2: 74e8             je bc
# Tell who started us; he says what the number of the container is.
d4: bf08000000       mov edi,0x8
d9: 488d732c         lea rsi,[rbx+0x2c]
dd: ba04000000       mov edx,0x4
e2: b801000000       mov eax,0x1
e7: 0f05             syscall
e9: bf09000000       mov edi,0x9
ee: 31c0             xor eax,eax
f0: 0f05             syscall
f2: 83f804           cmp eax,0x4
f5: 753d             jne 134
# 0: there is none, and nothing to do.
f7: 8b7b2c           mov edi,DWORD PTR [rbx+0x2c]
fa: 85ff             test edi,edi
fc: 744d             je 14b
# pidfd_open
fe: 31f6             xor esi,esi
100: b8b2010000       mov eax,0x1b2
105: 0f05             syscall
107: 85c0             test eax,eax
109: 7829             js 134
10b: 894358           mov DWORD PTR [rbx+0x58],eax
# PR_SET_CHILD_SUBREAPER: further orphans are for somebody who waits for them
10e: bf24000000       mov edi,0x24
113: 31f6             xor esi,esi
115: b89d000000       mov eax,0x9d
11a: 0f05             syscall
# Is there anything to do?
11c: 488d7b58         lea rdi,[rbx+0x58]
120: 8b7328           mov esi,DWORD PTR [rbx+0x28]
123: 31d2             xor edx,edx
125: 4531d2           xor r10d,r10d
128: b80f010000       mov eax,0x10f
12d: 0f05             syscall
12f: 83f8fc           cmp eax,0xfffffffc
132: 74e8             je 11c
# Become the shim.
134: 488b7b10         mov rdi,QWORD PTR [rbx+0x10]
138: 488b7318         mov rsi,QWORD PTR [rbx+0x18]
13c: 4889ea           mov rdx,rbp
13f: b83b000000       mov eax,0x3b
144: 0f05             syscall
146: bf01000000       mov edi,0x1
# Leave.
14b: b83c000000       mov eax,0x3c
150: 0f05             syscall
`;

const AARCH64 = `
# The environment is what the kernel put behind our arguments.
00: 3308a0d2         mov x19, #0x410000
04: e10340f9         ldr x1, [sp]
08: f46f218b         add x20, sp, x1, lsl #3
0c: 94420091         add x20, x20, #0x10
# PR_SET_NAME
10: e00180d2         mov x0, #0xf
14: 611240f9         ldr x1, [x19, #32]
18: e81480d2         mov x8, #0xa7
1c: 010000d4         svc #0x0
# PR_SET_CHILD_SUBREAPER
20: 800480d2         mov x0, #0x24
24: 210080d2         mov x1, #0x1
28: e81480d2         mov x8, #0xa7
2c: 010000d4         svc #0x0
# Is there a runtime to start? fork
30: 600240f9         ldr x0, [x19]
34: 000800b4         cbz x0, 134
38: 200280d2         mov x0, #0x11
3c: 010080d2         mov x1, #0x0
40: 020080d2         mov x2, #0x0
44: 030080d2         mov x3, #0x0
48: 040080d2         mov x4, #0x0
4c: 881b80d2         mov x8, #0xdc
50: 010000d4         svc #0x0
54: a00100b5         cbnz x0, 88
# In the child: keep all other descriptors from it, and become it.
58: 600080d2         mov x0, #0x3
5c: 01008012         mov w1, #0xffffffff
60: 820080d2         mov x2, #0x4
64: 883680d2         mov x8, #0x1b4
68: 010000d4         svc #0x0
6c: 600640a9         ldp x0, x1, [x19]
70: e20314aa         mov x2, x20
74: a81b80d2         mov x8, #0xdd
78: 010000d4         svc #0x0
7c: e00f80d2         mov x0, #0x7f
80: a80b80d2         mov x8, #0x5d
84: 010000d4         svc #0x0
# The shim ignores what ends everybody, and so do we.
88: f50300aa         mov x21, x0
8c: 76c20091         add x22, x19, #0x30
90: c0164038         ldrb w0, [x22], #1
94: e0000034         cbz w0, b0
98: 61e20091         add x1, x19, #0x38
9c: 020080d2         mov x2, #0x0
a0: 030180d2         mov x3, #0x8
a4: c81080d2         mov x8, #0x86
a8: 010000d4         svc #0x0
ac: f9ffff17         b 90
# The container's ends of its streams are its own.
b0: 560080d2         mov x22, #0x2
b4: e00080d2         mov x0, #0x7
b8: e10316aa         mov x1, x22
bc: 020080d2         mov x2, #0x0
c0: 080380d2         mov x8, #0x18
c4: 010000d4         svc #0x0
c8: d60600f1         subs x22, x22, #0x1
cc: 45ffff54         b.pl b4
# How did the runtime end?
d0: e00315aa         mov x0, x21
d4: 61b20091         add x1, x19, #0x2c
d8: 020080d2         mov x2, #0x0
dc: 030080d2         mov x3, #0x0
e0: 882080d2         mov x8, #0x104
e4: 010000d4         svc #0x0
e8: 1f1000b1         cmn x0, #0x4
ec: 20ffff54         b.eq d0
# Tell who started us; he says what the number of the container is.
f0: 000180d2         mov x0, #0x8
f4: 61b20091         add x1, x19, #0x2c
f8: 820080d2         mov x2, #0x4
fc: 080880d2         mov x8, #0x40
100: 010000d4         svc #0x0
104: 200180d2         mov x0, #0x9
108: e80780d2         mov x8, #0x3f
10c: 010000d4         svc #0x0
110: 1f1000f1         cmp x0, #0x4
114: 81020054         b.ne 164
# 0: there is none, and nothing to do.
118: 602e40b9         ldr w0, [x19, #44]
11c: e0020034         cbz w0, 178
# pidfd_open
120: 010080d2         mov x1, #0x0
124: 483680d2         mov x8, #0x1b2
128: 010000d4         svc #0x0
12c: c001f8b7         tbnz x0, #63, 164
130: 605a00b9         str w0, [x19, #88]
# PR_SET_CHILD_SUBREAPER: further orphans are for somebody who waits for them
134: 800480d2         mov x0, #0x24
138: 010080d2         mov x1, #0x0
13c: e81480d2         mov x8, #0xa7
140: 010000d4         svc #0x0
# Is there anything to do?
144: 60620191         add x0, x19, #0x58
148: 612a40b9         ldr w1, [x19, #40]
14c: 020080d2         mov x2, #0x0
150: 030080d2         mov x3, #0x0
154: 280980d2         mov x8, #0x49
158: 010000d4         svc #0x0
15c: 1f1000b1         cmn x0, #0x4
160: 20ffff54         b.eq 144
# Become the shim.
164: 600641a9         ldp x0, x1, [x19, #16]
168: e20314aa         mov x2, x20
16c: a81b80d2         mov x8, #0xdd
170: 010000d4         svc #0x0
174: 200080d2         mov x0, #0x1
# Leave.
178: a80b80d2         mov x8, #0x5d
17c: 010000d4         svc #0x0
`;

/** Lines of `address: bytes instruction`, or `# comment`. */
export const LISTINGS = { x86_64: X86_64, aarch64: AARCH64 } as const;

export type StandInArch = keyof typeof LISTINGS;

/** The bytes of a listing. */
export function standInCode(arch: StandInArch): Uint8Array<ArrayBuffer> {
  const hex = LISTINGS[arch].split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ", 2)[1])
    .join("");
  return Uint8Array.fromHex(hex);
}
