/* The network: one image, normalised, channels first, to the logits of its classes. */

#ifndef NETWORK_H
#define NETWORK_H

#define NETWORK_CHANNELS @CHANNELS@
#define NETWORK_HEIGHT @HEIGHT@
#define NETWORK_WIDTH @WIDTH@
#define NETWORK_CLASSES @COUNT@

void network(const float images[restrict 1][NETWORK_CHANNELS][NETWORK_HEIGHT][NETWORK_WIDTH],
             float logits[restrict 1][NETWORK_CLASSES]);

#endif
