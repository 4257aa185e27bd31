/* Arm's MPS2 board with the image AN386, as QEMU emulates it. */

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_DIVISOR REGISTER(0x40004010u)
#define TIMER_CONTROL REGISTER(0x40000000u)
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
#define COPROCESSORS REGISTER(0xE000ED88u)

extern uint32_t stack_top, data_source, data_start, data_end, bss_start, bss_end;
int main(void);

void board_start(void) {
    UART_DIVISOR = 16;
    UART_CONTROL = 1; /* Sends. */
    TIMER_RELOAD = TIMER_VALUE = 0xFFFFFFFFu;
    TIMER_CONTROL = 1; /* Counts down at 25 MHz: one tick is 40 instructions of `-icount shift=0`. */
}

void board_write(char letter) {
    while (UART_STATE & 1) {
    }
    UART_DATA = (uint32_t)letter;
}

uint32_t board_ticks(void) {
    return ~TIMER_VALUE;
}

void board_end(void) {
    /* Semihosting ends the emulation; a board without a debugger would stop at the breakpoint. */
    __asm volatile("mov r0, #0x18\n ldr r1, =0x20026\n bkpt 0xAB" ::: "r0", "r1", "memory");
    for (;;) {
    }
}

void reset(void) {
    COPROCESSORS |= 0xFu << 20; /* The floating-point unit. */
    __asm volatile("dsb\n isb");
    for (uint32_t *from = &data_source, *to = &data_start; to < &data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end;) {
        *to++ = 0;
    }
    main();
    for (;;) {
    }
}

static void fault(void) {
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, reset, fault, fault, fault, fault, fault, 0,
    0,          0,     0,     fault, fault, 0,     fault, fault,
};
