"""Networks to train, as studies list them, and the engine that trains them."""
