"""Fine-tuning: labelled folders to examples (`dataset`), the loop (`loop`), checkpoints (`checkpoint`)."""
