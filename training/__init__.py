"""Fine-tuning: data sets, features, fitting and evaluation; it feeds the model as serving does."""
