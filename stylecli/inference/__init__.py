"""ONNX networks run by onnxruntime."""
