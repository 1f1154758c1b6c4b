/**
 * The start-up code for x86-64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: rsp points at argc; rdx (ld.so's exit function) is left alone.
00: f30f1efa         endbr64
04: fc               cld
# How long are argc, argv, envp and auxv together?
05: 4889e6           mov rsi,rsp
08: 488b0e           mov rcx,QWORD PTR [rsi]
0b: 488d7cce10       lea rdi,[rsi+rcx*8+0x10]
# skip the environment and its NULL
10: 4883c708         add rdi,0x8
14: 48837ff800       cmp QWORD PTR [rdi-0x8],0x0
19: 75f5             jne 10
# skip the auxiliary vector and its AT_NULL
1b: 4883c710         add rdi,0x10
1f: 48837ff000       cmp QWORD PTR [rdi-0x10],0x0
24: 75f5             jne 1b
# Make room for that and our own additions, 16-byte aligned.
26: 4829f7           sub rdi,rsi
29: 8b05b1000000     mov eax,DWORD PTR [rip+0xb1]
2f: 4801c7           add rdi,rax
32: 4829fc           sub rsp,rdi
35: 4883e4f0         and rsp,0xfffffffffffffff0
39: 488d7c2408       lea rdi,[rsp+0x8]
# argc is written last; argv[0] stays.
3e: 48ad             lods rax,QWORD PTR ds:[rsi]
40: 4989c0           mov r8,rax
43: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
# Our arguments, then argc, then the user's own and their NULL.
45: 4c8d0d98000000   lea r9,[rip+0x98]
4c: e868000000       call b9
51: 4c890424         mov QWORD PTR [rsp],r8
55: 48ad             lods rax,QWORD PTR ds:[rsi]
57: 48ab             stos QWORD PTR es:[rdi],rax
59: 4885c0           test rax,rax
5c: 75f7             jne 55
# Our environment, then the user's without the dropped prefixes.
5e: e856000000       call b9
63: 48ad             lods rax,QWORD PTR ds:[rsi]
65: 4885c0           test rax,rax
68: 742f             je 99
# does one of the prefixes match?
6a: 4d89ca           mov r10,r9
6d: 41803a00         cmp BYTE PTR [r10],0x0
71: 7422             je 95
73: 4989c3           mov r11,rax
76: 418a0a           mov cl,BYTE PTR [r10]
79: 49ffc2           inc r10
7c: 84c9             test cl,cl
7e: 74e3             je 63
80: 413a0b           cmp cl,BYTE PTR [r11]
83: 4d8d5b01         lea r11,[r11+0x1]
87: 74ed             je 76
# no: on to the next prefix
89: 418a0a           mov cl,BYTE PTR [r10]
8c: 49ffc2           inc r10
8f: 84c9             test cl,cl
91: 75f6             jne 89
93: ebd8             jmp 6d
# keep the variable
95: 48ab             stos QWORD PTR es:[rdi],rax
97: ebca             jmp 63
# end of the environment; copy the auxiliary vector
99: 48ab             stos QWORD PTR es:[rdi],rax
9b: 48ad             lods rax,QWORD PTR ds:[rsi]
9d: 48ab             stos QWORD PTR es:[rdi],rax
9f: 4889c1           mov rcx,rax
a2: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
a4: 4885c9           test rcx,rcx
a7: 75f2             jne 9b
# Go where the executable would have started.
a9: 488d0550ffffff   lea rax,[rip+0xffffffffffffff50]
b0: 48030521000000   add rax,QWORD PTR [rip+0x21]
b7: ffe0             jmp rax
# append: pointers to the strings at r9, up to an empty one.
b9: 41803900         cmp BYTE PTR [r9],0x0
bd: 7414             je d3
bf: 4c89c8           mov rax,r9
c2: 48ab             stos QWORD PTR es:[rdi],rax
c4: 49ffc0           inc r8
c7: 49ffc1           inc r9
ca: 418079ff00       cmp BYTE PTR [r9-0x1],0x0
cf: 75f6             jne c7
d1: ebe6             jmp b9
d3: 49ffc1           inc r9
d6: c3               ret
# padding
d7: 90               nop
`;

export const STUB_X86_64: Stub = stubOf({
  machine: 62,
  listing: LISTING,
});
