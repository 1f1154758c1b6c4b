/**
 * The start-up code for aarch64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: sp points at argc; x0 (ld.so's exit function) is left alone.
00: 5f2403d5         bti c
# How long are argc, argv, envp and auxv together?
04: e1030091         mov x1, sp
08: 220040f9         ldr x2, [x1]
0c: 230c028b         add x3, x1, x2, lsl #3
10: 63400091         add x3, x3, #0x10
# skip the environment and its NULL
14: 648440f8         ldr x4, [x3], #8
18: e4ffffb5         cbnz x4, 14
# skip the auxiliary vector and its AT_NULL
1c: 640441f8         ldr x4, [x3], #16
20: e4ffffb5         cbnz x4, 1c
# Make room for that and our own additions, 16-byte aligned.
24: 630001cb         sub x3, x3, x1
28: 05070010         adr x5, 108
2c: a41040b9         ldr w4, [x5, #16]
30: 6300048b         add x3, x3, x4
34: 240003cb         sub x4, x1, x3
38: 84ec7c92         and x4, x4, #0xfffffffffffffff0
3c: 9f000091         mov sp, x4
40: 86200091         add x6, x4, #0x8
# argc is written last; argv[0] stays.
44: 278440f8         ldr x7, [x1], #8
48: 288440f8         ldr x8, [x1], #8
4c: c88400f8         str x8, [x6], #8
# Our arguments, then argc, then the user's own and their NULL.
50: a9500091         add x9, x5, #0x14
54: 23000094         bl e0
58: 870000f9         str x7, [x4]
5c: 288440f8         ldr x8, [x1], #8
60: c88400f8         str x8, [x6], #8
64: c8ffffb5         cbnz x8, 5c
# Our environment, then the user's without the dropped prefixes.
68: ee0306aa         mov x14, x6
6c: 1d000094         bl e0
70: 288440f8         ldr x8, [x1], #8
74: e80100b4         cbz x8, b0
# does one of the prefixes match?
78: ea0309aa         mov x10, x9
7c: 4b014039         ldrb w11, [x10]
80: 4b010034         cbz w11, a8
84: ec0308aa         mov x12, x8
88: 4b154038         ldrb w11, [x10], #1
8c: 2bffff34         cbz w11, 70
90: 8d154038         ldrb w13, [x12], #1
94: 7f010d6b         cmp w11, w13
98: 80ffff54         b.eq 88
# no: on to the next prefix
9c: 4b154038         ldrb w11, [x10], #1
a0: ebffff35         cbnz w11, 9c
a4: f6ffff17         b 7c
# keep the variable
a8: c88400f8         str x8, [x6], #8
ac: f1ffff17         b 70
# end of the environment; copy the auxiliary vector
b0: df8400f8         str xzr, [x6], #8
b4: 2828c1a8         ldp x8, x10, [x1], #16
b8: c82881a8         stp x8, x10, [x6], #16
bc: c8ffffb5         cbnz x8, b4
# Point libc's environ, if there is one, at the new environment.
c0: 10faff10         adr x16, 0
c4: a90440f9         ldr x9, [x5, #8]
c8: 690000b4         cbz x9, d4
cc: 0a6a69f8         ldr x10, [x16, x9]
d0: 4e0100f9         str x14, [x10]
# Go where the executable would have started.
d4: a90040f9         ldr x9, [x5]
d8: 1002098b         add x16, x16, x9
dc: 00021fd6         br x16
# append: pointers to the strings at x9, up to an empty one.
e0: 28014039         ldrb w8, [x9]
e4: c8000034         cbz w8, fc
e8: c98400f8         str x9, [x6], #8
ec: e7040091         add x7, x7, #0x1
f0: 28154038         ldrb w8, [x9], #1
f4: e8ffff35         cbnz w8, f0
f8: faffff17         b e0
fc: 29050091         add x9, x9, #0x1
100: c0035fd6         ret
# padding
104: 1f2003d5         nop
`;

export const STUB_AARCH64: Stub = stubOf({
  machine: 183,
  listing: LISTING,
});
