"""What a network takes under TensorFlow Lite Micro (TFLM), known from its graph alone."""
