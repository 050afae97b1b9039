"""Running graphs without TensorFlow, on OpenVINO (freeze.md §8)."""
