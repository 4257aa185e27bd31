/* Prepares a picture as the network was trained with, and runs the network. */

#include "classify.h"

static const float mean[NETWORK_CHANNELS] = {@MEAN@};
static const float deviation[NETWORK_CHANNELS] = {@STD@};

const char *const network_classes[NETWORK_CLASSES] = {
    @CLASSES@
};

int classify(const uint8_t picture[NETWORK_HEIGHT * NETWORK_WIDTH * NETWORK_CHANNELS]) {
    static float image[1][NETWORK_CHANNELS][NETWORK_HEIGHT][NETWORK_WIDTH];
    float logits[1][NETWORK_CLASSES];
    for (int y = 0; y < NETWORK_HEIGHT; y++) {
        for (int x = 0; x < NETWORK_WIDTH; x++) {
            for (int c = 0; c < NETWORK_CHANNELS; c++) {
                image[0][c][y][x] = ((float)*picture++ / 255.0f - mean[c]) / deviation[c];
            }
        }
    }
    network(image, logits);
    int best = 0;
    for (int k = 1; k < NETWORK_CLASSES; k++) {
        if (logits[0][k] > logits[0][best]) {
            best = k;
        }
    }
    return best;
}
