"""A checkpoint as files for a service that has no torch: item vectors, interests, and the model as ONNX."""
