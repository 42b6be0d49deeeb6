"""Networks stored as a whole: TorchScript, torch.export, ONNX, TFLite, and torch networks in
memory.
"""
