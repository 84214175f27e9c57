"""From tables of networks to effects, intervals and the judgement of claims; knows nothing of training."""
