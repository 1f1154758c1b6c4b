# Writes each string of argv and of the environment on a line of its own, with
# an empty line between the two lists and the page size (auxv) checked.
.intel_syntax noprefix
.globl _start
_start:
    mov r12, rsp
    add r12, 8
    mov r13d, 2             # two lists
next:
    mov rsi, [r12]
    add r12, 8
    test rsi, rsi
    jz end_of_list
    xor edx, edx
count:
    inc rdx
    cmp byte ptr [rsi+rdx-1], 0
    jne count
    dec rdx
    call put
    lea rsi, [rip+newline]
    mov edx, 1
    call put
    jmp next
end_of_list:
    lea rsi, [rip+newline]
    mov edx, 1
    call put
    dec r13d
    jnz next
auxv:                       # exit code 3 unless AT_PAGESZ (6) is 4096
    mov edi, 3
    mov rax, [r12]
    test rax, rax
    jz quit
    mov rcx, [r12+8]
    add r12, 16
    cmp rax, 6
    jne auxv
    cmp rcx, 4096
    jne quit
    test rsp, 15            # and unless the stack is aligned
    jnz quit
    xor edi, edi
quit:
    mov eax, 60
    syscall
put:
    mov edi, 1
    mov eax, 1
    syscall
    ret
.data
newline: .ascii "\n"
