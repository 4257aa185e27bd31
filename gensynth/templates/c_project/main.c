/* Classifies the pictures of pictures.h and prints a line for each: the class, a tab, and the ticks
   of the board's timer that it took. */

#include "board.h"
#include "classify.h"
#include "pictures.h"

static void say(const char *text) {
    while (*text) {
        board_write(*text++);
    }
}

static void say_number(uint32_t number) {
    char digits[11] = {0};
    int place = 10;
    do {
        digits[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say(digits + place);
}

int main(void) {
    board_start();
    for (int k = 0; k < PICTURES; k++) {
        uint32_t before = board_ticks();
        int best = classify(pictures[k]);
        uint32_t ticks = board_ticks() - before;
        say(network_classes[best]);
        say("\t");
        say_number(ticks);
        say("\n");
    }
    board_end();
    return 0;
}
