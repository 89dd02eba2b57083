"""From trained weights to ONNX models and a style pack."""
