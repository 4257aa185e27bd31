/* Classifies a picture in a buffer. */

#ifndef CLASSIFY_H
#define CLASSIFY_H

#include <stdint.h>

#include "network.h"

extern const char *const network_classes[NETWORK_CLASSES];

/* The class of a picture of NETWORK_HEIGHT x NETWORK_WIDTH pixels, row by row, each with
   NETWORK_CHANNELS bytes (red, green, blue; or grey): its place in network_classes. */
int classify(const uint8_t picture[NETWORK_HEIGHT * NETWORK_WIDTH * NETWORK_CHANNELS]);

#endif
