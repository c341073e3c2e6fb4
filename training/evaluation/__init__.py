"""What a model said of samples that it was not trained on: figures, intervals, calibration, report, card."""
