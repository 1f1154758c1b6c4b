// Writes each string of argv and of the environment on a line of its own, with
// an empty line between the two lists and the page size (auxv) checked.
.globl _start
_start:
    mov x19, sp
    add x19, x19, #8
    mov w20, #2             // two lists
next:
    ldr x1, [x19], #8
    cbz x1, end_of_list
    mov x2, #0
count:
    ldrb w3, [x1, x2]
    cbz w3, counted
    add x2, x2, #1
    b count
counted:
    bl put
    adr x1, newline
    mov x2, #1
    bl put
    b next
end_of_list:
    adr x1, newline
    mov x2, #1
    bl put
    subs w20, w20, #1
    b.ne next
auxv:                       // exit code 3 unless AT_PAGESZ (6) is 4096
    mov x0, #3
    ldp x4, x5, [x19], #16
    cbz x4, quit
    cmp x4, #6
    b.ne auxv
    cmp x5, #4096
    b.ne quit
    mov x4, sp              // and unless the stack is aligned
    tst x4, #15
    b.ne quit
    mov x0, #0
quit:
    mov x8, #93
    svc #0
put:
    mov x0, #1
    mov x8, #64
    svc #0
    ret
newline: .ascii "\n"
