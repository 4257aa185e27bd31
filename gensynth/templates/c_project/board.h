/* What the example asks of a board. board.c is for Arm's MPS2 with the image AN386 (a Cortex-M4),
   which QEMU emulates; write these four functions for your own board. */

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_start(void);
void board_write(char letter);
uint32_t board_ticks(void); /* Counts upwards. */
void board_end(void);

#endif
